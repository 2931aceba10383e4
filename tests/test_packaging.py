"""The package that is built is the one in this checkout, whole, with the JavaScript its pages need."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from itertools import chain
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
FOLDERS: dict[str, str] = PYPROJECT["tool"]["setuptools"]["package-dir"]
NEEDED_ONLY_BY_SOME = ("torch", "tensorflow", "keras", "scikit-learn", "psycopg", "pytest", "ruff", "pyright")


def packages_on_disk() -> set[str]:
    """Dotted names of all folders under the mapped ones that hold an `__init__.py`."""
    found = set()
    for package, folder in FOLDERS.items():
        for path in (CHECKOUT / folder).rglob("__init__.py"):
            inner = path.parent.relative_to(CHECKOUT / folder).parts
            found.add(".".join([package, *inner]))
    return found


def required(names: list[str]) -> set[str]:
    return {re.split(r"[\[<>=!~;]", name)[0] for name in names}


@pytest.fixture(scope="module")
def clean_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what git would hand to somebody else: nothing built, nothing brought from npm."""
    folder = tmp_path_factory.mktemp("checkout")
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=CHECKOUT, capture_output=True, check=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (CHECKOUT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((CHECKOUT / name).read_bytes())
    return folder


@pytest.fixture(scope="module")
def wheel(clean_checkout: Path) -> set[str]:
    """Names of the files in the wheel that `pip install .` makes from a clean checkout."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", "dist", "."]
    subprocess.run(command, cwd=clean_checkout, check=True)
    (built,) = (clean_checkout / "dist").glob("*.whl")
    return set(zipfile.ZipFile(built).namelist())


def test_every_package_on_disk_is_listed_and_so_reaches_the_wheel() -> None:
    assert set(PYPROJECT["tool"]["setuptools"]["packages"]) == packages_on_disk()


def test_the_core_needs_no_framework_and_nothing_only_tests_use() -> None:
    assert not required(PYPROJECT["project"]["dependencies"]) & set(NEEDED_ONLY_BY_SOME)


def test_every_dependency_is_pinned_in_the_constraints() -> None:
    pins = (CHECKOUT / "requirements" / "constraints.txt").read_text().splitlines()
    pinned = {name.lower().replace("_", "-") for name in required(pins)}
    project = PYPROJECT["project"]
    extras = chain.from_iterable(project["optional-dependencies"].values())
    wanted = required([*project["dependencies"], *extras])
    assert wanted - {"trainboard"} <= pinned


def test_the_wheel_holds_every_file_of_the_package(clean_checkout: Path, wheel: set[str]) -> None:
    expected = set()
    for package, folder in FOLDERS.items():
        paths = (path for path in (clean_checkout / folder).rglob("[!.]*") if path.is_file())
        names = (path.relative_to(clean_checkout / folder) for path in paths)
        expected |= {f"{package.replace('.', '/')}/{name}" for name in names}
    assert expected <= wheel


def test_the_wheel_holds_the_javascript_with_its_licence(wheel: set[str]) -> None:
    vendored: dict[str, list[str]] = json.loads((CHECKOUT / "package.json").read_text())["vendor"]
    for library, files in vendored.items():
        names = {f"trainboard/dashboard/assets/vendor/{library}/{Path(name).name}" for name in files}
        assert names <= wheel
        assert any(name.endswith("/LICENSE") for name in names)


def test_the_wheel_installs_nothing_beside_trainboard(wheel: set[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    assert tops == {"trainboard", *(top for top in tops if top.endswith(".dist-info"))}


def test_the_sdist_carries_the_javascript_so_a_wheel_needs_no_npm(
    clean_checkout: Path,
) -> None:
    program = "from setuptools.build_meta import build_sdist; print(build_sdist('dist'))"
    printed = subprocess.run(
        [sys.executable, "-c", program], cwd=clean_checkout, capture_output=True, text=True, check=True
    )
    with tarfile.open(clean_checkout / "dist" / printed.stdout.splitlines()[-1]) as sdist:
        names = {name.split("/", 1)[-1] for name in sdist.getnames()}
    vendor = "dashboard/assets/vendor"
    assert {f"{vendor}/.manifests.sha256", f"{vendor}/uplot/uPlot.iife.min.js"} <= names
    assert {"setup.py", "package-lock.json", "requirements/constraints.txt", "tests/conftest.py"} <= names
