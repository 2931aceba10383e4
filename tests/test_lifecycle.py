"""How runs end when the program does not say: real programs, ended in every way."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import trainboard as tb
from trainboard.storage.series import RunRecord

BEGIN = """
import os, signal, sys, threading, time, trainboard as tb
run = tb.init(id="r", store=sys.argv[1])
run.log({"a": 1.0})
def linger():  # a signal that comes just before one long sleep is only heard after it
    for _ in range(1200): time.sleep(0.05)
"""


def end_of(tmp_path: Path, code: str, exit_code: int, send: signal.Signals | None = None) -> RunRecord:
    """Run a program, which says when it is ready for a signal, and return what the store has of it."""
    path = tmp_path / "s.db"
    process = subprocess.Popen(
        [sys.executable, "-c", BEGIN + code, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    if send is not None:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        process.send_signal(send)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == exit_code, errors
    store = tb.open_store(path)
    assert store.points("r", "a").total == 1
    assert list(path.with_name("s.db.spool").iterdir()) == []
    return store.run("r")


def test_a_program_that_just_ends_has_finished(tmp_path: Path) -> None:
    assert end_of(tmp_path, "", 0).status == "finished"


def test_an_uncaught_exception_is_a_crash_with_its_text(tmp_path: Path) -> None:
    record = end_of(tmp_path, "raise ValueError('the loss exploded')", 1)
    assert (record.status, record.exit_code) == ("crashed", 1)
    assert "ValueError: the loss exploded" in (record.error or "")


@pytest.mark.parametrize(
    ("status", "exit_code", "shown"), [("0", 0, "finished"), ("3", 3, "crashed"), ("'no data'", 1, "crashed")]
)
def test_a_program_that_exits_with_an_error_has_crashed(
    tmp_path: Path, status: str, exit_code: int, shown: str
) -> None:
    record = end_of(tmp_path, f"sys.exit({status})", exit_code)
    assert (record.status, record.exit_code) == (shown, exit_code)


def test_sys_exit_in_another_thread_is_no_crash_of_the_program(tmp_path: Path) -> None:
    code = "thread = threading.Thread(target=sys.exit, args=(3,)); thread.start(); thread.join()"
    assert end_of(tmp_path, code, 0).status == "finished"


def test_the_programs_own_excepthook_is_still_called(tmp_path: Path) -> None:
    code = """
previous = sys.excepthook
def mine(*error):
    os.write(1, b"mine")
    previous(*error)
sys.excepthook = mine
raise ValueError("x")
"""
    assert end_of(tmp_path, code, 1).status == "crashed"


def test_an_exception_in_another_thread_is_no_crash_of_the_program(tmp_path: Path) -> None:
    code = "thread = threading.Thread(target=lambda: 1 / 0); thread.start(); thread.join()"
    assert end_of(tmp_path, code, 0).status == "finished"


def test_ctrl_c_stops_a_run(tmp_path: Path) -> None:
    code = "run.flush(); print('ready', flush=True); linger()"
    record = end_of(tmp_path, code, -signal.SIGINT, signal.SIGINT)
    assert (record.status, record.exit_code) == ("stopped", 130)


def test_sigterm_stops_a_run_and_still_ends_the_program_by_signal(tmp_path: Path) -> None:
    code = "print('ready', flush=True); linger()"
    record = end_of(tmp_path, code, -signal.SIGTERM, signal.SIGTERM)
    assert (record.status, record.exit_code) == ("stopped", 143)


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_programs_own_sigterm_handler_decides(tmp_path: Path, when: str) -> None:
    handler = (
        "def mine(*_):\n    os.write(1, b'mine\\n')\n    sys.exit(5)\nsignal.signal(signal.SIGTERM, mine)\n"
    )
    begin = "import os, signal, sys\n" + handler if when == "before" else ""
    path = tmp_path / "s.db"
    code = begin + BEGIN + (handler if when == "after" else "") + "print('ready', flush=True); linger()"
    process = subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    process.terminate()
    assert process.communicate(timeout=300)[0] == "mine\n"
    assert process.returncode == 5
    status = tb.open_store(path).run("r").status
    assert status == ("stopped" if when == "before" else "crashed")


def test_sigterm_in_the_middle_of_logging_stops_the_run(tmp_path: Path) -> None:
    code = """
print("ready", flush=True)
while True:
    run.log({"b": 1.0})
"""
    assert end_of(tmp_path, code, -signal.SIGTERM, signal.SIGTERM).status == "stopped"


def test_a_second_signal_while_the_run_ends_leaves_nothing_behind(tmp_path: Path) -> None:
    code = """
import sqlite3
run.flush()
blocker = sqlite3.connect(sys.argv[1], isolation_level=None, check_same_thread=False)
blocker.execute("BEGIN IMMEDIATE")
def interrupt_twice():
    os.kill(os.getpid(), signal.SIGINT)
    while not run.ended:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.3)
    blocker.execute("ROLLBACK")
threading.Thread(target=interrupt_twice, daemon=True).start()
with run:
    linger()
"""
    assert end_of(tmp_path, code, -signal.SIGTERM).status == "stopped"


def test_init_in_another_thread_leaves_signals_alone(tmp_path: Path) -> None:
    code = f"""
import signal, sys, threading, trainboard as tb
thread = threading.Thread(target=lambda: tb.init(store={str(tmp_path / "s.db")!r}))
thread.start(); thread.join()
print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["True"]


def test_a_forked_worker_that_is_terminated_does_not_end_its_parents_run(tmp_path: Path) -> None:
    code = """
reads, writes = os.pipe()
child = os.fork()
if child == 0:
    # Python forgets a signal that arrives while it forks.
    os.write(writes, b"ready")
    linger()
    os._exit(0)
os.read(reads, 5)
os.kill(child, signal.SIGTERM)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
assert not run.ended
"""
    assert end_of(tmp_path, code, 0).status == "finished"
