"""A store's database: its transactions, and what becomes of them when its file is replaced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from sqlalchemy import Connection, Engine

from . import engine as connections
from .reopen import replacement


class Database:
    """Transactions that read and write. Raises ``StoreUnavailable``; safe to use from many threads.

    ``reopened`` counts how often another file took the place of the first.
    """

    def __init__(self, url: str, engine: Engine) -> None:
        self.url = url
        self.reopened = 0
        self._engine = engine

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; new ones are opened if it is used again."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection with one consistent view of the store. Raises ``StoreGone``."""
        with connections.translated(self.url), connections.reading(self._engine) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, committed at the end of the block or not at all. Raises ``StoreGone``."""
        with connections.translated(self.url), connections.writing(self._engine) as connection:
            yield connection

    @contextmanager
    def unguarded(self) -> Iterator[Any]:
        """The driver's own connection, outside of any transaction, for what must not be in one."""
        with connections.translated(self.url), connections.unguarded(self._engine) as connection:
            yield connection

    def reopen(self) -> bool:
        """Turn to the store that took the place of a deleted or replaced one; see ``storage.reopen``."""
        fresh = replacement(self._engine, self.url)
        if fresh is not None:
            self.close()
            self._engine = fresh
            self.reopened += 1
        return fresh is not None
