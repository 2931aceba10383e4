"""The current run of this process: ``init()``, and the functions that act on the run it made."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from . import lifecycle
from .arguments import (
    Mode,
    Ranks,
    Resume,
    to_config,
    to_id,
    to_mode,
    to_name,
    to_notes,
    to_ranks,
    to_resume,
    to_system_every,
    to_tags,
)
from .beginning import begin, begin_nothing
from .ranks import find_place
from .run import Run
from .warn import Warner, warn

if TYPE_CHECKING:
    from .observed import Observed

_active: Run | None = None
_active_pid = 0
_begun = 0
_live: set[Run] = set()


def init(
    project: str | None = None,
    name: str | None = None,
    *,
    group: str | None = None,
    tags: Iterable[str] = (),
    notes: str = "",
    config: Any = None,
    id: str | None = None,
    resume: Resume = "never",
    mode: Mode | None = None,
    store: str | os.PathLike[str] | None = None,
    ranks: Ranks = "zero",
    system_every: float | None = None,
) -> Run:
    """Begin a run and make it the current one; a run that is still active is finished first.

    ``project``, ``name``, ``group`` and ``mode`` default to ``$TRAINBOARD_PROJECT``, ``_NAME``, ``_GROUP``
    and ``_MODE``, or else to W&B's variables of that name. ``config`` is a dict, dataclass or namespace of
    hyper-parameters. ``id`` with ``resume`` continues a stored run: "never" refuses an id that exists,
    "must" one that does not. ``mode`` is "online" (the default); "offline", which keeps everything in the
    spool; or "disabled", which keeps nothing. ``store`` is a path or URL, by default
    ``$TRAINBOARD_STORE`` or ``./trainboard.db``; the URL of a trainboard server needs its write token in
    ``$TRAINBOARD_WRITE_TOKEN``. Processors, memory, disk, network and GPUs are logged each
    ``system_every`` seconds, by default those of ``$TRAINBOARD_SYSTEM_EVERY`` or 10; 0 is never.

    Under torchrun, Slurm, MPI, Horovod or ``TF_CONFIG`` the processes of a job join one run, whose id may
    also come from ``$TRAINBOARD_RUN_ID``. By default only rank 0 logs, and the calls of others do
    nothing; ``ranks="all"`` has each rank log series of its own.

    Raises TypeError and ValueError for arguments that make no sense, and the errors of
    ``trainboard.storage.errors`` for a store that cannot be used.
    """
    global _active, _active_pid, _begun
    chosen_mode, chosen_resume, chosen_ranks = to_mode(mode), to_resume(resume), to_ranks(ranks)
    seconds = to_system_every(system_every)
    place = find_place(_begun + 1)
    given: dict[str, Any] = {
        "id": to_id(id, *(["TRAINBOARD_RUN_ID"] if place else [])),
        "project": to_name("project", project, "TRAINBOARD_PROJECT", "WANDB_PROJECT"),
        "name": to_name("name", name, "TRAINBOARD_NAME", "WANDB_NAME"),
        "group": to_name("group", group, "TRAINBOARD_GROUP", "WANDB_RUN_GROUP"),
        "tags": to_tags(tags),
        "notes": to_notes(notes),
    }
    hyperparameters = to_config(config)
    before = _active  # by one name: another thread may begin a run meanwhile
    if before is not None and not before.ended and _active_pid == os.getpid():
        warn(f"run {before.name!r} was still active; it is finished now, because init() began another")
        before.finish()
    if chosen_mode == "disabled":
        run = begin_nothing(given, hyperparameters, place)
    else:
        run = _keep(begin(given, hyperparameters, chosen_resume, chosen_mode, store, place, chosen_ranks))
        if seconds and run.logs:
            run.sample_system(seconds)
    _begun += 1
    _active, _active_pid = run, os.getpid()
    return run


def init_beside(
    project: str | None,
    name: str,
    *,
    group: str | None = None,
    config: Any = None,
    id: str | None = None,
    resume: Resume = "never",
    store: str | os.PathLike[str] | None = None,
) -> Run:
    """A run beside the current one and any others, with arguments and errors of ``init``.

    It is this process's own, whatever its rank, and the machine's state is not logged to it, so that many
    do not tell the same.
    """
    given: dict[str, Any] = {
        "id": to_id(id),
        "project": to_name("project", project, "TRAINBOARD_PROJECT", "WANDB_PROJECT"),
        "name": to_name("name", name),
        "group": to_name("group", group, "TRAINBOARD_GROUP", "WANDB_RUN_GROUP"),
        "tags": (),
        "notes": "",
    }
    mode, hyperparameters = to_mode(None), to_config(config)
    if mode == "disabled":
        return begin_nothing(given, hyperparameters, None)
    return _keep(begin(given, hyperparameters, to_resume(resume), mode, store, None, "zero"))


def _keep(run: Run) -> Run:
    """See to it that the run ends when the process does."""
    lifecycle.install(_end_all)
    _live.difference_update([other for other in _live if other.ended])
    _live.add(run)
    return run


def _end_all(ending: lifecycle.Ending, timeout: float) -> None:
    """End every live run, the current one first, all within about ``timeout`` seconds."""
    until = time.monotonic() + timeout
    for run in sorted(_live, key=lambda run: run is not _active):
        run.end(ending, max(until - time.monotonic(), 0.0))


def current_run() -> Run | None:
    """The run that ``init()`` made last, if it is still active."""
    return _active if _active is not None and not _active.ended else None


def _require(what: str) -> Run | None:
    run = _active
    if run is None:
        _report("no run", f"{what} does nothing before init()")
    return run


_report = Warner()


def log(
    values: Mapping[str, Any],
    step: int | None = None,
    *,
    wall_time: float | None = None,
    commit: bool = True,
) -> None:
    """``Run.log`` of the current run."""
    run = _require("log()")
    if run is not None:
        run.log(values, step, wall_time=wall_time, commit=commit)


def watch(model: Any, **options: Any) -> None:
    """``Run.watch`` of the current run."""
    run = _require("watch()")
    if run is not None:
        run.watch(model, **options)


def unwatch() -> None:
    """``Run.unwatch`` of the current run."""
    run = _require("unwatch()")
    if run is not None:
        run.unwatch()


def log_graph(model: Any, inputs: Any = None, *, follow: bool = True) -> None:
    """``Run.log_graph`` of the current run."""
    run = _require("log_graph()")
    if run is not None:
        run.log_graph(model, inputs, follow=follow)


def flush(timeout: float | None = None) -> bool:
    """``Run.flush`` of the current run; True if there is none."""
    return _active is None or _active.flush(timeout)


def finish(exit_code: int = 0) -> None:
    """``Run.finish`` of the current run."""
    if _active is not None:
        _active.finish(exit_code)


def current_config() -> Observed:
    """The current run's config."""
    return _current_or_raise("config").config


def current_summary() -> Observed:
    """The current run's summary."""
    return _current_or_raise("summary").summary


def _current_or_raise(what: str) -> Run:
    if _active is None:
        raise RuntimeError(f"trainboard.{what} needs a run: call trainboard.init() first")
    return _active
