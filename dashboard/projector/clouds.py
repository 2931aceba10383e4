"""Embeddings as the Projector page needs them: read once, without what is not finite, thinned by chance."""

from __future__ import annotations

import threading
import zlib
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from starlette.exceptions import HTTPException

from ...storage.patterns import BadPattern, search, time_limit
from .held import FILE, Held
from .linear import spherized

if TYPE_CHECKING:
    from ...storage import Store
    from ...storage.kinds.embedding import Embedding
    from ...storage.kinds.table import Cell

MAX_BYTES = 512 * 1024**2
MAX_TEXT = 200
SEARCH_SECONDS = 2.0


class CannotDraw(HTTPException):
    """There is nothing to draw, and why, in words for a person."""

    def __init__(self, message: str) -> None:
        super().__init__(422, message)


@dataclass(frozen=True)
class Place:
    """Where an embedding is kept: the ``index``-th to arrive of a series. What is there never changes.

    ``run`` can name a file that somebody sent, and ``metadata`` what is known of the points instead.
    """

    run: str
    tag: str
    rank: int
    index: int
    metadata: str = ""

    @property
    def bare(self) -> Place:
        """The same points, whatever is known of them."""
        return replace(self, metadata="")


@dataclass(frozen=True)
class Sample:
    """Which rows are looked at, and their vectors: at most ``most`` of the finite ones, drawn by chance."""

    rows: NDArray[np.intp]
    vectors: NDArray[np.float32]


class Cloud:
    """One embedding."""

    def __init__(self, embedding: Embedding) -> None:
        self.embedding = embedding
        self.count, self.dimensions = embedding.vectors.shape

    @cached_property
    def finite(self) -> NDArray[np.intp]:
        """The rows without NaN and infinities."""
        return np.flatnonzero(np.isfinite(self.embedding.vectors).all(axis=1))

    @property
    def bytes(self) -> int:
        return self.embedding.vectors.nbytes + len(self.embedding.sprite) + 64 * self.count

    def rows(self, most: int) -> NDArray[np.intp]:
        """At most ``most`` finite rows, in order: the same each time, and fewer are some of more."""
        if len(self.finite) <= most:
            return self.finite
        return np.sort(np.random.default_rng(0).permutation(self.finite)[:most])

    def sample(self, most: int, spherize: bool) -> Sample:
        rows = self.rows(most)
        vectors = bounded(self.embedding.vectors[rows])
        return Sample(rows, spherized(vectors) if spherize else vectors)

    def column(self, name: str) -> list[Cell]:
        """A column of the metadata. Raises ``CannotDraw`` if there is none of this name."""
        if name not in self.embedding.columns or not self.embedding.metadata:
            raise CannotDraw(f"This embedding has no column {name[:MAX_TEXT]!r}.")
        at = self.embedding.columns.index(name)
        return [row[at] for row in self.embedding.metadata]

    def find(self, words: str, pattern: bool, column: str = "") -> NDArray[np.intp]:
        """Rows whose metadata, or one column of it, holds these words, whatever the case, or a pattern.

        Raises ``CannotDraw`` for a pattern that is none, or takes too long.
        """
        if not self.embedding.metadata or not words:
            return np.array([], np.intp)
        at = [self.embedding.columns.index(column)] if column else range(len(self.embedding.columns))
        texts = ("\n".join(str(row[number]) for number in at) for row in self.embedding.metadata)
        if not pattern:
            sought = words.lower()
            return np.flatnonzero([sought in text.lower() for text in texts])
        try:
            with time_limit(SEARCH_SECONDS):
                return np.flatnonzero([search(words, text) is not None for text in texts])
        except BadPattern as error:
            raise CannotDraw(str(error)) from error

    def neighbours(self, row: int, metric: str, count: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """The rows nearest to one, and how far each is: ``cosine`` or ``euclidean``, over all finite rows.

        A vector of zeros has no direction; its cosine distance to any other is 1.
        """
        rows = self.finite
        vectors = self._unit if metric == "cosine" else self._bounded
        own = vectors[np.searchsorted(rows, row)]
        distances = 1 - vectors @ own if metric == "cosine" else np.linalg.norm(vectors - own, axis=1)
        distances[rows == row] = np.inf
        nearest = np.argsort(distances, kind="stable")[: min(count, len(rows) - 1)]
        return rows[nearest], np.clip(distances[nearest].astype(np.float64), 0, None)

    @cached_property
    def _bounded(self) -> NDArray[np.float32]:
        return bounded(self.embedding.vectors[self.finite])

    @cached_property
    def _unit(self) -> NDArray[np.float32]:
        lengths = np.linalg.norm(self._bounded, axis=1, keepdims=True)
        return np.divide(self._bounded, lengths, out=np.zeros_like(self._bounded), where=lengths > 0)


def bounded(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors whose squares are finite: far larger ones are brought down, all by the same factor."""
    greatest = float(np.abs(vectors).max(initial=0.0))
    return vectors if greatest < 1e15 else (vectors / greatest).astype(np.float32)


class Clouds:
    """Embeddings of a store, the last ones read kept in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.held = Held()
        self._kept: OrderedDict[tuple[int, Place], Cloud] = OrderedDict()
        self._lock = threading.Lock()

    def version(self) -> int:
        """Another number whenever another store is at the same place."""
        return self._store.reopened

    def read(self, place: Place) -> Cloud:
        """Raises ``CannotDraw`` if there is no such embedding, or it is damaged."""
        key = self._store.reopened, place
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        cloud = Cloud(self._described(place) if place.metadata else self._embedding(place))
        with self._lock:
            self._kept[key] = cloud
            while len(self._kept) > 1 and sum(one.bytes for one in self._kept.values()) > MAX_BYTES:
                self._kept.popitem(last=False)
        return cloud

    def _embedding(self, place: Place) -> Embedding:
        if place.run.startswith(FILE):
            sent = self.held.vectors(place.run)
            if sent is None:
                raise CannotDraw("This file is no longer held here: load it again.")
            return sent
        try:
            return self._store.record_at(
                place.run, place.tag, "embedding", place.index, rank=place.rank
            ).value
        except IndexError as error:
            raise CannotDraw("There is no such embedding.") from error
        except (ValueError, KeyError, TypeError, zlib.error) as error:
            raise CannotDraw(f"This embedding is damaged: {error!s:.300}.") from error

    def _described(self, place: Place) -> Embedding:
        """An embedding with the metadata that somebody sent or changed."""
        known, bare = self.held.metadata(place.metadata), self.read(place.bare).embedding
        if known is None:
            raise CannotDraw("This metadata is no longer held here: load it again, or discard it.")
        if len(known.rows) != len(bare.vectors):
            counts = f"{len(known.rows):,} rows, and this embedding {len(bare.vectors):,} points"
            raise CannotDraw(f"The metadata that was loaded has {counts}: discard it.")
        return replace(bare, columns=known.columns, metadata=known.rows)
