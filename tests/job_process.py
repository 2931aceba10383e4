"""A job of several ranks without PyTorch: a launcher that starts them with torchrun's variables."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

LAUNCHER = """
import os, subprocess, sys
program, ranks, job = sys.argv[1], [int(rank) for rank in sys.argv[2].split(",")], sys.argv[3:]
shared = {"WORLD_SIZE": str(len(ranks)), "LOCAL_WORLD_SIZE": str(len(ranks)), "TORCHELASTIC_RUN_ID": "none"}
shared |= {"TORCHELASTIC_RESTART_COUNT": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}
shared |= dict(pair.split("=", 1) for pair in job)
started = []
for rank in ranks:
    environment = {**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)}
    started.append(subprocess.Popen([sys.executable, "-c", program], env=environment))
sys.exit(max(process.wait() != 0 for process in started))
"""

BEGIN = """
import os, signal, sys, time, trainboard as tb
rank = int(os.environ["RANK"])
def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())
"""


def launch(store: Path | str, program: str, ranks: str = "0,1,2", *job: str) -> subprocess.Popen[str]:
    """Start a job; ``ranks`` is the order in which they are started, ``job`` more of its variables."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("TRAINBOARD_")}
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    words = [sys.executable, "-c", LAUNCHER, BEGIN + program, ranks, *job]
    return subprocess.Popen(words, env={**variables, "TRAINBOARD_STORE": str(store)}, **options)


def run_job(store: Path | str, program: str, ranks: str = "0,1,2", *job: str) -> str:
    """Run a job to its end, and return what its ranks wrote to stdout and stderr."""
    process = launch(store, program, ranks, *job)
    out, errors = process.communicate(timeout=300)
    return out + errors
