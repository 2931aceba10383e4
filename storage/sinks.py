"""Where spools go: a database of this program's own, or a server that keeps one.

``open_sink`` gives either; whoever carries a spool knows only what is promised here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from .forks import NO_FORK
from .location import is_server


class Stored(NamedTuple):
    """How far a spool is in the store: to byte ``position`` of ``segment``.

    ``known_to`` is from where on that segment may be fed again, because its series up to there are known.
    """

    segment: int
    position: int
    known_to: int


@dataclass(frozen=True)
class Resumable:
    """What a program must know of a stored run to continue it.

    ``next_step`` follows its last one; ``launch`` tells the job of several processes that began it and
    whose rank 0 has yet to; ``last_request`` is the number of what people asked of it last.
    """

    project: str
    name: str
    group: str | None
    tags: list[str]
    notes: str
    config: dict[str, Any]
    created_at: float
    next_step: int
    launch: str | None = None
    last_request: int = 0


class ControlRequest(NamedTuple):
    """The ``number``-th request to a run: a knob's new value, or None for a button that was pressed.

    ``requested_at`` is in seconds since the epoch.
    """

    number: int
    control: str
    value: float | None
    requested_at: float


class SpoolSink(Protocol):
    """One spool's way in; ``storage.ingest.Ingest`` says what each method does. All may be repeated."""

    def stored(self) -> Stored: ...

    def feed(self, segment: int, data: bytes | bytearray | memoryview, offset: int) -> int: ...

    def heartbeat(self) -> None: ...

    def abandon(self) -> None: ...


class Sink(Protocol):
    """What takes spools in. Its methods raise ``TrainboardError``."""

    url: str

    def ingest(self, spool_id: str) -> SpoolSink: ...

    def resumable(self, run_id: str) -> Resumable: ...

    def requests(self, run_id: str, since: int) -> list[ControlRequest]: ...

    def close(self) -> None: ...


def open_sink(url: str, *, create: bool = False) -> Sink:
    """The store at a resolved URL, opened as ``open_store`` does, or the server there.

    A server is not asked anything yet: whether it answers shows at the first use.
    """
    if is_server(url):
        with NO_FORK:
            from .remote import RemoteStore

        return RemoteStore(url)
    with NO_FORK:
        from .opening import open_store

    return open_store(url, create=create)
