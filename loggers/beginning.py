"""How a run begins: what it is called, which rank logs to it, and what the store is told first."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any

from ..storage.errors import RunNotFound, StoreNotFound, StoreUnavailable
from ..storage.frames import FORMAT, FrameType
from ..storage.location import check_location, resolve_url, spool_root
from ..storage.mounts import network_warning
from ..storage.sinks import Resumable, open_sink
from ..storage.spools import adopt_orphans
from .drain import Drain
from .environment import gather_quickly
from .identity import Identity
from .lifecycle import Ending
from .names import name_of
from .plain import to_plain
from .ranks import Place
from .run import Run
from .spool import Spool
from .warn import Warner

DEFAULT_PROJECT = "default"
RESTARTS_TAG = "restarts"
_NO_AGREEMENT = (
    "the ranks of this job cannot tell which run they share: call init() after "
    "torch.distributed.init_process_group(), or give all of them the same id= or $TRAINBOARD_RUN_ID"
)


def begin_nothing(given: dict[str, Any], config: Mapping[str, Any], place: Place | None) -> Run:
    """A run that keeps nothing of what is logged to it."""
    return Run(_identity(given, None, place), config, store="")


def begin(
    given: dict[str, Any],
    config: Mapping[str, Any],
    resume: str,
    mode: str,
    store: str | os.PathLike[str] | None,
    place: Place | None,
    ranks: str,
) -> Run:
    """The run of this process, or of its job; one that does not log where another rank does."""
    url = resolve_url(store)
    check_location(url)
    if place is None:
        stored = _find_stored(url, given["id"], resume) if given["id"] else None
        return _record(_identity(given, stored), config, url, mode, stored)
    known = given["id"] or (place.launch if place.certain else None)
    if ranks == "all" and known is None:
        raise ValueError(_NO_AGREEMENT)
    stored = _find_joined(url, given["id"], resume, place) if given["id"] else None
    identity = _identity({**given, "id": known}, stored, place)
    if ranks == "all" or place.rank == 0:
        return _record(identity, config, url, mode, stored)
    tell = partial(_tell_crash, identity, url, mode) if known else None
    return Run(identity, config, store=url, on_crash=tell)


def _find_joined(url: str, run_id: str, resume: str, place: Place) -> Resumable | None:
    """As ``_find_stored``; but a run that other ranks of this job began is none to refuse."""
    if resume != "never":
        return _find_stored(url, run_id, resume)
    if place.rank == 0:
        _find_stored(url, run_id, resume, place.launch)
    return None


def _tell_crash(identity: Identity, url: str, mode: str, ending: Ending, timeout: float) -> None:
    """Have the run know that a rank crashed which logged nothing."""
    _record(identity, {}, url, mode, None).end(ending, timeout)


def _record(
    identity: Identity, config: Mapping[str, Any], url: str, mode: str, stored: Resumable | None
) -> Run:
    """A run that logs to a spool of its own."""
    if stored is not None:
        config = {**stored.config, **config}
    spool = _open_spool(url, identity)
    report = Warner()
    if unsafe := network_warning(url):
        report("network", unsafe)

    def announce() -> None:
        spool.message(FrameType.RUN, _run_message(identity, config))

    announce()
    drain = None
    if mode == "online":
        drain = Drain(spool, url, report, announce=announce, errand=adopt_orphans)
        drain.start()
    run = Run(
        identity,
        config,
        store=url,
        spool=spool,
        drain=drain,
        warn=report,
        first_step=stored.next_step if stored else 0,
        last_request=stored.last_request if stored else 0,
    )
    if identity.rank == 0:
        run.describe_environment()
    if identity.rank == 0 and stored is not None:
        _tell_restart(run, stored)
    return run


def _tell_restart(run: Run, stored: Resumable) -> None:
    from ..storage.kinds.event import Event

    title, text = f"Went on at step {stored.next_step:,}", "The run was resumed by another program."
    run.log({RESTARTS_TAG: Event(title, text)}, stored.next_step, commit=False)


def _find_stored(url: str, run_id: str, resume: str, launch: str | None = None) -> Resumable | None:
    """The stored run to resume, or None for a new run, such as one of this very launch."""
    try:
        store = open_sink(url)
    except StoreNotFound:
        if resume == "must":
            raise
        return None
    try:
        adopt_orphans(store)
        stored = store.resumable(run_id)
        if launch is not None and stored.launch == launch:
            return None
        if resume == "never":
            raise ValueError(f"run {run_id!r} exists already; to continue it, pass resume='allow'")
        return stored
    except RunNotFound:
        if resume == "must":
            raise
        return None
    finally:
        store.close()


def _identity(given: dict[str, Any], stored: Resumable | None, place: Place | None = None) -> Identity:
    run_id = given["id"] or uuid.uuid4().hex
    given = given | {"place": place}
    if stored is not None:
        kept = {key: getattr(stored, key) for key in ("project", "name", "group", "tags", "notes")}
        values = {key: given[key] or value for key, value in kept.items()}
        values["tags"] = tuple(values["tags"])
        return Identity(id=run_id, created_at=stored.created_at, place=place, **values)
    values = {**given, "id": run_id}
    values["project"] = values["project"] or DEFAULT_PROJECT
    values["name"] = values["name"] or name_of(run_id)
    return Identity(**values)


def _open_spool(url: str, identity: Identity) -> Spool:
    spool_id = uuid.uuid4().hex
    opening = {"format": FORMAT, "spool": spool_id, "run": identity.id, "rank": identity.rank}
    opening |= {"pid": os.getpid(), "host": socket.gethostname()}
    root = spool_root(url)
    try:
        return Spool(root / spool_id, opening)
    except OSError as error:
        raise StoreUnavailable(f"cannot keep what is logged in {root}: {error.strerror or error}") from error


def _run_message(identity: Identity, config: Mapping[str, Any]) -> dict[str, Any]:
    """What the store is told of a run; by ranks but the first only what tells where they are."""
    environment = to_plain(gather_quickly()) if identity.rank == 0 else {}
    if identity.place is not None:
        environment |= {"launch": identity.place.launch, "world_size": identity.place.world_size}
        environment |= {"hosts": {str(identity.rank): socket.gethostname()}}
    return {
        "project": identity.project,
        "name": identity.name,
        "group": identity.group,
        "tags": list(identity.tags),
        "notes": identity.notes,
        "config": config if identity.rank == 0 else {},
        "environment": environment,
        "created_at": identity.created_at,
    }
