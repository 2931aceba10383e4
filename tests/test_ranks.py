"""Processes of one job join one run: real processes, started as torchrun starts them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from job_process import BEGIN, launch, run_job
from server_process import ServerProcess

import trainboard as tb
from trainboard.storage import RunRecord, Store
from trainboard.storage.spools import adopt_orphans

LOG = """
run = tb.init("p", **options)
for step in range(20):
    run.log({"loss": float(rank)}, step)
run.finish()
"""
EVERY = "options = {'ranks': 'all'}\n" + LOG
ZERO = "options = {}\n" + LOG


def opened(path: Path) -> Store:
    """The store with all that was logged, also what ranks of a busy machine left in their spools."""
    store = tb.open_store(path, create=True)
    adopt_orphans(store)
    return store


def only_run(path: Path) -> tuple[Store, RunRecord]:
    store = opened(path)
    (run,) = store.runs()
    return store, run


def test_only_rank_0_logs_and_the_others_say_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    said = run_job(path, ZERO + "say(run.id, run.rank, run.world_size)")
    store, run = only_run(path)
    assert sorted(said.splitlines()) == [f"{run.id} {rank} 3" for rank in range(3)]
    assert [one.rank for one in store.series(run.id)] == [0]
    assert store.points(run.id, "loss").total == 20
    assert run.status == "finished"
    assert list(path.with_name("s.db.spool").iterdir()) == []


def test_every_rank_logs_series_of_its_own_to_one_run_in_whatever_order_they_start(tmp_path: Path) -> None:
    run_job(tmp_path / "s.db", EVERY, "3,2,1,0")
    store, run = only_run(tmp_path / "s.db")
    for rank in range(4):
        assert store.points(run.id, "loss", rank=rank).value.tolist() == [float(rank)] * 20
    assert (run.project, run.status, run.environment["world_size"]) == ("p", "finished", 4)
    assert [(one.rank, one.status, one.behind) for one in store.ranks(run.id)] == [
        (rank, "finished", 0) for rank in range(4)
    ]


def test_the_same_command_again_is_another_run(tmp_path: Path) -> None:
    for _ in range(2):
        run_job(tmp_path / "s.db", EVERY, "0,1")
    store = opened(tmp_path / "s.db")
    assert [len(store.ranks(run.id)) for run in store.runs()] == [2, 2]


def test_the_second_run_of_a_program_is_the_second_of_every_rank(tmp_path: Path) -> None:
    run_job(tmp_path / "s.db", EVERY + LOG, "0,1")
    store = opened(tmp_path / "s.db")
    assert [len(store.ranks(run.id)) for run in store.runs()] == [2, 2]


def test_a_shell_between_the_launcher_and_the_program_changes_nothing(tmp_path: Path) -> None:
    shell = f"""
import subprocess
program = {BEGIN + EVERY!r}
subprocess.run(["sh", "-c", '"$@"; true', "sh", sys.executable, "-c", program], check=True)
"""
    run_job(tmp_path / "s.db", shell, "0,1")
    store, run = only_run(tmp_path / "s.db")
    assert len(store.ranks(run.id)) == 2


SLURM = """
for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "TORCHELASTIC_RUN_ID"):
    del os.environ[name]
os.environ |= {"SLURM_PROCID": str(rank), "SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_ID": "0"}
"""
OPEN_MPI = """
for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "TORCHELASTIC_RUN_ID"):
    del os.environ[name]
os.environ |= {"OMPI_COMM_WORLD_RANK": str(rank), "OMPI_COMM_WORLD_SIZE": "2"}
os.environ["OMPI_COMM_WORLD_LOCAL_SIZE"] = "2"
"""


def test_tasks_of_a_slurm_step_join_and_those_of_another_job_do_not(tmp_path: Path) -> None:
    for job in ("7", "8"):
        run_job(tmp_path / "s.db", SLURM + EVERY, "0,1", f"SLURM_JOB_ID={job}")
    store = opened(tmp_path / "s.db")
    assert [len(store.ranks(run.id)) for run in store.runs()] == [2, 2]


def test_processes_of_mpirun_join(tmp_path: Path) -> None:
    run_job(tmp_path / "s.db", OPEN_MPI + EVERY, "1,0")
    store, run = only_run(tmp_path / "s.db")
    assert len(store.ranks(run.id)) == 2


CLUSTER = """
import json
for name in ("RANK", "WORLD_SIZE"):
    del os.environ[name]
cluster = {"chief": ["a:1"], "worker": ["b:1", "c:1"], "ps": ["d:1"]}
kind, index = [("chief", 0), ("worker", 0), ("worker", 1), ("evaluator", 0)][rank]
os.environ["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})
"""


def test_of_a_tensorflow_cluster_the_chief_logs_and_the_evaluator_has_a_run_of_its_own(
    tmp_path: Path,
) -> None:
    said = run_job(tmp_path / "s.db", CLUSTER + ZERO + "say(rank, run.rank, run.world_size)", "0,1,2,3")
    assert sorted(said.splitlines()) == ["0 0 3", "1 1 3", "2 2 3", "3 0 1"]
    assert len(opened(tmp_path / "s.db").runs()) == 2


# On two hosts nothing that torchrun sets by default tells a job from the next one.
HOSTS = ("LOCAL_WORLD_SIZE=1",)


def test_ranks_that_cannot_agree_leave_it_to_rank_0_or_are_told_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    assert run_job(path, ZERO, "0,1", *HOSTS) == ""
    store, run = only_run(path)
    assert store.points(run.id, "loss").total == 20
    said = run_job(path, EVERY, "0,1", *HOSTS)
    assert said.count("TRAINBOARD_RUN_ID") == 2 and len(store.runs()) == 1


def test_an_id_from_the_environment_joins_ranks_of_several_hosts_once(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    late = "if rank == 0: time.sleep(1)\n" + EVERY
    assert run_job(path, late, "1,0", *HOSTS, "TRAINBOARD_RUN_ID=mine") == ""
    store, run = only_run(path)
    assert run.id == "mine" and len(store.ranks("mine")) == 2
    again = run_job(path, EVERY, "0,1", *HOSTS, "TRAINBOARD_RUN_ID=mine", "MASTER_PORT=1")
    assert "resume='allow'" in again


def test_an_elastic_restart_continues_the_run_that_it_names(tmp_path: Path) -> None:
    program = "options = {'ranks': 'all', 'id': 'mine', 'resume': 'allow'}\n" + LOG
    crash = program.replace("run.finish()", "sys.exit(3)")
    run_job(tmp_path / "s.db", crash, "0,1")
    store, run = only_run(tmp_path / "s.db")
    assert run.status == "crashed"
    run_job(tmp_path / "s.db", program, "0,1", "TORCHELASTIC_RESTART_COUNT=1")
    store, run = only_run(tmp_path / "s.db")
    assert run.status == "finished"
    assert store.points("mine", "loss", rank=1).total == 40


@pytest.mark.parametrize("ranks", ["zero", "all"])
def test_a_crash_of_any_rank_is_the_runs_and_says_whose(tmp_path: Path, ranks: str) -> None:
    program = f"""
run = tb.init("p", ranks={ranks!r})
run.log({{"loss": 1.0}})
if rank == 2:
    raise ValueError("bad batch")
run.finish()
"""
    run_job(tmp_path / "s.db", program)
    store, run = only_run(tmp_path / "s.db")
    assert run.status == "crashed"
    assert (run.error or "").startswith("Rank 2: ") and "bad batch" in (run.error or "")
    assert {one.rank: one.status for one in store.ranks(run.id)}[2] == "crashed"


def test_a_run_is_finished_only_when_its_last_rank_is(tmp_path: Path) -> None:
    program = """
def wait_for(what):
    while not os.path.exists(os.environ["TRAINBOARD_STORE"] + what):
        time.sleep(0.02)
def tell(what):
    open(os.environ["TRAINBOARD_STORE"] + what, "w").close()
if rank == 0:
    wait_for(".there")
run = tb.init("p", ranks="all")
run.log({"loss": 1.0})
if rank == 0:
    run.finish()
    say(tb.open_store().run(run.id).status)
    tell(".over")
else:
    run.flush()
    tell(".there")
    wait_for(".over")
"""
    assert run_job(tmp_path / "s.db", program, "1,0") == "running\n"
    assert only_run(tmp_path / "s.db")[1].status == "finished"


def test_ranks_log_to_one_run_of_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tb.open_store(tmp_path / "s.db", create=True).close()
    server = ServerProcess(tmp_path / "s.db")
    monkeypatch.setenv("TRAINBOARD_DIR", str(tmp_path / "state"))
    try:
        run_job(server.url, EVERY, "2,1,0", f"TRAINBOARD_DIR={tmp_path / 'state'}")
    finally:
        server.kill()
    store, run = only_run(tmp_path / "s.db")
    assert [store.points(run.id, "loss", rank=rank).total for rank in range(3)] == [20, 20, 20]


CONFIRMED = """
run = tb.init("p", id="killed", ranks="all")
say("pid", rank, os.getpid())
step = 0
while True:
    run.log({"loss": step, "twice": 2 * step})
    say(rank, step)
    step += 1
"""


@pytest.mark.parametrize("seed", [1, 2])
def test_a_killed_rank_loses_nothing_and_repeats_nothing(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    path = tmp_path / "s.db"
    job = launch(path, CONFIRMED, "0,1,2,3")
    assert job.stdout is not None
    pids: dict[int, int] = {}
    last = dict.fromkeys(range(4), -1)
    lines = 0
    stop_at, victim = dice.choice((4, 500, 3_000, 8_000)), seed % 4
    for line in job.stdout:
        lines += 1
        words = line.split()
        if words[0] == "pid":
            pids[int(words[1])] = int(words[2])
        else:
            last[int(words[0])] = int(words[1])
        if len(pids) == 4 and lines >= stop_at:
            break
    os.kill(pids.pop(victim), signal.SIGKILL)
    for _ in range(500):
        words = job.stdout.readline().split()
        last[int(words[0])] = int(words[1])
    for pid in pids.values():
        os.kill(pid, signal.SIGTERM)
    for line in job.stdout:
        last[int(line.split()[0])] = int(line.split()[1])
    job.communicate(timeout=300)
    store = tb.open_store(path, create=True)
    adopt_orphans(store)
    for rank in range(4):
        if last[rank] < 0:
            continue  # ended before it logged anything
        steps = store.points("killed", "loss", rank=rank).value.tolist()
        assert steps == list(range(len(steps))), "each step once, in order"
        assert len(steps) > last[rank]
        assert store.points("killed", "twice", rank=rank).value.tolist() == [2 * step for step in steps]
    told = {one.rank: one.status for one in store.ranks("killed")}
    assert told == {rank: "killed" if rank == victim else "stopped" for rank in range(4)}
    assert not any(path.with_name("s.db.spool").iterdir())
    store.close()


def test_a_rank_that_says_nothing_costs_nothing(tmp_path: Path) -> None:
    program = """
run = tb.init()
for _ in range(1000): run.log({"loss": object()})
run.watch(object()); run.log_graph(object()); run.config.lr = 1; run.summary.best = 2
if rank: say(sorted(name for name in ("numpy", "sqlalchemy", "torch") if name in sys.modules))
"""
    assert run_job(tmp_path / "s.db", program, "1,0").count("[]") == 1


def test_ranks_must_be_zero_or_all(tmp_path: Path) -> None:
    code = f"import trainboard as tb; tb.init(store={str(tmp_path / 's.db')!r}, ranks='al')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "did you mean 'all'" in done.stderr
