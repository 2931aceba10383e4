"""The process that makes one projection: ``python -m trainboard.dashboard.projector.worker``.

It is asked on its standard input: a line of JSON, then the vectors, and a map to start from, as float32.
On its standard output it says how far it is, a line of JSON each time, and at last the arrays it made.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .linear import principal
from .maps import CannotMap, make

_NICE = 5


def main() -> None:
    told = sys.stdout.buffer
    asked = json.loads(sys.stdin.buffer.readline())
    vectors, *start = [_read(sys.stdin.buffer, shape) for shape in asked["shapes"]]
    os.nice(_NICE)
    try:
        arrays = _made(asked, vectors, start[0] if start else None, told)
    except CannotMap as error:
        return _say(told, {"error": str(error)})
    except MemoryError:
        return _say(told, {"error": "There is not enough memory for this many points."})
    lengths = {name: array.shape for name, array in arrays.items()}
    _say(told, {"done": lengths}, *(array.astype("<f8").tobytes() for array in arrays.values()))


def _made(
    asked: Mapping[str, Any],
    vectors: NDArray[np.float32],
    start: NDArray[np.float32] | None,
    told: BinaryIO,
) -> dict[str, NDArray[np.float64]]:
    if asked["method"] == "pca":
        basis = principal(vectors)
        return {
            "centre": basis.centre,
            "axes": basis.axes,
            "scale": np.array([basis.scale]),
            "shares": np.array(basis.shares),
        }
    places = make(
        asked["method"], vectors, start, asked["settings"], lambda share: _say(told, {"share": share})
    )
    return {"places": places.astype(np.float64)}


def _read(source: BinaryIO, shape: list[int]) -> NDArray[np.float32]:
    body = source.read(4 * int(np.prod(shape)))
    return np.frombuffer(body, "<f4").reshape(shape)


def _say(told: BinaryIO, words: Mapping[str, Any], *bodies: bytes) -> None:
    told.write(json.dumps(words).encode() + b"\n" + b"".join(bodies))
    told.flush()


if __name__ == "__main__":
    main()
