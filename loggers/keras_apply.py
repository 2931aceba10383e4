"""The seam in Keras: every gradient, in ``fit`` or a loop of one's own, passes ``optimizer.apply``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras

Listener = Callable[[keras.optimizers.Optimizer, Sequence[Any], Sequence[Any]], None]

_listeners: list[Listener] = []


def listen(listener: Listener) -> Callable[[], None]:
    """Call ``listener(optimizer, gradients, variables)`` after each ``apply`` of any optimizer.

    Where ``apply`` is traced, so is the listener. It must not raise. Returns what stops it; with the
    last listener goes every change to Keras.
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
    original = keras.optimizers.Optimizer.apply

    def apply(self: Any, grads: Any, trainable_variables: Any = None) -> Any:
        if trainable_variables is not None:
            trainable_variables = list(trainable_variables)
        result = original(self, grads, trainable_variables)
        variables = self._trainable_variables if trainable_variables is None else trainable_variables
        for listener in tuple(_listeners):
            listener(self, grads, variables)
        return result

    keras.optimizers.Optimizer.apply = _untransformed(apply)


def _uninstall() -> None:
    del keras.optimizers.Optimizer.apply


def _untransformed(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` as written, even in a ``tf.function`` that rewrites the Python that it calls."""
    if keras.backend.backend() != "tensorflow":
        return function
    from .tensorflow_tracing import as_written

    return as_written(function)
