"""One value of a summary, and how its records are named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.util.tensor_util import make_ndarray

from ...kinds.audio import Audio
from ...kinds.image import Image
from ...kinds.video import Video

Read = Iterator[tuple[str, Any]]
"""Tags and the values to be kept under them: floats, or what some kind of ``KINDS`` has as its type."""

S = TypeVar("S", Image, Video, Audio, Image | Video)
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

    @property
    def source(self) -> bytes:
        """The value as it is but for its tag, for records that do not tell all of it."""
        told = Summary.Value()
        told.CopyFrom(self.proto)
        told.ClearField("tag")
        told.metadata.plugin_data.plugin_name = self.plugin
        return told.SerializeToString()

    @cached_property
    def tensor(self) -> np.ndarray[Any, Any]:
        """Its tensor; strings as bytes, dtype object. Raises ``ValueError`` or ``TypeError``."""
        return make_ndarray(self.proto.tensor)


def plugin_of(proto: Summary.Value) -> str:
    """The plugin that a value names, or that its layout is of; "" if it tells neither."""
    return proto.metadata.plugin_data.plugin_name or _LEGACY.get(proto.WhichOneof("value") or "", "")


def together(tag: str, found: Sequence[S]) -> Iterator[tuple[str, S]]:
    """Samples of one value, each under its tag; the first tells how many, if all are of one kind."""
    alike = len({type(one) for one in found}) == 1
    for index, one in enumerate(found):
        is_told = alike and index == 0
        yield numbered(tag, index), replace(one, samples=len(found)) if is_told else one


def numbered(tag: str, index: int) -> str:
    """The first of a value's images or clips has its tag, the others a number after it."""
    return tag if index == 0 else f"{tag}/{index}"
