"""Bodies made of several parts, such as arrays of numbers beside bytes; the header keeps what each one is."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def pack_arrays(arrays: Iterable[NDArray[Any] | None]) -> tuple[list[list[Any] | None], bytes]:
    """What the header needs to know of each array, [dtype, shape] or None, and their bytes end to end."""
    described: list[list[Any] | None] = []
    bodies: list[bytes] = []
    for array in arrays:
        described.append(None if array is None else [array.dtype.str, list(array.shape)])
        bodies.append(b"" if array is None else array.tobytes())
    return described, b"".join(bodies)


def unpack_arrays(described: Iterable[list[Any] | None], body: bytes) -> tuple[list[Any], bytes]:
    """The arrays, and the bytes that follow them. Raises ``ValueError`` for a body that is too short."""
    arrays: list[Any] = []
    at = 0
    for one in described:
        if one is None:
            arrays.append(None)
            continue
        dtype, shape = np.dtype(one[0]), tuple(one[1])
        count = int(np.prod(shape, dtype=np.int64))
        arrays.append(
            np.frombuffer(body, dtype, count, at).reshape(shape) if count else np.empty(shape, dtype)
        )
        at += count * dtype.itemsize
    return arrays, body[at:]


def pack_json(content: Any) -> bytes:
    """Compressed JSON; NaN and infinities are kept as Python writes them."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return zlib.compress(text.encode("utf-8", "surrogatepass"))


def unpack_json(body: bytes) -> Any:
    return json.loads(zlib.decompress(body).decode("utf-8", "surrogatepass"))
