"""What a server imports before it answers: people wait for that each time they start one."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from trainboard.dashboard.server import create_app
from trainboard.storage import open_store
create_app(open_store(sys.argv[1], create=True))
"""


def run(program: str, *arguments: str) -> list[str]:
    """The lines that a program prints which has made a server's application."""
    command = [sys.executable, "-c", PROGRAM + program, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def test_a_server_starts_without_what_it_has_no_use_for(tmp_path: object) -> None:
    loaded = run("print(*sys.modules)", f"{tmp_path}/store.db")
    mantine = [name for name in loaded if name.startswith("dash_mantine_components.")]
    assert 0 < len(mantine) < 20
    assert not {"flask", "pandas", "pyarrow", "torch"} & set(loaded)


def test_other_pages_of_the_same_process_have_all_of_mantine(tmp_path: object) -> None:
    theirs = """
import dash_mantine_components as dmc
from dash_mantine_components import Badge
print(dmc.Button("a").children, Badge("b").children, type(dmc.Slider()).__name__, dmc.Button("c").children)
print(hasattr(dmc, "NoSuchThing"))
"""
    assert run(theirs, f"{tmp_path}/store.db") == ["a", "b", "Slider", "c", "False"]
