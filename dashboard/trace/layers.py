"""How long each layer of a model took: by the marks of PyTorch's profile, or TensorFlow's names."""

from __future__ import annotations

import re
from typing import Any

from .events import Span, Timeline
from .timeline import LONGEST_NAME

_OPERATIONS = re.compile(r"(/(?:[A-Z_]\w*|convolution|moments|batchnorm))+$")
"""TensorFlow's operations have names such as ``MatMul_1``, its layers such as ``dense_1``."""
_OPTIMIZERS = (
    "adadelta adafactor adagrad adam adamax adamw ftrl lamb lion loss_scale_optimizer muon nadam rmsprop sgd"
)
_KINDS = {"compile_loss": "loss", "loss": "loss", **dict.fromkeys(_OPTIMIZERS.split(), "optimizer")}
"""Keras's names of what is no layer."""
_NUMBER = re.compile(r"_\d+$")
MAX_LAYERS = 300
_MARK = re.compile(r"^layer: (.*) \(([^()]*)\)$", re.DOTALL)
_BACKWARD = "autograd::engine::evaluate_function"
_CALL = re.compile(r"^(?:StatefulPartitionedCall|PartitionedCall|jit_\w+|gradient_tape|cond|while|body)/")


def by_layer(timeline: Timeline) -> list[dict[str, Any]]:
    """Layers: calls, time forward with and without layers within them, backward, and on the device.

    Microseconds; empty if the trace names no layers. Those of PyTorch come in the order in which they first
    ran, those of TensorFlow, which runs operations in any order, the longest first.
    """
    rows: dict[str, dict[str, Any]] = {}
    marks = {id(span): match for span in timeline.spans if (match := _mark(span))}
    owners: dict[int | None, str] = {}
    for span in sorted(timeline.spans, key=lambda one: one.start):
        if id(span) in marks:
            _count_mark(rows, marks, span)
        elif span.category == "cpu_op":
            _count_operation(rows, marks, owners, span)
        elif not span.category and ":" in span.name:
            _count_tensorflow(rows, span)
    found = list(rows.values())
    if not marks:
        found.sort(key=lambda row: -(row["own"] + row["backward"] + row["device"]))
    return found[:MAX_LAYERS]


def _mark(span: Span) -> re.Match[str] | None:
    return _MARK.match(span.name) if span.category == "user_annotation" else None


def _row(rows: dict[str, dict[str, Any]], name: str, kind: str) -> dict[str, Any]:
    numbers = dict.fromkeys(("calls", "forward", "own", "backward", "device"), 0)
    return rows.setdefault(name, {"name": name[:LONGEST_NAME], "kind": kind[:LONGEST_NAME], **numbers})


def _count_mark(rows: dict[str, dict[str, Any]], marks: dict[int, re.Match[str]], span: Span) -> None:
    name, kind = marks[id(span)].groups()
    row = _row(rows, name, kind)
    row["calls"] += 1
    row["forward"] += span.duration
    row["own"] += span.duration
    outer = _layer_around(marks, span)
    if outer is not None:
        rows[outer]["own"] -= span.duration


def _layer_around(marks: dict[int, re.Match[str]], span: Span) -> str | None:
    around = span.parent
    while around is not None and id(around) not in marks:
        around = around.parent
    return None if around is None else marks[id(around)].group(1)


def _count_operation(
    rows: dict[str, dict[str, Any]],
    marks: dict[int, re.Match[str]],
    owners: dict[int | None, str],
    span: Span,
) -> None:
    """Forward and backward of an operation share a number: so the backward pass finds its layer."""
    backward = _backward_around(span)
    layer = _layer_around(marks, span) if backward is None else owners.get(_number(backward))
    if layer is None:
        return
    rows[layer]["device"] += span.device
    if backward is span:
        rows[layer]["backward"] += span.duration
    elif backward is None and _number(span) is not None:
        owners[_number(span)] = layer


def _backward_around(span: Span) -> Span | None:
    """The function of the backward pass that a span is or is part of."""
    around: Span | None = span
    while around is not None and not around.name.startswith(_BACKWARD):
        around = around.parent
    return around


def _number(span: Span) -> int | None:
    number = span.args.get("Sequence number")
    return number if isinstance(number, int) else None


def _count_tensorflow(rows: dict[str, dict[str, Any]], span: Span) -> None:
    place, _, kind = span.name.rpartition(":")
    is_backward = "gradient_tape/" in place
    while match := _CALL.match(place):
        place = place[match.end() :]
    layer = _OPERATIONS.sub("", place)
    layer = _OPERATIONS.sub("", place.rpartition("/")[0]) if layer == place else layer
    is_inside = "/" in place.removesuffix("/ReadVariableOp")
    if not (layer and is_inside and kind.isidentifier()) or ":" in layer:
        return
    row = _row(rows, layer, _KINDS.get(_NUMBER.sub("", layer.partition("/")[0]), ""))
    row["calls"] += 1
    row["device" if span.is_device else "backward" if is_backward else "forward"] += span.duration
    if not span.is_device and not is_backward:
        row["own"] += span.duration
