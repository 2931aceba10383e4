"""What the time of steps is spent on in ``model.fit``, as far as Keras shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras

from .keras_traces import Traces
from .step_clock import Phase
from .step_times import StepTimes

if TYPE_CHECKING:
    from .run import Run


class KerasSteps:
    """Times each call of the train function of a model that ``fit`` is about to use.

    On TensorFlow a train function fetches its batch inside what was traced, but it takes batches from any
    iterator: one is fetched before it here, and timed. Where that cannot be done (several steps in one
    execution, a distribution strategy) waiting for data and computing are one time, ``steps/other``.
    """

    def __init__(self, run: Run, model: Any) -> None:
        self._model = model
        self._step = 0
        self._batch: Any = None
        self._times = StepTimes(run, lambda values: run.log(values, self._step, commit=False))
        self.clock = self._times.clock
        self._original: Callable[[Any], Any] = model.train_function
        self._traced = keras.backend.backend() == "tensorflow"
        self._one_by_one = not self._traced or _fetches_one_by_one(model)
        self._between: Phase = "other" if self._traced else "data"
        model.train_function = self._timed

    def close(self) -> None:
        if self._model.train_function == self._timed:
            self._model.train_function = self._original

    def begin_epoch(self) -> None:
        """What came before is no part of a step."""
        self.clock.begin(self._between)

    def begin_step(self, step: int) -> None:
        self._step = step
        self.clock.enter("other")

    def end_step(self) -> None:
        """The callback has done its work for a step."""
        sets_up = isinstance(self._original, Traces) and self._original.sets_up
        self._times.end_step(self._batch, self._between, sets_up=sets_up)

    def _timed(self, batches: Any) -> Any:
        self._batch = None
        if self._one_by_one:
            self._batch = batches
            if self._traced:
                with self.clock.during("data"):
                    self._batch = next(batches)
                batches = iter([self._batch])
        with self.clock.during("compute" if self._one_by_one else "other"):
            return self._original(batches)


def _fetches_one_by_one(model: Any) -> bool:
    return model.steps_per_execution == 1 and model.distribute_strategy.num_replicas_in_sync == 1
