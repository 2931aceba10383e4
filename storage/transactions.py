"""Transactions that write, done again where they met another one and gave way."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection

from .errors import StoreConflict

if TYPE_CHECKING:
    from .store import Store

T = TypeVar("T")
_ATTEMPTS = 6
_LONGEST_PAUSE_S = 0.2


def write(store: Store, work: Callable[[Connection], T]) -> T:
    """Do ``work`` in one transaction; it must be ready to be done again from the beginning.

    PostgreSQL ends one of two transactions that wait for one another, and engines that keep a table on
    several machines any that met another one. Raises ``StoreConflict`` if that happens again and again.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return _once(store, work)
        except StoreConflict:
            time.sleep(random.uniform(0, _LONGEST_PAUSE_S))
    return _once(store, work)


def _once(store: Store, work: Callable[[Connection], T]) -> T:
    with store.writing() as connection:
        return work(connection)
