"""What all tests share: proof that they test this checkout, and a browser to look at pages with."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import trainboard

CHECKOUT = Path(__file__).resolve().parents[1]
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# An editable install names absolute paths: in a second checkout, tests would pass on the first one's code.
_tested = Path(trainboard.__file__).resolve()
if not _tested.is_relative_to(CHECKOUT / "src"):
    raise RuntimeError(f"trainboard comes from {_tested.parent}, not from {CHECKOUT}: run `make setup` here.")

# A developer's own store is not for tests to write to.
os.environ.pop("TRAINBOARD_STORE", None)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Start the machine's Chromium. Without one, a browser test is skipped, or fails where CI is set."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        reason = "no Chromium on this machine: install Debian's package `chromium`, then `make test`"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return {**browser_type_launch_args, "executable_path": chromium, "args": CHROMIUM_FLAGS}
