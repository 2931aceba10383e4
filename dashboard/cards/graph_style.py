"""The families of a model's operations, each with a hue."""

from __future__ import annotations

from collections.abc import Mapping

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


def family(op: str) -> str:
    """The family of an operation by its name, or ``"other"``."""
    name = op.lower()
    return next((key for key, (_, _, parts) in FAMILIES.items() if any(p in name for p in parts)), "other")
