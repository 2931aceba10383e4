"""What a run records of the world it ran in, so that it can be understood and repeated."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
import threading
from importlib.metadata import distributions
from typing import Any

from .secrets import masked_arguments, masked_variables

DIFF_VARIABLE = "TRAINBOARD_DIFF"
"""Set to 0, changes to the code that are not committed stay out of the run's record."""

LONGEST_DIFF = 100_000
_GIT_TIMEOUT = 5.0
_TELLING_VARIABLES = (
    "CUBLAS_",
    "CUDA_",
    "HIP_",
    "JAX_",
    "KERAS_",
    "KMP_",
    "MKL_",
    "NCCL_",
    "OMP_",
    "PYTHONHASHSEED",
    "PYTORCH_",
    "SLURM_JOB",
    "TF_",
    "TORCH",
    "TRAINBOARD_",
    "XLA_",
)


def gather_quickly() -> dict[str, Any]:
    """The parts that take microseconds."""
    return {
        "argv": masked_arguments(sys.argv),
        "folder": os.path.basename(os.getcwd()),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "python": platform.python_version(),
        "platform": sys.platform,
        "variables": _variables(),
    }


def gather_slowly() -> dict[str, Any]:
    """The parts that start processes or read files."""
    return {"platform": platform.platform(), "cpus": os.cpu_count(), "packages": _packages(), "git": _git()}


def _variables() -> dict[str, str]:
    """The environment variables that change how frameworks train."""
    return masked_variables(
        {name: value for name, value in os.environ.items() if name.startswith(_TELLING_VARIABLES)}
    )


def _packages() -> dict[str, str]:
    """Every installed distribution and its version; of two by one name, the one that is imported."""
    found: dict[str, str] = {}
    for distribution in distributions():
        name = distribution.metadata["Name"]
        if name:
            found.setdefault(name, distribution.version)
    return dict(sorted(found.items()))


def _git() -> dict[str, Any] | None:
    """Commit, branch, and what tracked files differ in; None outside a repository or without git."""
    commit = _ask_git("rev-parse", "HEAD")
    if commit is None:
        return None
    status = _ask_git("status", "--porcelain", "--untracked-files=no")
    is_wanted = os.environ.get(DIFF_VARIABLE, "1") != "0"
    return {
        "commit": commit,
        "branch": _ask_git("rev-parse", "--abbrev-ref", "HEAD"),
        "dirty": None if status is None else bool(status),
        "diff": _ask_git("diff", "--no-color", "--no-ext-diff", "HEAD") if status and is_wanted else None,
    }


def _ask_git(*arguments: str) -> str | None:
    """The first ``LONGEST_DIFF`` characters of what git says, or None if it fails or takes too long."""
    try:
        git = subprocess.Popen(
            ["git", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            errors="replace",
            # Without this, `git status` may take the index lock from a commit the user is making.
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except OSError:
        return None
    late = threading.Timer(_GIT_TIMEOUT, git.kill)
    late.daemon = True
    late.start()
    with git:
        assert git.stdout is not None
        answer = git.stdout.read(LONGEST_DIFF + 1)
        if len(answer) > LONGEST_DIFF:
            git.kill()
            answer = answer[:LONGEST_DIFF] + "\n… the rest was left out"
        elif git.wait() != 0:
            return None
    late.cancel()
    return answer.strip()
