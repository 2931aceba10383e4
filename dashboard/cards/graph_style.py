"""How a model graph looks: hues by family of operation or by parameters, in both themes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...storage.kinds.graph import Graph

FAMILIES: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "convolution": ("Convolution", "#2f74c0", ("conv",)),
    "linear": ("Linear", "#7a5cc4", ("linear", "dense", "matmul", "addmm", "mm", "einsum", "bilinear")),
    "attention": ("Attention, recurrent", "#b04a8f", ("attention", "lstm", "gru", "rnn", "transformer")),
    "embedding": ("Embedding", "#a0652f", ("embed", "gather")),
    "normalization": ("Normalization", "#2d8f83", ("norm",)),
    "activation": (
        "Activation",
        "#c4702b",
        ("relu", "gelu", "silu", "elu", "sigmoid", "tanh", "softmax", "activation", "softplus", "swish"),
    ),
    "pooling": ("Pooling", "#5f8f2f", ("pool",)),
    "regularization": ("Dropout, noise", "#8a8a94", ("dropout", "noise")),
}
"""Families of operations: label, hue, and what their names contain. All others stay grey."""

_INK = {
    "light": {
        "text": "#1c2024",
        "faint": "#5f6873",
        "line": "#b3b9c2",
        "box": "#ffffff",
        "page": "#f5f6f7",
        "accent": "#1f5fbf",
    },
    "dark": {
        "text": "#e6e8eb",
        "faint": "#98a1ac",
        "line": "#59616c",
        "box": "#1f2329",
        "page": "#101214",
        "accent": "#7fb0ff",
    },
}
_SCOPE_FILL = {"light": ("#ebedf0", "#f5f6f7"), "dark": ("#1a1d22", "#101214")}


def family(op: str) -> str:
    """The family of an operation by its name, or ``"other"``."""
    name = op.lower()
    return next((key for key, (_, _, parts) in FAMILIES.items() if any(p in name for p in parts)), "other")


def stylesheet(theme: str, color_by: str) -> list[dict[str, Any]]:
    """The look of a graph. ``theme`` is "light" or "dark", ``color_by`` "op" or "parameters"."""
    ink = _INK[theme]
    text = {
        "label": "data(label)",
        "font-family": "system-ui, sans-serif",
        "font-size": 12,
        "color": ink["text"],
        "text-wrap": "wrap",
        "line-height": 1.25,
    }
    box = {
        **text,
        "shape": "round-rectangle",
        "width": "data(width)",
        "height": "data(height)",
        "text-valign": "center",
        "background-color": ink["box"],
        "border-width": 1,
        "border-color": ink["line"],
        "z-index-compare": "manual",
        "z-index": 1000,
        "overlay-opacity": 0,
    }
    touched = {"line-color": ink["accent"], "target-arrow-color": ink["accent"], "z-index": 600}
    return [
        {"selector": "node", "style": box},
        {"selector": "node.closed", "style": {"border-width": 2, "border-style": "double"}},
        {"selector": "node.open", "style": _open_style(theme)},
        {"selector": "node.open[depth = 1]", "style": {"background-color": _SCOPE_FILL[theme][1]}},
        {"selector": "edge", "style": _edge_style(ink)},
        {"selector": "edge.merged", "style": {"width": 2.4}},
        *(_heat_styles(ink) if color_by == "parameters" else _family_styles()),
        {"selector": "node:selected", "style": {"border-color": ink["accent"], "border-width": 2.5}},
        {"selector": "edge.touched", "style": touched},
    ]


def legend(graph: Graph) -> list[tuple[str, str]]:
    """The (label, hue) of every family of operations that a graph has."""
    present = {family(node.op) for node in graph.nodes}
    return [(label, hue) for key, (label, hue, _) in FAMILIES.items() if key in present]


def _open_style(theme: str) -> dict[str, Any]:
    ink = _INK[theme]
    return {
        "background-color": _SCOPE_FILL[theme][0],
        "border-width": 1,
        "border-color": ink["line"],
        "border-opacity": 0.7,
        "text-valign": "top",
        "text-margin-y": 22,
        "text-margin-x": "data(indent)",
        "color": ink["faint"],
        "z-index": "data(level)",
    }


def _edge_style(ink: Mapping[str, str]) -> dict[str, Any]:
    return {
        "events": "no",
        "curve-style": "unbundled-bezier",
        "edge-distances": "node-position",
        "control-point-weights": "data(weights)",
        "control-point-distances": "data(distances)",
        "source-endpoint": "0 50%",
        "target-endpoint": "0 -50%",
        "width": 1.2,
        "line-color": ink["line"],
        "target-arrow-color": ink["line"],
        "target-arrow-shape": "triangle",
        "arrow-scale": 0.8,
        "label": "data(label)",
        "font-family": "system-ui, sans-serif",
        "font-size": 10,
        "color": ink["faint"],
        "text-background-color": ink["page"],
        "text-background-opacity": 0.85,
        "text-background-padding": "2px",
        "min-zoomed-font-size": 7,
        "z-index-compare": "manual",
        "z-index": 500,
        "overlay-opacity": 0,
    }


def _family_styles() -> list[dict[str, Any]]:
    return [
        {
            "selector": f'node[family = "{key}"]',
            "style": {"background-color": hue, "background-opacity": 0.18, "border-color": hue},
        }
        for key, (_, hue, _) in FAMILIES.items()
    ]


def _heat_styles(ink: Mapping[str, str]) -> list[dict[str, Any]]:
    heat = {"background-color": ink["accent"], "background-opacity": "mapData(heat, 0, 1, 0.02, 0.6)"}
    return [{"selector": "node.operation, node.closed", "style": heat}]
