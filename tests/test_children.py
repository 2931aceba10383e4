"""Children of a program that logs: forked, spawned, or in pools, they neither disturb nor repeat its run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import trainboard as tb
from trainboard.storage import RunRecord, Store
from trainboard.storage.spools import adopt_orphans

PROGRAM = """
import multiprocessing, os, pickle, signal, sys, time, warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
import trainboard as tb

run = None

def log_in_child(count, given=None):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            (given or run or tb).log({{"a": -1.0}})
        return [str(one.message) for one in caught if one.category.__name__ == "TrainboardWarning"]

def own_run(end):
    with_run = tb.init("children", store=sys.argv[1])
    with_run.log({{"own": 1.0}})
    if end == "raise":
        raise ValueError("a child's own error")

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def main():
    global run
    run = tb.init("parent", id="parent", store=sys.argv[1])
    run.log({{"a": 0.0}}, 0)
{body}
    for step in range(1, 1000):
        run.log({{"a": float(step)}}, step)
    run.finish()

if __name__ == "__main__":
    main()
"""

FORKS_AT_ONCE = """
import os, sys, time
import trainboard as tb

run = tb.init("parent", store=sys.argv[1])
for _ in range(6):  # while the drain imports, which takes some tenths of a second
    time.sleep(0.05)
    child = os.fork()
    if child == 0:
        import numpy, asyncio, ssl
        own = tb.init("child", store=sys.argv[1])
        own.log({"a": 1.0})
        print("stored" if own.flush(60) else "kept in the spool", flush=True)
        os._exit(0)
for _ in range(6):
    os.wait()
run.finish()
"""


def run_program(folder: Path, body: str) -> Store:
    """Run a program whose parent logs 1,000 points around ``body``, and check that it has just these."""
    program = folder / "program.py"
    program.write_text(PROGRAM.format(body=textwrap.indent(textwrap.dedent(body), "    ")))
    words = [sys.executable, "-W", "ignore::DeprecationWarning", str(program), str(folder / "s.db")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, cwd=folder)
    assert done.returncode == 0, done.stderr
    store = tb.open_store(folder / "s.db")
    assert store.points("parent", "a").value.tolist() == [float(step) for step in range(1000)]
    assert store.run("parent").status == "finished" and store.run("parent").damaged == 0
    assert list((folder / "s.db.spool").iterdir()) == []
    return store


def runs_of_children(store: Store) -> list[RunRecord]:
    return store.runs(project="children")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_child_that_logs_to_its_parents_run_is_warned_once(tmp_path: Path, method: str) -> None:
    given = "" if method == "fork" else ", run"  # which pickles the run
    body = f"""
        context = multiprocessing.get_context({method!r})
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            said = pool.submit(log_in_child, 3{given}).result()
        assert len(said) == 1 and ("another process" in said[0] or "forked" in said[0]), said
    """
    assert len(run_program(tmp_path, body).runs()) == 1


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_may_begin_a_run_of_its_own_which_ends_with_it(tmp_path: Path, method: str) -> None:
    body = f"""
        context = multiprocessing.get_context({method!r})
        for end in ("return", "raise"):
            child = context.Process(target=own_run, args=(end,))
            child.start()
            child.join()
    """
    store = run_program(tmp_path, body)
    crashed, finished = runs_of_children(store)
    assert (finished.status, crashed.status) == ("finished", "crashed")
    assert "a child's own error" in (crashed.error or "")
    for run in (finished, crashed):
        assert store.points(run.id, "own").total == 1


def test_children_that_crash_or_are_killed_leave_the_parents_run_alone(tmp_path: Path) -> None:
    body = """
        context = multiprocessing.get_context("fork")
        for target in (die, lambda: 1 / 0, lambda: sys.exit(3), lambda: os._exit(4)):
            child = context.Process(target=target)
            child.start()
            child.join()
            assert child.exitcode != 0
    """
    assert len(run_program(tmp_path, body).runs()) == 1


def test_a_plain_fork_may_log_flush_and_finish_without_effect(tmp_path: Path) -> None:
    body = """
        for _ in range(3):
            child = os.fork()
            if not child:
                log_in_child(3)
                run.flush(0.1)
                run.finish()
                sys.exit(0)  # exit handlers run here
            assert os.waitpid(child, 0)[1] == 0
    """
    assert len(run_program(tmp_path, body).runs()) == 1


def test_children_of_a_rank_that_begin_runs_are_not_ranks(tmp_path: Path) -> None:
    body = """
        for method in ("fork", "spawn"):
            child = multiprocessing.get_context(method).Process(target=own_run, args=("return",))
            child.start()
            child.join()
    """
    os.environ |= {"RANK": "0", "WORLD_SIZE": "2"}
    try:
        store = run_program(tmp_path, body)
    finally:
        del os.environ["RANK"], os.environ["WORLD_SIZE"]
    assert store.run("parent").environment["world_size"] == 2
    assert ["world_size" in run.environment for run in runs_of_children(store)] == [False, False]


ORPHANING = """
import multiprocessing, os, signal, sys, time, trainboard as tb
run = tb.init(id="parent", store=sys.argv[1], mode="offline")
for step in range(100):
    run.log({"a": float(step)}, step)
if sys.argv[2] == "finished":
    run._spool.close({"status": "finished", "exit_code": 0})
child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
child.start()
print(child.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("state", ["running", "finished"])
def test_a_killed_parents_spool_is_adopted_while_its_children_live(tmp_path: Path, state: str) -> None:
    path = tmp_path / "s.db"
    words = [sys.executable, "-c", ORPHANING, str(path), state]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        try:
            parent.wait(300)
            os.kill(child, 0)
            store = tb.open_store(path, create=True)
            assert len(adopt_orphans(store)) == 1
            assert store.points("parent", "a").total == 100
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_child_forked_while_our_threads_import_can_import_and_log(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(FORKS_AT_ONCE)
    words = [sys.executable, str(program), str(tmp_path / "s.db")]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert ended.stdout.split() == ["stored"] * 6, ended.stdout + ended.stderr
