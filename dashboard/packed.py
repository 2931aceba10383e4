"""Arrays for a browser in one answer: a header in JSON, then the bytes of each, to be read in place."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

MEDIA_TYPE = "application/octet-stream"
_LENGTH = struct.Struct("<I")
_TYPES = {"float32": "<f4", "uint32": "<u4", "uint8": "|u1"}


def pack(told: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """``told`` with ``arrays`` added, ``{name: [type, length]}``; then each array's bytes, little-endian.

    Types are float32, uint32 and uint8. The header and every array are padded to four bytes, and the
    header's length is told before it as uint32. ``assets/js/packed.js`` reads it.
    """
    flat = {name: np.ascontiguousarray(array).reshape(-1) for name, array in arrays.items()}
    lengths = {name: [array.dtype.name, len(array)] for name, array in flat.items()}
    header = json.dumps({**told, "arrays": lengths}, allow_nan=False).encode()
    parts = [header + b" " * (-len(header) % 4)]
    for array in flat.values():
        body = array.astype(_TYPES[array.dtype.name], copy=False).tobytes()
        parts.append(body + bytes(-len(body) % 4))
    return b"".join([_LENGTH.pack(len(parts[0])), *parts])
