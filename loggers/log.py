"""The part of a run that takes what a program logs and appends it to the spool."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from functools import partial
from time import time
from typing import Any

from ..storage.frames import MAX_BATCH, FrameType
from .convert import Refused, to_contents, to_mapping, to_step, to_wall_time
from .plain import to_details
from .spool import Spool, SpoolClosed, SpoolFull
from .warn import Warner


class Log:
    """Turns values into frames of a spool. Nothing here raises: one warning is given for each cause.

    ``at_steps`` are called after each call that ends a step. Without a ``spool`` nothing is kept. Only
    ``rank`` 0 of a job changes what is known of its run.
    """

    def __init__(self, spool: Spool | None, warn: Warner, first_step: int, rank: int) -> None:
        self.rank = rank
        self._spool = spool
        self._warn = warn
        self._step = first_step
        self._is_copy = False
        self.at_steps: list[Callable[[], None]] = []

    def log(
        self,
        values: Mapping[str, Any],
        step: int | None = None,
        *,
        wall_time: float | None = None,
        commit: bool = True,
    ) -> None:
        """Log numbers and records by tag.

        A value is a number (Python, numpy, or a one-element tensor), a record such as ``Image`` or ``Table``
        makes, a figure of matplotlib or Plotly, a PIL image, a DataFrame, or a dict of these, whose tags are
        joined with ``.``. Without ``step`` a run counts its calls: the step is one more than that of the call
        before. ``commit=False`` leaves the count as it is, so that the next call logs at the same step.
        ``wall_time`` is in seconds since the epoch.
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
        if commit and self.at_steps:
            for act in tuple(self.at_steps):
                act()

    def log_aside(self, values: Mapping[str, Any]) -> None:
        """Log what was not asked for, at the step logged last, leaving the count of steps as it is."""
        self.log(values, max(self._step - 1, 0), commit=False)

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
            self._keep(1, spool.record, tag, kind, step, wall, payload)

    def _keep(self, count: int, append: Callable[..., None], *args: Any, **kwargs: Any) -> None:
        try:
            append(*args, **kwargs)
        except SpoolFull as error:
            self._drop(error, count)

    def update(self, what: str, values: Mapping[str, Any]) -> None:
        """Merge ``values`` into the run's "config", "summary", "environment" or "controls"."""
        if self._spool is None or self.rank:
            return
        try:
            self._spool.message(FrameType.UPDATE, {what: to_details(values)})
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
