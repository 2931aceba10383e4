"""What the layers of a watched Keras model put out in a training step, and the gradients of that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from .guard import Guard
from .keras_backend import current_trace, is_reachable, is_replicated, may_be_trained, with_gradient_told
from .keras_graph import is_scope
from .keras_layers import Layers


class Forward:
    """Outputs since the last ``forget``, in the order in which layers returned, and some of their gradients.

    They are kept, not looked at: a trace that keeps them for a look computes nothing more until then. What
    the model is given counts as the first layer's, whose own output may not tell: TensorFlow fuses a product
    with its ReLU, and makes 0 of NaN there. Of
    calls in a loop that TensorFlow traced, as an RNN makes, only what the loop returns can be kept.
    ``on_output`` is called with the output of each layer that a graph draws as one node, or inside which
    there is no other that could be seen: the first of several, behind which come states and the like;
    ``on_end`` after the outermost one.
    """

    def __init__(
        self, layers: Layers, on_output: Callable[[str, Any], None], on_end: Callable[[], None]
    ) -> None:
        self._layers = layers
        self._on_output = on_output
        self._on_end = on_end
        self._guard = Guard()
        self._entered: list[int] = []
        self._seen_inside: list[int] = []
        self._inputs: list[Any] = []
        self._active = False
        self._trace: Any = None
        self.forget()

    def forget(self) -> None:
        """Begin a new step."""
        self.outputs: list[tuple[str, Any]] = []
        self.roots: set[str] = set()
        self.gradients: list[tuple[str, Any]] = []

    def enter(self, layer: Any, inputs: Any) -> None:
        if not self._entered:
            self._layers.refresh()
            self._inputs = _real(inputs)
            self._active = may_be_trained() and not is_replicated()
            self._trace = current_trace()
        if id(layer) in self._layers.names:
            self._entered.append(id(layer))
            self._seen_inside.append(0)

    def leave(self, layer: Any, output: Any) -> Any:
        if not self._entered or self._entered[-1] != id(layer):
            return output
        self._entered.pop()
        inside = self._seen_inside.pop()
        if output is None or not self._active or current_trace() is not self._trace:
            return output
        with self._guard("looking at a layer's output"):
            return self._keep(layer, output, inside)
        return output

    def _keep(self, layer: Any, output: Any, inside: int) -> Any:
        name, outermost = self._layers.names[id(layer)], not self._entered
        kept = _real(output)
        if not kept:
            return output
        given, self._inputs = self._inputs, []
        self.outputs += [(name, tensor) for tensor in (*given, *kept)]
        if self._seen_inside:
            self._seen_inside[-1] += 1
        if not (inside and is_scope(layer)):
            self._on_output(name, kept[0])
        if outermost:
            self.roots.add(name)
            self._on_end()
        if outermost or _is_opaque(layer):
            return keras.tree.map_structure(lambda tensor: self._listened(name, tensor), output)
        return output

    def _listened(self, name: str, tensor: Any) -> Any:
        if not _is_real(tensor):
            return tensor
        listened = with_gradient_told(tensor, lambda gradient: self.gradients.append((name, gradient)))
        mask = getattr(tensor, "_keras_mask", None)
        if mask is not None:
            listened._keras_mask = mask
        return listened


def _real(values: Any) -> list[Any]:
    return [tensor for tensor in keras.tree.flatten(values) if _is_real(tensor) and is_reachable(tensor)]


def _is_real(tensor: Any) -> bool:
    return keras.ops.is_tensor(tensor) and keras.backend.is_float_dtype(
        keras.backend.standardize_dtype(tensor.dtype)
    )


def _is_opaque(layer: Any) -> bool:
    """Whether what a layer does is the program's own, and no parameter's gradient tells of it."""
    return not layer._trainable_variables and not type(layer).__module__.startswith("keras.")
