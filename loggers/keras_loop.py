"""Traced steps of a loop of one's own: ``run.log`` is where that loop tells that a step is over."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol

import keras

from .guard import Guard
from .keras_backend import outside_traces, to_numpy

if TYPE_CHECKING:
    from .run import Run


class Driven(Protocol):
    """A watch that wants to be told before and after traced steps."""

    def before_steps(self, step: int, count: int = 1) -> None: ...

    def after_steps(self, step: int) -> None: ...


class OwnLoop:
    """Drives a watch through steps that the program traced by itself, at each ``run.log`` that ends a step.

    Made while the first of these steps is traced. Steps that the program does not log are taken together
    with the next that it does.
    """

    def __init__(self, run: Run, watch: Driven, optimizer: Any) -> None:
        self._run = run
        self._watch = watch
        self._optimizer = optimizer
        self._guard = Guard()
        with outside_traces():
            self._steps = self._iterations()
            watch.before_steps(self._steps + 1)
        run.at_steps.append(self._between_steps)

    def close(self) -> None:
        if self._between_steps in self._run.at_steps:
            self._run.at_steps.remove(self._between_steps)

    def _between_steps(self) -> None:
        with self._guard("watching the model"):
            steps = self._iterations()
            made, self._steps = steps - self._steps, steps
            if made > 0:
                self._watch.after_steps(steps)
                self._watch.before_steps(steps + 1, made)

    def _iterations(self) -> int:
        return int(to_numpy(self._optimizer.iterations))


def is_in_fit() -> bool:
    """Whether Keras's own ``fit`` runs the calling code."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "fit" and isinstance(frame.f_locals.get("self"), keras.Model):
            return True
        frame = frame.f_back
    return False
