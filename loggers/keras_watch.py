"""Statistics and histograms of a Keras model, taken as its optimizer steps.

Where ``optimizer.apply`` runs eagerly (loops of one's own, ``run_eagerly=True``, the PyTorch backend)
they are taken right after it. In ``fit`` on TensorFlow it is traced once into a graph that can call
nothing of ours: there the callback, and in a traced loop of one's own ``run.log``, says before a step that
it is due, and takes them after it.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from .flight_recorder import FlightRecorder
from .guard import Guard
from .keras_activations import Activations
from .keras_apply import listen
from .keras_backend import is_replicated, is_tracing, to_numpy
from .keras_flight import KerasFlight
from .keras_forward import Forward
from .keras_layers import Layers
from .keras_loop import OwnLoop, is_in_fit
from .keras_measure import measures_of, norms_of, weights_of
from .keras_traces import Traces, trace_again, traces_of
from .layers import Due, Source, WatchOptions, log_layers, update_ratios
from .warn import warn

if TYPE_CHECKING:
    from .run import Run
    from .tensorflow_gradients import GradientCopies

_watches: weakref.WeakKeyDictionary[keras.Model, KerasWatch] = weakref.WeakKeyDictionary()


def watch(run: Run, model: keras.Model | Sequence[keras.Model], **options: Any) -> KerasWatch | Watches:
    """Log statistics and histograms of a model, or of several, to ``run``; see ``WatchOptions``.

    They are taken after the first step of an optimizer that moves the model and after every ``every``-th
    from there; their step is the optimizer's count of iterations. Gradients are as given to
    ``optimizer.apply``: before Keras clips them, after it has unscaled a scaled loss. Variables are
    trainable ones, named by their path in the model. Activations are the outputs of layers that hold no
    other, in the last forward pass. Updates are what the step added, or where Keras makes several at once
    (``steps_per_execution``), all of these. The names of several models' parts begin with their positions.

    ``fit`` needs ``trainboard.KerasCallback`` as well, which drives this. A step in a ``tf.function`` of
    one's own is seen if the function is first called after ``watch``, and if the loop tells by ``run.log``
    that a step is over. Under a distribution strategy only eager steps are seen.
    Raises ValueError for an interval that is none, and on the JAX backend.
    """
    made = WatchOptions(**options)
    if not isinstance(model, Sequence):
        return KerasWatch(run, model, made)
    flight = KerasFlight(FlightRecorder(run, made.on_nonfinite))
    return Watches([KerasWatch(run, one, made, flight, f"{at}/") for at, one in enumerate(model)])


def watch_of(model: keras.Model) -> KerasWatch | None:
    """The watch that is on ``model`` now."""
    return _watches.get(model)


@dataclass
class _Progress:
    """How far an optimizer has come since its ``first`` step, and what its due step began with."""

    first: int
    steps: int = 0
    prepared: bool = False
    weights: dict[str, np.ndarray] = field(default_factory=dict)


class Watches:
    """Those of several models. They share a flight recorder, so that a fault that spreads is told once."""

    def __init__(self, watches: Sequence[KerasWatch]) -> None:
        self._watches = watches

    def close(self) -> None:
        for one in self._watches:
            one.close()


class KerasWatch:
    """One watched model, held weakly. The names of its parts begin with ``prefix``.

    Traced steps are seen by whoever runs them: it calls ``drive``, and ``before_steps`` and ``after_steps``
    around each of them.
    """

    def __init__(
        self,
        run: Run,
        model: keras.Model,
        options: WatchOptions,
        flight: KerasFlight | None = None,
        prefix: str = "",
    ) -> None:
        if keras.backend.backend() == "jax":
            raise ValueError("a model on Keras's JAX backend cannot be watched")
        self._driven = False
        self._run = run
        self._options = options
        self._due = Due(options)
        self._layers = Layers(model, prefix)
        self._guard = Guard()
        self._progress: weakref.WeakKeyDictionary[Any, _Progress | None] = weakref.WeakKeyDictionary()
        self._traced_progress: _Progress | None = None
        self._traced = False
        self._traces: Traces | None = None
        self._copies = _gradient_copies()
        self._activations = Activations(bool(options.histograms_every))
        self._forward = Forward(self._layers, self._on_output, self._on_end)
        self._own_loop: OwnLoop | None = None
        self._flight: KerasFlight | None = None
        if options.flight_recorder:
            self._flight = flight or KerasFlight(FlightRecorder(run, options.on_nonfinite))
            self._flight.add(self._layers)
        self._activations.want(options.activations)
        self._stop_listening = listen(self)
        _watches[model] = self
        run.watches.append(self)
        trace_again(model)

    def drive(self) -> None:
        """The callback of a ``fit`` that is about to begin tells of its steps from here on."""
        self._driven = True
        if self._options.activations or self._options.gradients:
            self._traces = traces_of(self._layers.model)

    def look_now(self) -> None:
        """Look at the next step, whatever it is."""
        with self._guard("looking at a step that was asked for"):
            self._due.ask()
            if not self._traced:
                self._activations.want(self._options.activations)

    def close(self) -> None:
        if self in self._run.watches:
            self._run.watches.remove(self)
        self._stop_listening()
        self.end_steps()
        if self._own_loop is not None:
            self._own_loop.close()
        self._forward.forget()
        model = self._layers.model
        if model is not None and _watches.get(model) is self:
            del _watches[model]
            if self._traced or self._traces is not None:
                trace_again(model)

    def before_steps(self, step: int, count: int = 1) -> None:
        """Prepare for ``count`` traced steps, of which ``step`` is the first."""
        if self._traced_progress is None:
            self._traced_progress = _Progress(step)
        progress = self._traced_progress
        progress.steps = step - progress.first
        due = [one for one in range(progress.steps, progress.steps + count) if self._due(one)]
        progress.prepared = bool(due)
        if self._traces is not None:
            self._traces.due = progress.prepared
        if due:
            progress.steps = due[-1]
            self._activations.want(self._options.activations)
            if self._options.updates:
                progress.weights = weights_of(self._layers)
            if self._copies is not None:
                self._copies.want(True)

    def after_steps(self, step: int) -> None:
        """Log what the traced steps up to ``step`` left, if one of them was due. ``StopTraining`` passes."""
        progress = self._traced_progress
        if self._traced and progress is not None and progress.prepared:
            gradients: Mapping[int, Any] = {}
            if self._copies is not None:
                self._copies.want(False)
                gradients = self._copies.read()
            self._record(step, progress, gradients)
            self._activations.want(False)
        if self._flight is not None:
            self._flight.poll()

    def end_steps(self) -> None:
        """``fit`` ends, and with it, perhaps, training."""
        if self._flight is not None:
            with self._guard("the flight recorder"):
                self._flight.end()

    def enter(self, layer: Any, inputs: Any) -> None:
        with self._guard("following the model's layers"):
            self._forward.enter(layer, inputs)

    def leave(self, layer: Any, output: Any) -> Any:
        return self._forward.leave(layer, output)

    def before_apply(self, optimizer: Any, gradients: Sequence[Any], variables: Sequence[Any]) -> None:
        with self._guard("watching a step"):
            given = self._ours(gradients, variables)
            if self._flight is not None and given and not (is_tracing() and is_replicated()):
                with self._guard("the flight recorder"):
                    self._flight.look(optimizer, self._forward, given)
            if is_tracing():
                return
            if self._flight is not None and not self._driven:
                self._flight.poll()
            if optimizer not in self._progress:
                first = int(to_numpy(optimizer.iterations)) + 1
                self._progress[optimizer] = _Progress(first) if given else None
            progress = self._progress[optimizer]
            if progress is not None and self._options.updates and self._due(progress.steps):
                progress.weights = weights_of(self._layers)

    def after_apply(self, optimizer: Any, gradients: Sequence[Any], variables: Sequence[Any]) -> None:
        with self._guard("watching a step"):
            given = self._ours(gradients, variables)
            if not given or (is_tracing() and is_replicated()):
                return
            self._forward.forget()
            if is_tracing():
                self._trace(optimizer, given)
            else:
                self._after_step(optimizer, given)

    def _on_output(self, name: str, tensor: Any) -> None:
        if self._options.activations and self._measures():
            self._activations.add(name, tensor)

    def _on_end(self) -> None:
        self._activations.trace()
        if self._flight is not None:
            self._flight.count_batch()

    def _trace(self, optimizer: Any, given: Mapping[int, Any]) -> None:
        if not self._driven and is_in_fit():
            warn("fit is watched through trainboard.KerasCallback: pass it to fit")
        elif not self._driven and self._own_loop is None:
            self._own_loop = OwnLoop(self._run, self, optimizer)
        self._traced = True
        if self._options.gradients and self._copies is not None and self._measures():
            self._copies.trace(given)

    def _measures(self) -> bool:
        """Whether the step that runs, or is traced, is one that may be measured."""
        return self._traces is None or not is_tracing() or self._traces.measured

    def _after_step(self, optimizer: Any, given: Mapping[int, Any]) -> None:
        progress = self._progress[optimizer]
        if progress is not None:
            if self._due(progress.steps):
                self._record(progress.first + progress.steps, progress, given)
            progress.steps += 1
            all_progress = [one for one in self._progress.values() if one is not None]
            due = any(self._due(one.steps) for one in all_progress)
            self._activations.want(due and self._options.activations)

    def _record(self, step: int, progress: _Progress, gradients: Mapping[int, Any]) -> None:
        options = self._options
        statistics, histograms = self._due.statistics(progress.steps), self._due.histograms(progress.steps)
        self._due.taken()
        before, progress.weights = progress.weights, {}
        weights = weights_of(self._layers)
        arrays: dict[Source, Mapping[str, Any]] = {"weights": weights} if options.weights else {}
        if options.gradients:
            named = self._layers.variables()
            arrays["gradients"] = {name: gradients[id(v)] for name, v in named if id(v) in gradients}
        if options.updates:
            arrays["updates"] = {n: w - before[n] for n, w in weights.items() if n in before}
        for source, values in arrays.items():
            measures = measures_of(values, histograms, self._guard)
            ratios = update_ratios(measures, norms_of(before)) if source == "updates" else None
            log_layers(self._run, step, source, measures, statistics=statistics, ratios=ratios)
        activations = self._activations.read(histograms)
        log_layers(self._run, step, "activations", activations, statistics=statistics)

    def _ours(self, gradients: Sequence[Any], variables: Sequence[Any]) -> dict[int, Any]:
        """The gradients that there are of this model's variables, by these variables' ids."""
        ours = {id(variable) for _, variable in self._layers.variables()}
        if self._layers.model is None:
            self.close()
        given = zip(variables, gradients, strict=True)
        return {id(variable): g for variable, g in given if g is not None and id(variable) in ours}


def _gradient_copies() -> GradientCopies | None:
    if keras.backend.backend() != "tensorflow":
        return None
    from .tensorflow_gradients import GradientCopies

    return GradientCopies()
