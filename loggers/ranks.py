"""Which rank of a job this process is, and what tells its job from every other.

Ranks join one run without waiting for one another: each works out the same id. What it is made of must be
the same in all processes of a job, and in no process of another; docs/distributed.md has the rules.
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

_OWNER = "TRAINBOARD_RANK_OWNER"


class Place(NamedTuple):
    """This process is number ``rank`` of ``world_size``.

    ``launch`` is the same in every process of the job. If ``certain``, no other job has it.
    """

    rank: int
    world_size: int
    launch: str
    certain: bool


class _Launcher(NamedTuple):
    """The environment variables in which a launcher tells each process its place.

    ``marker`` is one that the launcher itself does not have; ``job`` are more that all ranks share.
    """

    rank: str
    size: str
    local_size: str
    marker: str
    job: tuple[str, ...] = ()


_LAUNCHERS = (
    _Launcher(
        *("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "TORCHELASTIC_RUN_ID"),
        ("TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "MASTER_ADDR", "MASTER_PORT"),
    ),
    _Launcher(
        *("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE"),
        "OMPI_COMM_WORLD_RANK",
    ),
    _Launcher("HOROVOD_RANK", "HOROVOD_SIZE", "HOROVOD_LOCAL_SIZE", "HOROVOD_RANK"),
    _Launcher("PMI_RANK", "PMI_SIZE", "MPI_LOCALNRANKS", "PMI_RANK"),
    _Launcher("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "", "SLURM_PROCID"),
)
_SLURM_STEP = ("SLURM_CLUSTER_NAME", "SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_RESTART_COUNT")


class _Found(NamedTuple):
    rank: int
    size: int
    launcher: _Launcher | None = None
    shared: str = ""


def find_place(count: int) -> Place | None:
    """The place of this process in a job of several; None if it is alone.

    A child of a rank that only inherited the variables is alone, too. ``count`` numbers the runs that
    this process began: the second run of one rank is the second of all.
    """
    found = _launched() or _of_tf_config() or _Found(0, 1)
    group = _process_group()
    if group:
        found = found._replace(rank=group[0], size=group[1])
    if found.size <= 1 or not 0 <= found.rank < found.size or _is_inherited(found):
        return None
    unique = (group and _agreed(count)) or _launching_process(found) or _slurm_step(found)
    launch = _digest(found.shared, found.size, count, unique)
    return Place(found.rank, found.size, launch, certain=unique is not None)


def _launched() -> _Found | None:
    for launcher in _LAUNCHERS:
        try:
            rank, size = int(os.environ[launcher.rank]), int(os.environ[launcher.size])
        except (KeyError, ValueError):
            continue
        shared = json.dumps([os.environ.get(name) for name in launcher.job])
        return _Found(rank, size, launcher, shared)
    return None


def _of_tf_config() -> _Found | None:
    """The place of a chief or worker; parameter servers and evaluators are no ranks."""
    try:
        config = json.loads(os.environ["TF_CONFIG"])
        cluster, task = config["cluster"], config["task"]
        chiefs, workers = cluster.get("chief", []), cluster.get("worker", [])
        before = {"chief": 0, "worker": len(chiefs)}[task["type"]]
        shared = json.dumps(cluster, sort_keys=True)
        return _Found(before + int(task["index"]), len(chiefs) + len(workers), None, shared)
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def _process_group() -> tuple[int, int] | None:
    """Rank and world size by torch.distributed, if the program imported and initialised it."""
    distributed: Any = sys.modules.get("torch.distributed")
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return None
    return distributed.get_rank(), distributed.get_world_size()


def _agreed(count: int) -> str | None:
    """What the first rank to come wrote into the key-value store of the process group.

    A collective call would wait for all ranks, and some may never begin a run.
    """
    try:
        store = sys.modules["torch.distributed.distributed_c10d"]._get_default_store()
        return store.compare_set(f"trainboard/launch/{count}", "", uuid.uuid4().hex).decode()
    except Exception:
        return None


def _slurm_step(found: _Found) -> str | None:
    """The Slurm step whose tasks are the ranks."""
    if os.environ.get("SLURM_STEP_NUM_TASKS") != str(found.size) or "SLURM_STEP_ID" not in os.environ:
        return None
    return json.dumps([os.environ.get(name) for name in _SLURM_STEP])


def _launching_process(found: _Found) -> str | None:
    """What tells the process that launched all ranks from every other, if they are all on this host.

    A child of multiprocessing is not told: its parent may have launched other jobs before.
    """
    launcher = found.launcher
    if launcher is None or os.environ.get(launcher.local_size) != str(found.size) or _has_python_parent():
        return None
    if launcher.marker not in os.environ:
        return None
    try:
        pid = os.getppid()
        # Between a launcher and the program there may be shells, which pass its variables on.
        while pid > 1 and _has_variable(pid, launcher.marker):
            pid = int(_stat(pid)[1])
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {pid} {_stat(pid)[19]}"
    except OSError:
        return None


def _has_python_parent() -> bool:
    process: Any = sys.modules.get("multiprocessing.process")
    return process is not None and process.parent_process() is not None


def _has_variable(pid: int, name: str) -> bool:
    """Whether a process was started with an environment variable; False where that may not be read."""
    try:
        return f"\0{name}=".encode() in b"\0" + Path(f"/proc/{pid}/environ").read_bytes()
    except PermissionError:
        return False


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name, from the state on; see proc(5)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _is_inherited(found: _Found) -> bool:
    """Whether the place is that of a parent, which wrote a note of it into the environment."""
    mine = f"{_digest(found.rank, found.size, found.shared)} {os.getpid()}"
    note = os.environ.get(_OWNER, mine)
    if note != mine and note.split(" ")[0] == mine.split(" ")[0]:
        return True
    os.environ[_OWNER] = mine
    return False


def _digest(*parts: Any) -> str:
    return blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()
