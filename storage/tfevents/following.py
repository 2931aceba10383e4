"""Follows trees of logs until it is told to stop, in a thread of its own or in the caller's."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import StoreUnavailable
from .follower import Follower, Progress
from .tree import LocalTree, open_tree

if TYPE_CHECKING:
    from ..store import Store

log = logging.getLogger(__name__)

_LOOK_S = 0.4
_REMOTE_LOOK_S = 5.0
_MOST_OF_TIME = 3
"""Between looks at a tree that takes long to look at, so many times as long."""


def open_follower(store: Store, locations: Iterable[str], project: str | None = None) -> Follower:
    """A follower of trees. Raises ``LogsNotFound`` and ``MissingExtra``."""
    return Follower(store, [open_tree(location) for location in locations], project)


def read_all(follower: Follower, told: Callable[[Progress], None] = lambda progress: None) -> None:
    """Read all there is, and tell of it about every second. Raises ``StoreUnavailable``."""
    while follower.poll():
        told(follower.progress)
    told(follower.progress)


def follow(
    follower: Follower, stopping: threading.Event, told: Callable[[Progress], None] = lambda progress: None
) -> None:
    """Read what is new until ``stopping`` is set, whatever becomes of the store meanwhile."""
    least = _LOOK_S if all(isinstance(tree, LocalTree) for tree in follower.trees) else _REMOTE_LOOK_S
    while not stopping.is_set():
        begun = time.monotonic()
        more = _poll(follower)
        told(follower.progress)
        if not more:
            stopping.wait(max(least, _MOST_OF_TIME * (time.monotonic() - begun)))


@contextmanager
def following(follower: Follower) -> Iterator[Follower]:
    """Follow in a thread, for as long as the block lasts."""
    stopping = threading.Event()
    thread = threading.Thread(target=follow, args=(follower, stopping), name="trainboard-logs", daemon=True)
    thread.start()
    try:
        yield follower
    finally:
        stopping.set()
        thread.join()


def _poll(follower: Follower) -> bool:
    try:
        return follower.poll()
    except StoreUnavailable as error:
        log.warning("logs are not read for now: %s", error)
    except Exception:
        # One tree that cannot be read must not end the following of all others, nor the server's life.
        log.exception("logs could not be read")
    return False
