"""The step that ``fit`` runs, traced twice: as most steps are, and as those that are measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

_MEASURED_FIRST = 8
"""Steps before a trace of usual ones is worth its making: short trainings are traced once."""


class Traces:
    """A model's ``train_function``, which calls one of two that Keras makes alike.

    Whoever listens while one is traced adds the measuring only if ``measured`` is true: a trace of usual
    steps need not hold what measuring would read. ``due`` says of the next call whether it is measured,
    ``sets_up`` of the last one whether it was the first of its trace, which Keras made in it.
    """

    def __init__(self, model: Any) -> None:
        self.due = self.sets_up = False
        self._calls = 0
        self._called: set[Callable[[Any], Any]] = set()
        self._measuring = _made(model)
        self._usual = _made(model)
        model.train_function = self

    @property
    def measured(self) -> bool:
        """Whether the call that runs now is one of the trace that measures."""
        return self.due or self._calls <= _MEASURED_FIRST

    def __call__(self, batches: Any) -> Any:
        self._calls += 1
        function = self._measuring if self.measured else self._usual
        self.sets_up = function not in self._called
        self._called.add(function)
        return function(batches)


def traces_of(model: Any) -> Traces | None:
    """The two traces of a model that ``fit`` is about to train; None where nothing will be traced."""
    function = getattr(model, "train_function", None)
    if isinstance(function, Traces):
        return function
    traced = function is not None and keras.backend.backend() == "tensorflow" and not model.run_eagerly
    return Traces(model) if traced else None


def trace_again(model: Any) -> None:
    """Have ``fit`` trace its step afresh, so that it has what is installed now and nothing else."""
    if getattr(model, "train_function", None) is not None:
        model.make_train_function(force=True)


def _made(model: Any) -> Callable[[Any], Any]:
    model.make_train_function(force=True)
    return model.train_function
