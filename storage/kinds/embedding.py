"""Points in many dimensions, with what is known of each."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .base import Encoded, Kind
from .parts import pack_arrays, pack_json, unpack_arrays, unpack_json
from .table import Cell


@dataclass(frozen=True, eq=False)
class Embedding:
    """``vectors`` are N x D, float32. ``metadata`` has a row for each, or none, with a cell a column.

    ``sprite`` is a PNG, or empty: a picture for each vector, ``sprite_size`` (width, height) pixels each,
    row by row, in a grid as wide as the root of N, rounded up.
    """

    vectors: NDArray[np.float32]
    columns: list[str] = field(default_factory=list)
    metadata: list[list[Cell]] = field(default_factory=list)
    sprite: bytes = b""
    sprite_size: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2:
            raise ValueError(f"an embedding is N x D (got shape {self.vectors.shape})")
        if self.metadata and len(self.metadata) != len(self.vectors):
            raise ValueError(f"{len(self.metadata)} rows of metadata for {len(self.vectors)} vectors")
        if any(len(row) != len(self.columns) for row in self.metadata):
            raise ValueError(f"each row of metadata needs {len(self.columns)} cells, one a column")


def encode(value: Embedding) -> Encoded:
    arrays, vectors = pack_arrays([value.vectors])
    metadata = pack_json({"columns": value.columns, "metadata": value.metadata})
    header = {"arrays": arrays, "metadata": len(metadata), "sprite_size": list(value.sprite_size)}
    return Encoded(header, vectors + metadata + value.sprite)


def decode(encoded: Encoded) -> Embedding:
    header = encoded.header
    (vectors,), rest = unpack_arrays(header["arrays"], encoded.body)
    described, sprite = unpack_json(rest[: header["metadata"]]), rest[header["metadata"] :]
    width, height = header["sprite_size"]
    return Embedding(vectors, **described, sprite=sprite, sprite_size=(width, height))


KIND = Kind("embedding", Embedding, "records", encode, decode, blob=True)
