"""The seams in Keras: every gradient passes ``optimizer.apply``, and every value a layer's call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import keras

from .keras_backend import as_written, is_compiled, never_compiled


class Listener(Protocol):
    """What is told of every step of an optimizer and every call of a layer. None of it may raise.

    Where TensorFlow traces Keras, so is this; of calls inside what PyTorch compiles it is not told.
    """

    def before_apply(self, optimizer: Any, gradients: Sequence[Any], variables: Sequence[Any]) -> None: ...

    def after_apply(self, optimizer: Any, gradients: Sequence[Any], variables: Sequence[Any]) -> None: ...

    def enter(self, layer: Any, inputs: Any) -> None: ...

    def leave(self, layer: Any, output: Any) -> Any:
        """``output``, or what stands for it; None if the call failed."""
        ...


_listeners: list[Listener] = []
_original_call = keras.layers.Layer.__call__


def listen(listener: Listener) -> Callable[[], None]:
    """Tell ``listener`` of every optimizer and layer.

    Returns what stops it; with the last listener goes every change to Keras.
    """
    if not _listeners:
        _install()
    _listeners.append(listener)

    def stop() -> None:
        if listener in _listeners:
            _listeners.remove(listener)
            if not _listeners:
                _uninstall()

    return stop


def _install() -> None:
    original_apply = keras.optimizers.Optimizer.apply

    def apply(self: Any, grads: Any, trainable_variables: Any = None) -> Any:
        if trainable_variables is not None:
            trainable_variables = list(trainable_variables)
        grads = list(grads)
        variables = (
            getattr(self, "_trainable_variables", []) if trainable_variables is None else trainable_variables
        )
        listeners = tuple(_listeners)
        for listener in listeners:
            listener.before_apply(self, grads, variables)
        result = original_apply(self, grads, trainable_variables)
        for listener in listeners:
            listener.after_apply(self, grads, variables)
        return result

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if is_compiled():
            return _original_call(self, *args, **kwargs)
        listeners = tuple(_listeners)
        for listener in listeners:
            listener.enter(self, (args, kwargs))
        output = None
        try:
            output = _original_call(self, *args, **kwargs)
        finally:
            for listener in reversed(listeners):
                output = listener.leave(self, output)
        return output

    keras.optimizers.Optimizer.apply = never_compiled(as_written(apply))
    keras.layers.Layer.__call__ = as_written(call)


def _uninstall() -> None:
    del keras.optimizers.Optimizer.apply
    keras.layers.Layer.__call__ = _original_call
