"""What a Keras model that is not made of a known graph does, told call by call.

The model is called on symbolic tensors, which carry shapes and no values: layers and ``keras.ops`` then
pass through one method of ``keras.Operation``, which is replaced as long as that takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras

Listener = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]


def symbolic_inputs(model: Any, inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """Arguments to call ``model`` with, like ``inputs``, or like those it was built with; None if unknown.

    A tuple is the positional arguments, anything else the one argument. Batches are of unknown size.
    """
    if inputs is not None:
        positional = inputs if isinstance(inputs, tuple) else (inputs,)
        return keras.tree.map_structure(_symbol_like, positional), {}
    if not model.built:
        return None
    config = model.get_build_config() or {}
    if "shapes_dict" in config:
        shapes = {name.removesuffix("_shape"): shape for name, shape in config["shapes_dict"].items()}
        return (), {name: _symbols(shape) for name, shape in shapes.items()}
    return ((_symbols(config["input_shape"]),), {}) if config.get("input_shape") else None


def _symbol_like(value: Any) -> Any:
    if not hasattr(value, "shape"):
        return value
    return keras.KerasTensor((None, *value.shape[1:]), keras.backend.standardize_dtype(value.dtype))


def _symbols(shape: Any) -> Any:
    return keras.tree.map_shape_structure(lambda one: keras.KerasTensor((None, *one[1:])), shape)


@contextmanager
def told(listener: Listener) -> Iterator[None]:
    """Have ``listener(operation, args, kwargs)`` answer for every operation called on symbolic tensors.

    Nothing that is called inside changes a variable, or what the model remembers of its calls.
    """
    owners = [cls for cls in (keras.Operation, keras.Layer) if "symbolic_call" in vars(cls)]
    originals = [vars(cls)["symbolic_call"] for cls in owners]
    remembered: dict[int, tuple[Any, int, int]] = {}

    def symbolic_call(operation: Any, *args: Any, **kwargs: Any) -> Any:
        calls = operation, len(operation._inbound_nodes), len(operation._outbound_nodes)
        remembered.setdefault(id(operation), calls)
        return listener(operation, args, kwargs)

    for cls in owners:
        cls.symbolic_call = symbolic_call
    try:
        with keras.StatelessScope():
            yield
    finally:
        for cls, original in zip(owners, originals, strict=True):
            cls.symbolic_call = original
        for operation, inbound, outbound in remembered.values():
            del operation._inbound_nodes[inbound:], operation._outbound_nodes[outbound:]
