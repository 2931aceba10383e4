"""Records as TensorBoard can show them: one function for each kind. ``to_tensorboard`` knows them all.

Histograms, texts and layouts that were read from TensorBoard's logs keep what they were made of as their
``source``, where they do not tell all of it: the bytes of a ``Summary.Value`` without a tag. It is shown
instead of them, so that whoever compares an export with the logs finds the same buckets, to the bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tensorboard.compat.proto.summary_pb2 import Summary

from ...kinds.histogram import Histogram
from ...kinds.layout import Layout
from ...kinds.text import Text
from . import media, numbers, texts
from .value import clean

Show = Callable[[Any, str], list[Summary.Value]]

_SHOW: dict[str, Show] = {
    "histogram": numbers.histogram,
    "image": media.image,
    "audio": media.audio,
    "video": media.video,
    "text": texts.text,
    "table": texts.table,
    "figure": texts.figure,
    "pr_curve": numbers.pr_curve,
    "confusion_matrix": texts.confusion_matrix,
    "embedding": texts.embedding,
    "mesh": media.mesh,
    "layout": numbers.layout,
    "trace": texts.trace,
    "layer_stats": texts.layer_stats,
    "event": texts.event,
}
_BODIES = {"image": 2, "audio": 0}
"""Kinds whose body is one of the strings shown, and which one."""


class Shown(NamedTuple):
    """What TensorBoard shows of a record; ``body_at``: its body is that one of the strings, if any."""

    values: list[Summary.Value]
    body_at: int | None


def to_tensorboard(kind: str, tag: str, record: Any) -> Shown:
    """What is shown, under a tag, of a record of any kind but scalar, graph and raw."""
    if source := _source(record):
        return Shown([_as_it_was(source, tag)], None)
    is_picture = kind == "video" and record.format in media.PICTURES
    is_masked = kind == "image" and bool(record.masks)  # and its masks are in the body, too
    body_at = None if is_masked else _BODIES.get("image" if is_picture else kind)
    return Shown(_SHOW[kind](record, tag), body_at)


def _source(record: Any) -> bytes:
    return record.source if isinstance(record, Histogram | Layout | Text) else b""


def _as_it_was(source: bytes, tag: str) -> Summary.Value:
    value = Summary.Value.FromString(source)
    value.tag = clean(tag)
    return value
