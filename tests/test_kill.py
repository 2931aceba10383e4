"""SIGKILL at any moment: whatever log() returned for is in the store, once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import trainboard
from trainboard.storage.spools import adopt_orphans

# Each step is confirmed on a pipe once log() has returned for it.
TRAINING = """
import sys, trainboard as tb
run = tb.init(id="killed", store=sys.argv[1], mode=sys.argv[2])
step = 0
while True:
    run.log({"loss": step, "twice": 2 * step, "constant": 1.0})
    sys.stdout.write(f"{step}\\n")
    sys.stdout.flush()
    step += 1
"""


@pytest.mark.parametrize(("mode", "trials"), [("online", 8), ("offline", 12)])
def test_a_killed_program_loses_nothing_and_repeats_nothing(tmp_path: Path, mode: str, trials: int) -> None:
    dice = random.Random(mode)
    for trial in range(trials):
        path = tmp_path / f"{trial}.db"
        process = subprocess.Popen(
            [sys.executable, "-c", TRAINING, path, mode], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        # Some are killed before the drain has opened the store, some after a few of its transactions.
        for _ in range(dice.choice((1, 50, 1_000, 10_000, 40_000))):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        confirmed = sum(line.endswith("\n") for line in process.stdout)
        process.wait()
        process.stdout.close()
        check(path, confirmed)


def check(path: Path, at_least: int) -> None:
    store = trainboard.open_store(path, create=True)
    adopt_orphans(store)
    steps = store.points("killed", "loss").value.tolist()
    assert steps == list(range(len(steps))), "each step once, in order"
    assert len(steps) >= at_least
    assert store.points("killed", "twice").value.tolist() == [2 * step for step in steps]
    assert store.run("killed").status == "killed"
    assert not any((path.parent / f"{path.name}.spool").iterdir())
    store.close()
