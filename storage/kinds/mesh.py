"""A cloud of points in space, or a surface of triangles between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .base import Encoded, Kind
from .parts import pack_arrays, unpack_arrays


@dataclass(frozen=True, eq=False)
class Mesh:
    """``vertices`` N x 3, float32; ``colors`` N x 3, uint8; ``faces`` M x 3, int32, numbers of vertices.

    ``config`` is what TensorBoard's mesh plugin takes as configuration of three.js.
    """

    vertices: NDArray[np.float32]
    colors: NDArray[np.uint8] | None = None
    faces: NDArray[np.int32] | None = None
    config: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_arrays(
        cls,
        vertices: ArrayLike,
        colors: ArrayLike | None = None,
        faces: ArrayLike | None = None,
        config: dict[str, Any] | None = None,
    ) -> Mesh:
        """Make one of arrays of these shapes and any numbers; colours are from 0 to 255.

        Raises ``ValueError`` for other shapes, and for faces with numbers that no vertex has.
        """
        points = _triples("vertices", vertices).astype(np.float32)
        shades = None if colors is None else _triples("colors", colors).clip(0, 255).astype(np.uint8)
        corners = None if faces is None else _triples("faces", faces).astype(np.int32)
        if shades is not None and len(shades) != len(points):
            raise ValueError(f"{len(shades)} colors for {len(points)} vertices")
        if corners is not None and corners.size and not 0 <= corners.min() <= corners.max() < len(points):
            raise ValueError(f"faces name vertices by numbers from 0 to {len(points) - 1}")
        return cls(points, shades, corners, dict(config or {}))


def _triples(what: str, values: ArrayLike) -> NDArray[Any]:
    array = np.asarray(values)
    if array.ndim != 2 or array.shape[1] != 3:
        raise ValueError(f"{what} must be N x 3 (got shape {array.shape})")
    return array


def encode(value: Mesh) -> Encoded:
    arrays, body = pack_arrays([value.vertices, value.colors, value.faces])
    return Encoded({"arrays": arrays, "config": value.config}, body)


def decode(encoded: Encoded) -> Mesh:
    vertices, colors, faces = unpack_arrays(encoded.header["arrays"], encoded.body)[0]
    return Mesh(vertices, colors, faces, encoded.header["config"])


KIND = Kind("mesh", Mesh, "records", encode, decode, blob=True)
