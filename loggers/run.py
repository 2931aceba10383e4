"""A run: what a training program logs to."""

from __future__ import annotations

import contextlib
import struct
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from time import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from ..storage.frames import MAX_BATCH, MAX_PAYLOAD, FrameType
from .convert import Refused, to_contents, to_mapping, to_plain, to_step, to_wall_time
from .drain import Drain
from .environment import gather_slowly
from .lifecycle import EXIT_TIMEOUT, Ending
from .observed import Observed
from .spool import Spool, SpoolClosed, SpoolFull
from .warn import Warner

if TYPE_CHECKING:
    from .steps import Steps
    from .system_metrics import SystemMetrics
    from .watch import Hook

T = TypeVar("T")
_DESCRIBING_SECONDS = 1.0


@dataclass(frozen=True)
class Identity:
    """What a run is called, and when it began (seconds since the epoch)."""

    id: str
    project: str
    name: str
    group: str | None = None
    tags: tuple[str, ...] = ()
    notes: str = ""
    created_at: float = field(default_factory=time)


class Run:
    """One execution of a training program. Made by ``trainboard.init()``.

    Nothing here raises into training: what cannot be logged is reported by one warning per cause.
    ``config`` and ``summary`` are dicts with attribute access, and every change to them is stored.
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
    ) -> None:
        self.id = identity.id
        self.project = identity.project
        self.name = identity.name
        self.group = identity.group
        self.tags = identity.tags
        self.notes = identity.notes
        self.store = store
        self.config = Observed(config, lambda values: self._update("config", values))
        self.summary = Observed({}, lambda values: self._update("summary", values))
        self._step = first_step
        self._spool = spool
        self._drain = drain
        self._warn = warn or Warner()
        self._hooks: list[Hook] = []
        self._ended = False
        self._settled = False
        self._is_copy = False
        self._identity = identity
        self._describing: threading.Thread | None = None
        self._system: SystemMetrics | None = None

    def log(
        self,
        values: Mapping[str, Any],
        step: int | None = None,
        *,
        wall_time: float | None = None,
        commit: bool = True,
    ) -> None:
        """Log numbers and records by tag.

        A value is a number (Python, numpy, or a one-element tensor), an ``Image``, ``Histogram``, ``Text``
        or ``Graph``, or a dict of these, whose tags are joined with ``.``. Without ``step`` a run counts
        its calls: the step is one more than that of the call before. ``commit=False`` leaves the count as
        it is, so that the next call logs at the same step. ``wall_time`` is in seconds since the epoch.
        """
        spool = self._spool
        if spool is None:
            if self._is_copy:
                self._warn("copy", "nothing was logged: this is a copy of a run that another process logs to")
            return
        try:
            with spool.lock:
                if step is None:
                    step = self._step
                elif type(step) is not int:
                    step = to_step(step)
                if type(values) is not dict:
                    values = to_mapping(values)
                wall = time() if wall_time is None else to_wall_time(wall_time)
                try:
                    spool.scalars(step, wall, list(values.items()))
                except (KeyError, ValueError, struct.error):
                    self._log_contents(spool, to_step(step), wall, values)
                if commit:
                    self._step = step + 1
        except SpoolFull as error:
            self._drop(error, len(values))
        except Exception as error:
            self._report(error)

    def _log_contents(self, spool: Spool, step: int, wall: float, values: Mapping[str, Any]) -> None:
        """Log what needs a closer look: new tags, records, nested values, and values to refuse."""
        numbers, arriving, records, refusals = to_contents(values)
        for refusal in refusals:
            self._warn(refusal.cause, str(refusal))
        for start in range(0, len(numbers), MAX_BATCH):
            batch = numbers[start : start + MAX_BATCH]
            self._keep(len(batch), spool.scalars, step, wall, batch, declare=True)
        if arriving:
            from .torch_device import log_later

            log_later(spool.deferred, arriving, partial(self._log_contents, spool, step, wall))
        for tag, kind, payload in records:
            if len(payload) > MAX_PAYLOAD:
                size, most = (f"{number >> 20} MiB" for number in (len(payload), MAX_PAYLOAD))
                self._warn("large", f"{tag!r} is not logged: it is {size}, and a record may be {most}")
                continue
            self._keep(1, spool.record, tag, kind, step, wall, payload)

    def _keep(self, count: int, append: Callable[..., None], *args: Any, **kwargs: Any) -> None:
        try:
            append(*args, **kwargs)
        except SpoolFull as error:
            self._drop(error, count)

    def _update(self, what: str, values: Mapping[str, Any]) -> None:
        if self._spool is None:
            return
        try:
            self._spool.message(FrameType.UPDATE, {what: to_plain(values)})
        except Exception as error:
            self._report(error)

    def _drop(self, error: SpoolFull, count: int) -> None:
        assert self._spool is not None
        self._spool.dropped += count
        self._warn("full", f"{error}; what is logged until it can is dropped, and counted")

    def _report(self, error: Exception) -> None:
        if isinstance(error, Refused):
            self._warn(error.cause, str(error))
        elif isinstance(error, SpoolClosed):
            self._warn("closed", f"nothing was logged: {error}")
        else:
            self._warn(f"unexpected {type(error).__name__}", f"nothing was logged: {error!r}")

    def watch(self, model: Any, **options: Any) -> None:
        """Log what ``loggers.layers.WatchOptions`` say of a model, or a list of them, until ``unwatch()``."""
        if self._spool is None:
            return
        from .watch import watch

        try:
            self._hooks.append(watch(self, model, **options))
        except Exception as error:
            self._warn("watch", f"the model is not watched: {error}")

    def unwatch(self) -> None:
        """Remove every hook that ``watch()`` and ``log_graph()`` installed."""
        while self._hooks:
            self._hooks.pop().close()

    def log_graph(self, model: Any, inputs: Any = None) -> None:
        """Log a model's graph under the tag ``graph``.

        A PyTorch model is run once with ``inputs``, or without them its next forward pass is recorded.
        """
        if self._spool is None:
            return
        from .graph import log_graph

        try:
            hook = log_graph(self, model, inputs)
        except Exception as error:
            self._warn("graph", f"the model's graph is not logged: {error}")
        else:
            if hook is not None:
                self._hooks.append(hook)

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

    def log_aside(self, values: Mapping[str, Any]) -> None:
        """Log what was not asked for, at the step logged last, leaving the count of steps as it is."""
        self.log(values, max(self._step - 1, 0), commit=False)

    def steps(self, loader: Iterable[T], *, device: Any = None, every: int = 10) -> Steps[T]:
        """Go through the batches of ``loader``, and log where the time of each step goes.

        ``for batch in run.steps(loader): …`` times waiting for data, forward, backward, optimizer,
        logging and the rest; with a PyTorch ``device`` it moves the batches there, and times that too.
        Every ``every`` steps their means are logged, in seconds, as ``steps/…``.
        """
        from .steps import Steps

        return Steps(self, loader, device, every)

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
