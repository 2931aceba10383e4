"""The callback that logs what ``model.fit`` tells."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Literal

import keras

from . import session
from .guard import Guard, StopTraining
from .interval import checked_interval
from .keras_backend import to_numpy
from .keras_means import RecentMeans
from .keras_steps import KerasSteps
from .keras_watch import KerasWatch, watch_of
from .layers import WatchOptions
from .run import Run
from .warn import warn

_logging: weakref.WeakKeyDictionary[Any, list[KerasCallback]] = weakref.WeakKeyDictionary()
_batches: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()


class KerasCallback(keras.callbacks.Callback):
    """Log a Keras model's training to a run: ``model.fit(…, callbacks=[KerasCallback()])``.

    Metrics are logged as ``train/<metric>``, after each epoch or, with ``every="batch"`` or a number,
    after each batch or every so many, as the mean over just these batches (Keras's own batch metrics are
    averages since the epoch began); ``val/<metric>`` and ``epoch``, counted from 1, after each epoch;
    ``train/learning_rate`` with every ``train/…``. Their step is the optimizer's count of iterations. The
    optimizer's settings go to the run's config under names that are not taken.

    ``run`` defaults to the current one; if there is none, each ``fit`` is a run of its own. ``watch``
    watches the model as ``Run.watch`` does, with the options given (``watch={"every": 10}``), unless it is
    watched already; ``log_graph`` logs the graph, and ``time_steps`` where the time of steps goes, as
    ``Run.steps`` does. Nothing here stops ``fit``, unless ``on_nonfinite`` or a button raises
    ``StopTraining``: what goes wrong is reported by one warning; so is a callback that ``fit`` was given
    twice, which logs once.
    Raises ValueError if ``every`` is none of the above, and for options that make no sense.

    Subclasses add to ``_begin``, ``_begin_epoch``, ``_begin_batch`` and so on, which are called once for
    each event.
    """

    def __init__(
        self,
        run: Run | None = None,
        every: Literal["epoch", "batch"] | int = "epoch",
        *,
        watch: bool | Mapping[str, Any] = True,
        log_graph: bool = True,
        time_steps: bool = True,
    ) -> None:
        super().__init__()
        # Where Keras can, batches end on threads of its own while the next begins: not while a watch reads
        # what a step left in the model.
        self.async_safe = not (watch or time_steps)
        self._given = run
        self._every = None if every == "epoch" else 1 if every == "batch" else checked_interval(every)
        self._watch_options = WatchOptions(**(watch if isinstance(watch, Mapping) else {})) if watch else None
        self._logs_graph = log_graph
        self._times_steps = time_steps
        self._steps: KerasSteps | None = None
        self._guard = Guard()
        self._means = RecentMeans()
        self._run: Run | None = None
        self._watch: KerasWatch | None = None
        self._owns_run = self._owns_watch = self._undescribed = False
        self._before_epoch = 0
        self._epoch = 0
        self._last_event: tuple[str, int] | None = None

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        self._last_event = None
        # A ``fit`` that raised has not told its callbacks that it ended.
        for callback in _logging.pop(model, []):
            callback._end()
        if self._run is not None:
            self._end()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        name = type(self).__name__
        if not self._is_new("train begins"):
            warn(f"fit was given the same {name} twice: it logs once")
            return
        with self._guard("starting to log to trainboard"):
            others = _logging.setdefault(self.model, [])
            if any(type(other) is type(self) for other in others):
                warn(f"fit was given a second {name}: it logs nothing")
                self._last_event = None
                return
            others.append(self)
        self._begin()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._is_new("epoch begins", epoch):
            self._begin_epoch(epoch)

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self._is_new("batch begins", batch):
            self._begin_batch(batch)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self._is_new("batch ends", batch):
            self._end_batch(batch, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._is_new("epoch ends", epoch):
            self._end_epoch(epoch, logs or {})

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self._is_new("train ends"):
            _logging.pop(self.model, None)
            self._end()

    def _is_new(self, event: str, number: int = 0) -> bool:
        """Whether Keras tells of an event for the first time, and this callback is one that logs."""
        if self._last_event is None and event != "train begins":
            return False
        told, self._last_event = self._last_event, (event, number)
        return told != self._last_event

    def _begin(self) -> None:
        with self._guard("starting to log to trainboard"):
            self._run = self._given or session.current_run()
            self._owns_run = self._run is None
            if self._run is None:
                self._run = self._start_run()
            self._describe(self._run, self.model)
            self._undescribed = True
            if self.model.built:
                self._describe_built(self._run, self.model)
            if self._watch_options is not None:
                self._start_watching(self._run, self.model, self._watch_options)
            if self._times_steps and getattr(self.model, "train_function", None) is not None:
                self._steps = KerasSteps(self._run, self.model)

    def _begin_epoch(self, epoch: int) -> None:
        with self._guard("reading the optimizer's iterations"):
            self._epoch = epoch + 1
            self._before_epoch = self._iterations()
            self._means.begin_epoch()
            if self._steps is not None:
                self._steps.begin_epoch()

    def _begin_batch(self, batch: int) -> None:
        step = self._before_epoch + batch + 1
        if self._steps is not None:
            self._steps.begin_step(step)
        with self._as_logging(), self._guard("watching the model"):
            if self._watch is not None:
                self._watch.before_steps(step, self._stride())

    def _end_batch(self, batch: int, logs: dict[str, Any] | None) -> None:
        with self._as_logging():
            self._log_batch(batch, logs)
        if self._steps is not None:
            self._steps.end_step()

    def _as_logging(self) -> AbstractContextManager[None]:
        return self._steps.clock.during("logging") if self._steps is not None else nullcontext()

    def _log_batch(self, batch: int, logs: dict[str, Any] | None) -> None:
        stride = self._stride()
        step = self._before_epoch + batch + 1
        before = step - stride
        _batches[self.model] = step
        if stride > 1:  # of the last steps of an epoch Keras may have made fewer than it says
            step = self._iterations()
        if self._run is not None and self._undescribed:  # the first batch has built the model
            with self._guard("describing the model"):
                self._describe_built(self._run, self.model)
        if self._watch is not None:
            self._look_after_steps(self._watch, step)
        if self._every is not None and step // self._every > before // self._every:
            with self._guard("logging a batch"):
                self._log_training(step, self._means.of(self.model, logs or {}))
        if self._run is not None:
            with self._stops_fit():
                self._run.apply_controls()

    def _end_epoch(self, epoch: int, logs: dict[str, Any]) -> None:
        with self._guard("logging an epoch"):
            step = self._iterations()
            if self._every is None:
                self._log_training(step, {name: v for name, v in logs.items() if not _is_validation(name)})
            values = {f"val/{name[4:]}": v for name, v in logs.items() if _is_validation(name)}
            self._log({**values, "epoch": self._epoch}, step)

    def _end(self) -> None:
        with self._guard("ending the log"):
            if self._watch is not None:
                self._watch.end_steps()
                if self._owns_watch:
                    self._watch.close()
            self._watch = None
            if self._steps is not None:
                self._steps.close()
            self._steps = None
            if self._run is not None and self._owns_run:
                self._run.finish()
            self._run = None

    def _start_run(self) -> Run:
        return session.init()

    def _start_watching(self, run: Run, model: Any, options: WatchOptions) -> None:
        watch = watch_of(model)
        self._owns_watch = watch is None
        self._watch = watch or KerasWatch(run, model, options)
        self._watch.drive()

    def _look_after_steps(self, watch: KerasWatch, step: int) -> None:
        with self._stops_fit(), self._guard("watching the model"):
            watch.after_steps(step)

    @contextmanager
    def _stops_fit(self) -> Iterator[None]:
        try:
            yield
        except StopTraining:
            model: Any = self.model
            model.stop_training = True

    def _describe(self, run: Run, model: Any) -> None:
        settings = {
            "framework": "keras",
            "backend": keras.backend.backend(),
            "epochs": (self.params or {}).get("epochs"),
            "steps_per_epoch": (self.params or {}).get("steps"),
            "optimizer": type(model.optimizer).__name__,
            "learning_rate": self._learning_rate(),
        }
        run.config.update(
            {name: v for name, v in settings.items() if name not in run.config and v is not None}
        )

    def _describe_built(self, run: Run, model: Any) -> None:
        self._undescribed = False
        if model.built and "parameters" not in run.config:
            run.config.update({"parameters": model.count_params()})
        if self._logs_graph:
            run.log_graph(model)

    def _log_training(self, step: int, metrics: dict[str, Any]) -> None:
        values = {f"train/{name}": value for name, value in metrics.items()}
        self._log({**values, "train/learning_rate": self._learning_rate()}, step)

    def _log(self, values: dict[str, Any], step: int) -> None:
        if self._run is not None:
            self._run.log(values, step, commit=False)

    def _iterations(self) -> int:
        """Steps of the optimizer. A ``train_step`` may use others, as a GAN's does: batches then."""
        return int(to_numpy(self._optimizer().iterations)) or _batches.get(self.model, 0)

    def _learning_rate(self) -> float:
        return float(to_numpy(self._optimizer().learning_rate))

    def _optimizer(self) -> Any:
        model: Any = self.model
        return model.optimizer

    def _stride(self) -> int:
        """How many steps Keras makes between two calls of the callback."""
        return getattr(self.model, "steps_per_execution", 1)


def _is_validation(name: str) -> bool:
    return name.startswith("val_")
