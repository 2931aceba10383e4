"""What a run records of the world it ran in, so that it can be understood and repeated."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
from typing import Any

_FRAMEWORKS = (
    "accelerate",
    "fastai",
    "jax",
    "keras",
    "lightning",
    "numpy",
    "sklearn",
    "tensorflow",
    "torch",
    "torchvision",
    "transformers",
)
_GIT_TIMEOUT = 5.0


def gather_quickly() -> dict[str, Any]:
    """The parts that take microseconds."""
    return {
        "argv": sys.argv,
        "folder": os.path.basename(os.getcwd()),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "python": platform.python_version(),
        "platform": sys.platform,
    }


def gather_slowly() -> dict[str, Any]:
    """The parts that start processes or read files, and the frameworks the program has imported."""
    return {"platform": platform.platform(), "cpus": os.cpu_count(), "packages": _packages(), "git": _git()}


def _packages() -> dict[str, str]:
    versions = {name: getattr(sys.modules.get(name), "__version__", None) for name in _FRAMEWORKS}
    return {name: str(version) for name, version in versions.items() if version}


def _git() -> dict[str, Any] | None:
    """Commit, branch and whether tracked files differ; None outside a repository or without git."""
    commit = _ask_git("rev-parse", "HEAD")
    if commit is None:
        return None
    status = _ask_git("status", "--porcelain", "--untracked-files=no")
    return {
        "commit": commit,
        "branch": _ask_git("rev-parse", "--abbrev-ref", "HEAD"),
        "dirty": None if status is None else bool(status),
    }


def _ask_git(*arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", *arguments],
            capture_output=True,
            text=True,
            timeout=_GIT_TIMEOUT,
            stdin=subprocess.DEVNULL,
            # Without this, `git status` may take the index lock from a commit the user is making.
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
