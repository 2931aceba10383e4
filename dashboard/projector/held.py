"""Vectors and metadata that people sent or changed: kept in memory only, the oldest forgotten."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...storage.kinds.embedding import Embedding

if TYPE_CHECKING:
    from ...storage.kinds.table import Cell

FILE = "file:"
MAX_BYTES = 256 * 1024**2


@dataclass(frozen=True)
class Metadata:
    """What is known of each of some points: a cell for every column, the names of which are ``columns``."""

    columns: list[str]
    rows: list[list[Cell]]


class Held:
    """What was sent, by the hash of it. For many threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[int, Embedding | Metadata]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, content: bytes, value: Embedding | Metadata, size: int) -> str:
        """Hold something of about ``size`` bytes; returns what it is asked for by, always the same."""
        key = f"{FILE}{hashlib.blake2b(content, digest_size=8).hexdigest()}"
        with self._lock:
            self._kept[key] = size, value
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and sum(each for each, _ in self._kept.values()) > MAX_BYTES:
                self._kept.popitem(last=False)
        return key

    def vectors(self, key: str) -> Embedding | None:
        value = self._find(key)
        return value if isinstance(value, Embedding) else None

    def metadata(self, key: str) -> Metadata | None:
        value = self._find(key)
        return value if isinstance(value, Metadata) else None

    def _find(self, key: str) -> Embedding | Metadata | None:
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][1]
