"""The current run of this process: ``init()``, and the functions that act on the run it made."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..storage.errors import RunNotFound, StoreNotFound, StoreUnavailable
from ..storage.frames import FORMAT, FrameType
from ..storage.location import check_location, resolve_url, spool_root
from ..storage.sinks import Resumable, open_sink
from ..storage.spools import adopt_orphans
from . import lifecycle
from .arguments import (
    Mode,
    Resume,
    to_config,
    to_mode,
    to_name,
    to_notes,
    to_resume,
    to_system_every,
    to_tags,
)
from .convert import to_plain
from .drain import Drain
from .environment import gather_quickly
from .names import name_of
from .run import Identity, Run
from .spool import Spool
from .warn import Warner, warn

if TYPE_CHECKING:
    from .observed import Observed

DEFAULT_PROJECT = "default"
_active: Run | None = None


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

    Raises TypeError and ValueError for arguments that make no sense, and the errors of
    ``trainboard.storage.errors`` for a store that cannot be used.
    """
    global _active
    chosen_mode, chosen_resume = to_mode(mode), to_resume(resume)
    seconds = to_system_every(system_every)
    given: dict[str, Any] = {
        "id": to_name("id", id),
        "project": to_name("project", project, "TRAINBOARD_PROJECT", "WANDB_PROJECT"),
        "name": to_name("name", name, "TRAINBOARD_NAME", "WANDB_NAME"),
        "group": to_name("group", group, "TRAINBOARD_GROUP", "WANDB_RUN_GROUP"),
        "tags": to_tags(tags),
        "notes": to_notes(notes),
    }
    hyperparameters = to_config(config)
    if _active is not None and not _active.ended:
        warn(f"run {_active.name!r} was still active; it is finished now, because init() began another")
        _active.finish()
    if chosen_mode == "disabled":
        _active = Run(_identity(given, None), hyperparameters, store="")
    else:
        _active = _begin(given, hyperparameters, chosen_resume, chosen_mode, store)
        if seconds:
            _active.sample_system(seconds)
    return _active


def _begin(
    given: dict[str, Any],
    config: Mapping[str, Any],
    resume: str,
    mode: str,
    store: str | os.PathLike[str] | None,
) -> Run:
    url = resolve_url(store)
    check_location(url)
    stored = _find_stored(url, given["id"], resume) if given["id"] else None
    identity = _identity(given, stored)
    if stored is not None:
        config = {**stored.config, **config}
    spool = _open_spool(url, identity)
    report = Warner()

    def announce() -> None:
        spool.message(FrameType.RUN, _run_message(identity, config))

    announce()
    drain = None
    if mode == "online":
        drain = Drain(spool, url, report, announce=announce, errand=adopt_orphans)
        drain.start()
    lifecycle.install(_end_active)
    first_step = stored.next_step if stored else 0
    run = Run(identity, config, store=url, spool=spool, drain=drain, warn=report, first_step=first_step)
    run.describe_environment()
    return run


def _find_stored(url: str, run_id: str, resume: str) -> Resumable | None:
    """The stored run to resume, or None for a new run."""
    try:
        store = open_sink(url)
    except StoreNotFound:
        if resume == "must":
            raise
        return None
    try:
        adopt_orphans(store)
        stored = store.resumable(run_id)
        if resume == "never":
            raise ValueError(f"run {run_id!r} exists already; to continue it, pass resume='allow'")
        return stored
    except RunNotFound:
        if resume == "must":
            raise
        return None
    finally:
        store.close()


def _identity(given: dict[str, Any], stored: Resumable | None) -> Identity:
    run_id = given["id"] or uuid.uuid4().hex
    if stored is not None:
        kept = {key: getattr(stored, key) for key in ("project", "name", "group", "tags", "notes")}
        values = {key: given[key] or value for key, value in kept.items()}
        values["tags"] = tuple(values["tags"])
        return Identity(id=run_id, created_at=stored.created_at, **values)
    values = {**given, "id": run_id}
    values["project"] = values["project"] or DEFAULT_PROJECT
    values["name"] = values["name"] or name_of(run_id)
    return Identity(**values)


def _open_spool(url: str, identity: Identity) -> Spool:
    spool_id = uuid.uuid4().hex
    opening = {"format": FORMAT, "spool": spool_id, "run": identity.id, "rank": 0}
    opening |= {"pid": os.getpid(), "host": socket.gethostname()}
    root = spool_root(url)
    try:
        return Spool(root / spool_id, opening)
    except OSError as error:
        raise StoreUnavailable(f"cannot keep what is logged in {root}: {error.strerror or error}") from error


def _run_message(identity: Identity, config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "project": identity.project,
        "name": identity.name,
        "group": identity.group,
        "tags": list(identity.tags),
        "notes": identity.notes,
        "config": config,
        "environment": to_plain(gather_quickly()),
        "created_at": identity.created_at,
    }


def _end_active(ending: lifecycle.Ending, timeout: float) -> None:
    if _active is not None:
        _active.end(ending, timeout)


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


def log_graph(model: Any, inputs: Any = None) -> None:
    """``Run.log_graph`` of the current run."""
    run = _require("log_graph()")
    if run is not None:
        run.log_graph(model, inputs)


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
