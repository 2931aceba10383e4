"""Ranks of PyTorch: torchrun, process groups on gloo, and DataLoaders with workers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import trainboard as tb

TRAINING = """
import os, sys
import torch
import torch.distributed as dist
from torch.utils.data import DataLoader, Dataset
import trainboard as tb


class Numbers(Dataset):
    def __len__(self):
        return 40

    def __getitem__(self, i):
        tb.log({"worker": i})  # belongs to no run: a worker's process is not the one that began it
        return torch.tensor(float(i))


dist.init_process_group("gloo")
run = tb.init("p", ranks="all")
loader = DataLoader(Numbers(), batch_size=4, num_workers=2, persistent_workers=True)
step = 0
for epoch in range(3):
    for batch in loader:
        total = batch.sum()
        dist.all_reduce(total)
        run.log({"sum": total, "rank": float(run.rank)}, step)
        step += 1
run.finish()
dist.destroy_process_group()
"""


def test_ranks_of_torchrun_with_workers_log_each_step_once(tmp_path: Path) -> None:
    program = tmp_path / "train.py"
    program.write_text(TRAINING)
    words = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", str(program)]
    environment = {**os.environ, "TRAINBOARD_STORE": str(tmp_path / "s.db"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    store = tb.open_store(tmp_path / "s.db")
    (run,) = store.runs()
    assert {one.tag for one in store.series(run.id)} == {"sum", "rank"}
    for rank in range(2):
        points = store.points(run.id, "sum", rank=rank)
        assert points.step.tolist() == list(range(30))
        assert points.value[:2].tolist() == [12.0, 44.0]
    merged = store.rank_points(run.id, "rank")
    assert (merged.mean == 0.5).all() and (merged.count == 2).all()
    assert run.status == "finished"
    assert list((tmp_path / "s.db.spool").iterdir()) == []


# Started by hand, as on two hosts: only the process group can tell this job from the next.
BY_HAND = """
import sys
import torch.distributed as dist
import trainboard as tb
rank, port = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
for _ in range(2):
    run = tb.init("p", ranks="all")
    run.log({"a": float(rank)}, 0)
    run.finish()
dist.barrier()
"""


def test_ranks_of_a_process_group_agree_on_each_of_their_runs(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = {**os.environ, "TRAINBOARD_STORE": str(tmp_path / "s.db"), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-c", BY_HAND]
    started = [subprocess.Popen([*words, str(rank), port], env=environment) for rank in (1, 0)]
    assert [process.wait(300) for process in started] == [0, 0]
    store = tb.open_store(tmp_path / "s.db")
    runs = store.runs()
    assert len(runs) == 2
    for run in runs:
        assert [store.points(run.id, "a", rank=rank).value.tolist() for rank in (0, 1)] == [[0.0], [1.0]]
