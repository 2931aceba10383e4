"""Histograms of a Keras model's weights and gradients, taken as its optimizer steps.

Where ``optimizer.apply`` runs eagerly (loops of one's own, ``run_eagerly=True``, the PyTorch backend)
they are taken right after it. In ``fit`` on TensorFlow it is traced once into a graph that can call
nothing of ours: there the callback says before a step that it is due, and takes them after it.
"""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from ..storage.kinds.histogram import Histogram
from .guard import Guard
from .interval import Schedule, checked_interval
from .keras_apply import listen
from .warn import warn

if TYPE_CHECKING:
    from .run import Run
    from .tensorflow_gradients import GradientCopies

_COUNTED_AS_THEY_ARE = (np.float16, np.float32, np.float64)
_watches: weakref.WeakKeyDictionary[keras.Model, KerasWatch] = weakref.WeakKeyDictionary()


def watch(
    run: Run, model: keras.Model, *, every: int = 100, weights: bool = True, gradients: bool = True
) -> KerasWatch:
    """Log ``weights/<variable>`` and ``gradients/<variable>`` to ``run`` as histograms.

    They are taken after the first step of an optimizer that moves the model and
    after every ``every``-th from there; their step is the optimizer's count of iterations. Gradients are
    as given to ``optimizer.apply``: before Keras clips them, after it has unscaled a scaled loss.
    Variables are trainable ones, named by their path in the model.

    ``fit`` needs ``trainboard.KerasCallback`` as well, which drives this; so does any traced step. In a
    ``tf.function`` of one's own, and under a distribution strategy, gradients cannot be seen.
    Raises ValueError if ``every`` is not a positive whole number, and on the JAX backend.
    """
    return KerasWatch(run, model, every=every, weights=weights, gradients=gradients)


def watch_of(model: keras.Model) -> KerasWatch | None:
    """The watch that is on ``model`` now."""
    return _watches.get(model)


@dataclass
class _Progress:
    """How far an optimizer whose steps are seen one by one has come."""

    step: int
    schedule: Schedule


class KerasWatch:
    """One watched model, held weakly.

    Traced steps are seen by whoever runs them: it sets ``driven``, and calls ``before_steps`` and
    ``after_steps`` around each of them.
    """

    def __init__(
        self, run: Run, model: keras.Model, *, every: int = 100, weights: bool = True, gradients: bool = True
    ) -> None:
        if keras.backend.backend() == "jax":
            raise ValueError("a model on Keras's JAX backend cannot be watched")
        self.driven = False
        self._run = run
        self._model = weakref.ref(model)
        self._every = checked_interval(every)
        self._weights = weights
        self._gradients = gradients
        self._guard = Guard()
        self._progress: weakref.WeakKeyDictionary[Any, _Progress | None] = weakref.WeakKeyDictionary()
        self._schedule = Schedule(every)
        self._due = False
        self._traced = False
        self._copies = _gradient_copies()
        self._stop_listening = listen(self._after_apply)
        _watches[model] = self
        _trace_again(model)

    def close(self) -> None:
        self._stop_listening()
        model = self._model()
        if model is not None and _watches.get(model) is self:
            del _watches[model]
            if self._traced:
                _trace_again(model)

    def before_steps(self, step: int, count: int = 1) -> None:
        """Prepare for ``count`` traced steps, of which ``step`` is the first."""
        self._due = self._schedule.due(step, count)
        if self._due and self._copies is not None:
            self._copies.want(True)

    def after_steps(self, step: int) -> None:
        """Log what the traced steps up to ``step`` left, if one of them was due."""
        if not self._due or not self._traced or self._copies is None:
            return
        self._copies.want(False)
        self._record(step, self._copies.read())

    def _after_apply(self, optimizer: Any, gradients: Sequence[Any], variables: Sequence[Any]) -> None:
        with self._guard("watching weights and gradients"):
            given = {
                id(variable): gradient
                for variable, gradient in zip(variables, gradients, strict=True)
                if gradient is not None
            }
            if _is_tracing():
                self._trace(given)
            else:
                self._after_step(optimizer, given)

    def _trace(self, given: Mapping[int, Any]) -> None:
        ours = {id(variable): name for name, variable in self._variables()}
        if ours.keys().isdisjoint(given):
            return
        if not self.driven:
            warn("fit and traced steps are watched through trainboard.KerasCallback: pass it to fit")
        self._traced = True
        if self._gradients and self._copies is not None:
            self._copies.trace({key: gradient for key, gradient in given.items() if key in ours})

    def _after_step(self, optimizer: Any, given: Mapping[int, Any]) -> None:
        if optimizer not in self._progress:
            self._progress[optimizer] = self._first_seen(optimizer, given)
        progress = self._progress[optimizer]
        if progress is None:
            return
        progress.step += 1
        if progress.schedule.due(progress.step):
            self._record(progress.step, given)

    def _first_seen(self, optimizer: Any, given: Mapping[int, Any]) -> _Progress | None:
        """Where ``optimizer`` stood before this step, or None if it does not move this model."""
        if all(id(variable) not in given for _, variable in self._variables()):
            return None
        return _Progress(int(to_numpy(optimizer.iterations)) - 1, Schedule(self._every))

    def _record(self, step: int, gradients: Mapping[int, Any]) -> None:
        histograms: dict[str, Histogram] = {}
        for name, variable in self._variables():
            for tag, values in (
                (f"weights/{name}", variable if self._weights else None),
                (f"gradients/{name}", gradients.get(id(variable)) if self._gradients else None),
            ):
                if values is not None:
                    with self._guard(f"making the histogram {tag}"):
                        histograms[tag] = Histogram.from_values(_values(values))
        self._run.log(histograms, step, commit=False)

    def _variables(self) -> Iterator[tuple[str, Any]]:
        """The model's trainable variables under unique names, without the model's own name."""
        model = self._model()
        if model is None:
            self.close()
            return
        names: Counter[str] = Counter()
        for variable in model.trainable_variables:
            name = variable.path.removeprefix(f"{model.name}/")
            names[name] += 1
            yield (name if names[name] == 1 else f"{name}#{names[name]}"), variable


def _gradient_copies() -> GradientCopies | None:
    if keras.backend.backend() != "tensorflow":
        return None
    from .tensorflow_gradients import GradientCopies

    return GradientCopies()


def _is_tracing() -> bool:
    if keras.backend.backend() != "tensorflow":
        return False
    from .tensorflow_tracing import is_tracing

    return is_tracing()


def _trace_again(model: keras.Model) -> None:
    """Have ``fit`` trace its step afresh, so that it has what is installed now and nothing else."""
    if getattr(model, "train_function", None) is not None:
        model.make_train_function(force=True)


def to_numpy(tensor: Any) -> np.ndarray:
    """What a tensor or variable of any Keras backend holds."""
    values: Any = keras.ops.convert_to_numpy(tensor)
    return values


def _values(tensor: Any) -> np.ndarray:
    values = to_numpy(tensor)
    return values if values.dtype in _COUNTED_AS_THEY_ARE else values.astype(np.float32)
