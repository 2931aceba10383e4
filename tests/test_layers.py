"""Imports point one way, loggers -> storage <- dashboard, and frameworks stay in files named after them."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
MAY_IMPORT = {
    "storage": {"storage"},
    "loggers": {"loggers", "storage"},
    "dashboard": {"dashboard", "storage"},
}
FRAMEWORKS = ("torch", "keras", "tensorflow")
HEAVY = ("numpy", "sqlalchemy", "PIL", "rich", "dash", "plotly", *FRAMEWORKS)


def source_files(*folders: str) -> list[Path]:
    return sorted(
        path.relative_to(CHECKOUT) for folder in folders for path in (CHECKOUT / folder).rglob("*.py")
    )


def imported_modules(path: Path) -> Iterator[str]:
    """Absolute names of the modules a file of one of the three floors imports, at any depth in it."""
    package = ["trainboard", *path.parent.parts]
    for node in ast.walk(ast.parse((CHECKOUT / path).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = [*base, *([node.module] if node.module else [])]
            yield from (".".join([*module, alias.name]) for alias in node.names)


def floors_imported(path: Path) -> set[str]:
    names = (name.split(".") for name in imported_modules(path))
    return {name[1] if len(name) > 1 else "front door" for name in names if name[0] == "trainboard"}


@pytest.mark.parametrize("floor", MAY_IMPORT)
def test_a_floor_imports_only_what_lies_beneath_it(floor: str) -> None:
    found = {path: floors_imported(path) - MAY_IMPORT[floor] for path in source_files(floor)}
    assert found and {path: above for path, above in found.items() if above} == {}


def test_a_framework_is_imported_only_by_the_loggers_named_after_it() -> None:
    wrong = {}
    for path in source_files(*MAY_IMPORT, "src"):
        named = {path.name.split("_")[0]} if path.parts[0] == "loggers" else set()
        wrong[path] = ({name.split(".")[0] for name in imported_modules(path)} & set(FRAMEWORKS)) - named
    assert wrong and {path: used for path, used in wrong.items() if used} == {}


def test_import_trainboard_loads_no_heavy_library_and_is_quick() -> None:
    program = f"""
import sys, time
start = time.process_time()
import trainboard
print(time.process_time() - start, *(name for name in {HEAVY} if name in sys.modules))
"""
    command = [sys.executable, "-c", program]
    printed = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(5)]
    assert [line.split()[1:] for line in printed] == [[]] * 5
    assert min(float(line.split()[0]) for line in printed) < 0.1


def test_no_two_scripts_of_the_page_define_the_same_name() -> None:
    scripts = (CHECKOUT / "dashboard/assets/js").glob("*.js")
    found = [
        name
        for path in scripts
        for name in set(re.findall(r"^  trainboard\.(\w+) = ", path.read_text(), re.M))
    ]
    gathered = {"paneKinds"}  # every script adds kinds of its own
    assert [name for name, count in Counter(found).items() if count > 1 and name not in gathered] == []
