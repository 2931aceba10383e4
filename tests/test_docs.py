"""The docs say what is so: their programs run, their paths exist, and nothing a user meets is missing."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest

import trainboard as tb
from trainboard.cli import VERBS, command_line
from trainboard.dashboard.pages import PAGES
from trainboard.storage.kinds import KINDS

CHECKOUT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md")])
WHOLE = {"examples/", "benchmarks/", "tests/", "docs/", ".ci/"}
README = (CHECKOUT / "README.md").read_text()
GUIDES = {page.name: page.read_text() for page in (CHECKOUT / "docs").glob("*.md")}


def programs(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def mapped_paths() -> list[str]:
    """The paths of README's map. A line's folder is at the margin, its files are indented below it."""
    (block,) = re.findall(r"^## Map\n.*?^```\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    paths, folder = [], ""
    for indent, names in re.findall(r"^( *)([^\s,]+(?:, [^\s,]+)*) ", block, re.MULTILINE):
        if not indent:
            folder = names
        paths += [(folder if indent else "") + name for name in names.split(", ")]
    return paths


def test_links_and_pictures_lead_somewhere() -> None:
    wrong = []
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
            if not target.startswith("http") and not (document.parent / target).exists():
                wrong.append(f"{document.name}: {target}")
    assert wrong == []


def test_every_path_of_the_map_exists() -> None:
    paths = mapped_paths()
    assert paths and [path for path in paths if not (CHECKOUT / path).exists()] == []


def test_every_module_is_on_the_map() -> None:
    """By its own name, or by that of a folder within one of the floors, whose files are alike."""
    mapped = mapped_paths()
    on_map = {path for path in mapped if not path.endswith("/") or path.count("/") > 1 or path in WHOLE}
    tracked = subprocess.run(
        ["git", "ls-files", "*.py"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    modules = [name for name in tracked.stdout.splitlines() if not name.endswith("__init__.py")]
    assert [name for name in modules if not name.startswith(tuple(on_map))] == []


@pytest.mark.parametrize("verb", VERBS)
def test_a_command_and_its_options_are_in_the_guides(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    guides = "\n".join(GUIDES.values())
    assert f"trainboard {verb}" in guides
    with pytest.raises(SystemExit):
        command_line().parse_args([verb, "--help"])
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}
    assert {option for option in options if option not in guides} == set()


def test_every_kind_is_in_the_table_of_kinds() -> None:
    rows = re.findall(r"^\| (\w+) \|", GUIDES["watching.md"], re.MULTILINE)
    assert rows[1:] == list(KINDS)


def test_every_page_is_in_the_quick_start() -> None:
    assert re.findall(r"^- \*\*(\w+)\*\*:", GUIDES["quick-start.md"], re.MULTILINE) == [
        p.TITLE for p in PAGES
    ]


def test_every_promise_of_security_is_shown_by_a_test_that_exists() -> None:
    for row in re.findall(r"^\| (?!Promise|---)(.+) \|$", GUIDES["security.md"], re.MULTILINE):
        shown = re.findall(r"`(test_\w+\.py)(?:::(test_\w+))?`", row)
        assert shown, row
        for file, name in shown:
            assert (f"\ndef {name}(" if name else "def test_") in (CHECKOUT / "tests" / file).read_text(), (
                name or file
            )


def test_every_dependency_is_justified() -> None:
    text = (CHECKOUT / "docs/decisions/0001-dependencies.md").read_text()
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    names = {re.split(r"[\[<>=]", name)[0] for name in wanted} - {"trainboard"}
    assert {name for name in names if not re.search(rf"^\| {name}\b", text, re.MULTILINE)} == set()


def test_the_programs_of_the_readme_run_one_after_the_other(tmp_path: Path) -> None:
    for program in programs(README):
        run(program, tmp_path)
    runs = tb.open_store(tmp_path / "trainboard.db").runs(project="first-steps")
    assert [run.status for run in runs] == ["finished", "finished"]


@pytest.mark.parametrize("guide", [name for name, text in GUIDES.items() if programs(text)])
def test_the_programs_of_a_guide_run_one_after_the_other(guide: str, tmp_path: Path) -> None:
    for program in programs(GUIDES[guide]):
        run(program, tmp_path)


def run(program: str, folder: Path) -> None:
    command = [sys.executable, "-W", "error::UserWarning:trainboard", "-c", program]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
