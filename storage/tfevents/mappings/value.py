"""One value of a summary, and how its records are named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.util.tensor_util import make_ndarray

Read = Iterator[tuple[str, Any]]
"""Tags and the values to be kept under them: floats, or what some kind of ``KINDS`` has as its type."""

_LEGACY = {"simple_value": "scalars", "histo": "histograms", "image": "images", "audio": "audio"}


@dataclass(frozen=True)
class Value:
    """A ``Summary.Value``, the plugin that it is for, and what it says to that plugin."""

    proto: Summary.Value
    plugin: str
    content: bytes

    @property
    def tag(self) -> str:
        return self.proto.tag

    @cached_property
    def tensor(self) -> np.ndarray[Any, Any]:
        """Its tensor; strings as bytes, dtype object. Raises ``ValueError`` or ``TypeError``."""
        return make_ndarray(self.proto.tensor)


def plugin_of(proto: Summary.Value) -> str:
    """The plugin that a value names, or that its layout is of; "" if it tells neither."""
    return proto.metadata.plugin_data.plugin_name or _LEGACY.get(proto.WhichOneof("value") or "", "")


def numbered(tag: str, index: int) -> str:
    """The first of a value's images or clips has its tag, the others a number after it."""
    return tag if index == 0 else f"{tag}/{index}"
