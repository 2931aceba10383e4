"""A run: what a training program logs to, what it has watched, and how it ends."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from ..storage.frames import FrameType
from .convert import to_step
from .drain import Drain
from .environment import gather_slowly
from .identity import Identity
from .lifecycle import EXIT_TIMEOUT, Ending
from .log import Log
from .observed import Observed
from .plain import to_plain
from .spool import Spool, SpoolClosed, SpoolFull
from .warn import Warner

if TYPE_CHECKING:
    from ..storage.kinds.event import Level
    from ..storage.rules import Condition
    from .controls import Controls, Knob
    from .profile import Profile
    from .steps import Steps
    from .system_metrics import SystemMetrics
    from .watch import Hook, Watch

T = TypeVar("T")
_DESCRIBING_SECONDS = 1.0


class Run(Log):
    """One execution of a training program. Made by ``trainboard.init()``.

    Nothing here raises into training: what cannot be logged is reported by one warning per cause.
    ``config`` and ``summary`` are dicts with attribute access, and every change to them is stored, those
    of rank 0 in a job of several processes. ``rank`` is this process's number among ``world_size``.
    Use it as a context manager to have an exception mark the run as crashed.
    """

    def __init__(
        self,
        identity: Identity,
        config: Mapping[str, Any],
        *,
        store: str,
        spool: Spool | None = None,
        drain: Drain | None = None,
        warn: Warner | None = None,
        first_step: int = 0,
        last_request: int = 0,
        on_crash: Callable[[Ending, float], None] | None = None,
    ) -> None:
        super().__init__(spool, warn or Warner(), first_step, identity.rank)
        self.id = identity.id
        self.project = identity.project
        self.name = identity.name
        self.group = identity.group
        self.tags = identity.tags
        self.notes = identity.notes
        self.world_size = identity.place.world_size if identity.place else 1
        self.store = store
        self.config = Observed(config, lambda values: self.update("config", values))
        self.summary = Observed({}, lambda values: self.update("summary", values))
        self._drain = drain
        self._hooks: list[Hook] = []
        self.watches: list[Watch] = []
        self.profiled: Profile | None = None
        self._ended = False
        self._settled = False
        self._ending = threading.RLock()
        self._identity = identity
        self._on_crash = on_crash
        self._describing: threading.Thread | None = None
        self._system: SystemMetrics | None = None
        self._last_request = last_request
        self._controls: Controls | None = None

    def watch(self, model: Any, **options: Any) -> None:
        """Log what ``loggers.layers.WatchOptions`` say of a model, or a list of them, until ``unwatch()``."""

        def install() -> Hook:
            from .watch import watch

            return watch(self, model, **options)

        self._attempt("the model is not watched", install)

    def watch_now(self) -> None:
        """Look at every watched model at its next step, whatever ``every`` says. A button may call this."""
        for watch in tuple(self.watches):
            watch.look_now()

    def unwatch(self) -> None:
        """Remove every hook that ``watch()`` and ``log_graph()`` installed."""
        while self._hooks:
            self._hooks.pop().close()

    def log_graph(self, model: Any, inputs: Any = None, *, follow: bool = True) -> None:
        """Log the graph of a PyTorch or Keras model, a ``tf.function``, a TensorFlow graph or an ONNX file.

        ``loggers.graph.log_graph`` says what ``inputs`` are, and what is told of later changes.
        """

        def log() -> Hook | None:
            from .graph import log_graph

            return log_graph(self, model, inputs, follow=follow)

        self._attempt("the model's graph is not logged", log)

    def log_summary(self, summary: Any, step: int) -> None:
        """Log a TensorFlow ``Summary``: the proto, or its bytes, as ``sess.run(merged)`` gives them."""

        def log() -> None:
            from .tensorflow_events import summary_log

            summary_log(self).summary(summary, to_step(step))

        self._attempt("the summary is not logged", log)

    def _attempt(self, failure: str, action: Callable[[], Hook | None]) -> None:
        """Do something in a framework, and keep the hook that it leaves there."""
        if self._spool is None:
            return
        try:
            hook = action()
        except Exception as error:
            self._warn(failure, f"{failure}: {error}")
        else:
            self._hooks += [hook] if hook is not None else []

    def describe_environment(self) -> None:
        """Store what takes long to find out about the environment, on a thread that ``end`` waits for."""
        self._describing = threading.Thread(target=self._describe, name="trainboard-environment", daemon=True)
        self._describing.start()

    def _describe(self) -> None:
        assert self._spool is not None
        with contextlib.suppress(SpoolClosed, SpoolFull):
            self._spool.message(FrameType.UPDATE, {"environment": to_plain(gather_slowly())})

    def sample_system(self, every: float) -> None:
        """Log the machine's state each ``every`` seconds, at the step logged last."""
        from .system_metrics import SystemMetrics

        self._system = SystemMetrics(self.log_aside, every)

    def steps(self, loader: Iterable[T], *, device: Any = None, every: int = 10) -> Steps[T]:
        """Go through the batches of ``loader``, and log where the time of each step goes.

        ``for batch in run.steps(loader): …`` times waiting for data, forward, backward, optimizer,
        logging and the rest; with a PyTorch ``device`` it moves the batches there, and times that too.
        Every ``every`` steps their means are logged, in seconds, as ``steps/…``.
        """
        from .steps import Steps

        return Steps(self, loader, device, every)

    def profile(self, steps: tuple[int, int] | None = None) -> Profile:
        """Log what PyTorch's and TensorFlow's profilers see as ``profile/torch`` and ``profile/tensorflow``.

        ``with run.profile(): …`` profiles the block; after ``run.profile(steps=(first, last))`` these steps
        of ``run.steps`` are, counted from 1. Raises ValueError if ``steps`` are no such pair.
        """
        from .profile import Profile

        self.profiled = Profile(self, steps)
        self._hooks.append(self.profiled)
        return self.profiled

    def alert(self, title: str, text: str = "", level: Level = "info") -> None:
        """Tell people of something, as an event under the tag ``alerts``: "info", "warning" or "error"."""
        from ..storage.kinds.event import Event

        self._attempt(
            "the alert is not logged", lambda: self.log_aside({"alerts": Event(title, text, level)})
        )

    def rule(self, name: str, condition: Condition, tag: str = "", **options: Any) -> None:
        """Have the dashboard tell people when something is so of this run, as an event under ``rules``.

        ``storage.rules.Rule`` says which conditions there are, and their options. A rule of the same name
        on the dashboard's page goes first.
        """

        def declare() -> None:
            from ..storage.rules import Rule

            rule = Rule(name, condition, tag, **options)
            self.update("rules", {rule.name: rule.as_json()})

        self._attempt(f"the rule {name!r} is not set", declare)

    def knob(self, name: str, value: float, min: float | None = None, max: float | None = None) -> Knob:
        """A number that people may turn on the dashboard, from ``min`` to ``max``; read its ``value``.

        What they ask for is applied at the end of ``log``, so that nothing changes within a step; each
        change is logged as ``knobs/<name>`` and as an event. Called again it gives the same knob. Raises
        TypeError and ValueError for numbers that make no sense.
        """
        return self._declared_controls().knob(name, value, min, max)

    def button(self, name: str, callback: Callable[[], object]) -> None:
        """Call ``callback`` at the end of ``log`` once for each time people press it on the dashboard."""
        self._declared_controls().button(name, callback)

    def apply_controls(self) -> None:
        """Do what people asked for on the dashboard since the last time; ``log`` does so by itself."""
        if self._controls is not None:
            self._controls.apply()

    def _declared_controls(self) -> Controls:
        if self._controls is None:
            from .controls import Controls

            self._controls = Controls(self, self._last_request)
            self.at_steps.append(self._controls.apply)
            if self._drain is not None:
                self._drain.hear(self.id, self._controls)
        return self._controls

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all logged so far is in the store; False if it is not in ``timeout`` seconds."""
        return self._drain is None or self._drain.flush(timeout)

    def finish(self, exit_code: int = 0) -> None:
        """Store what is left and end the run: as finished, or as crashed if ``exit_code`` is not 0."""
        self.end(Ending.of_exit_code(exit_code))

    def end(self, ending: Ending, timeout: float = EXIT_TIMEOUT) -> None:
        """End the run, waiting at most about ``timeout`` seconds for the store.

        Called again after an interruption, as by a second signal, it goes on where it was.
        """
        with self._ending:  # another thread's init ends it, too
            self._end(ending, timeout)

    def _end(self, ending: Ending, timeout: float) -> None:
        if self._settled:
            return
        if not self._ended:
            self._ended = True
            self.unwatch()
            if self._system is not None:
                self._system.close()
            if self._describing is not None:
                self._describing.join(_DESCRIBING_SECONDS)
        if self._spool is not None and self._spool.close(ending._asdict()):
            self._settle(self._spool, timeout)
        self._settled = True
        if self._on_crash is not None and ending.status == "crashed":
            with contextlib.suppress(Exception):
                self._on_crash(ending, timeout)

    def _settle(self, spool: Spool, timeout: float) -> None:
        """Bring what a closed spool holds to the store, or say where it stays."""
        drained = self._drain is not None and self._drain.stop(timeout)
        spool.release()
        if self._drain is None:
            print(f"trainboard: offline run {self.name!r} is kept in {spool.directory}", file=sys.stderr)
        elif not drained:
            self._warn(
                "left",
                f"the store {self.store} has not taken everything; the rest is kept in {spool.directory}, "
                "and `trainboard sync`, `trainboard serve` or the next run that opens the store adds it",
            )

    @property
    def ended(self) -> bool:
        return self._ended

    @property
    def logs(self) -> bool:
        """Whether this process logs to the run: not where another rank does, nor in a copy."""
        return self._spool is not None

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(Ending.of_exit_code(0) if error is None else Ending.of_exception(error))

    def __reduce__(self) -> tuple[Callable[..., Run], tuple[Identity, dict[str, Any], str]]:
        return _copy, (self._identity, dict(self.config), self.store)

    def __repr__(self) -> str:
        return f"<Run {self.name!r} of project {self.project!r}, id {self.id}>"


def _copy(identity: Identity, config: dict[str, Any], store: str) -> Run:
    """What unpickling a run makes: it knows what it is called, and logs nothing."""
    run = Run(identity, config, store=store)
    run._is_copy = True
    return run
