"""The flight recorder: says where values first stopped being finite, and keeps the steps before.

A framework's watch calls ``good`` after every step that was fine and ``report`` at the first sign of one
that is not. It decides what is a fault: a step that a loss scaler skips is none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..storage.kinds.event import Event
from .guard import Guard

if TYPE_CHECKING:
    from .run import Run

TAG = "flight_recorder"
KEPT_STEPS = 16
Phase = Literal["forward", "loss", "backward", "update"]
Norms = Mapping[str, tuple[Sequence[str], Sequence[float]]]
"""Names and norms by source (``gradients``, ``weights``): what the ring keeps of a step."""

_WHAT: Mapping[Phase, str] = {
    "forward": "the output of {layer} is not finite",
    "loss": "the gradient of the loss is not finite, though the model's output is",
    "backward": "the gradient that {layer} makes is not finite",
    "update": "the weights of {layer} are not finite after the optimizer's step",
}


@dataclass(frozen=True)
class Fault:
    """The first value that was not finite.

    ``layer`` is the first in the order of execution, as the model names it (``loss`` in the phase
    "loss"). ``step`` is the optimizer's, ``batch`` the number of forward passes since ``watch``, both
    counted from 1; ``last_good_step`` is None if there was none. ``trace`` is the Python traceback of the
    operation, where the framework keeps one.
    """

    layer: str
    phase: Phase
    step: int
    batch: int
    last_good_step: int | None
    detail: str = ""
    trace: str = ""

    def __str__(self) -> str:
        good = "there was no good step" if self.last_good_step is None else f"last good {self.last_good_step}"
        what = _WHAT[self.phase].format(layer=self.layer)
        detail = f" ({self.detail})" if self.detail else ""
        return f"step {self.step}, batch {self.batch}: {what}{detail}; {good}"


class FlightRecorder:
    """A ring of the last steps' norms, logged to ``run`` with the first fault.

    After a fault nothing more is reported until a step is good again. ``on_nonfinite`` is called in the
    training thread with the ``Fault``; of what it raises only ``StopTraining`` passes.
    """

    def __init__(self, run: Run, on_nonfinite: Callable[[Fault], Any] | None = None) -> None:
        self._run = run
        self._on_nonfinite = on_nonfinite
        self._ring: deque[tuple[int, Norms]] = deque(maxlen=KEPT_STEPS)
        self._last_good: int | None = None
        self._broken_at: int | None = None
        self._guard = Guard()

    def good(self, step: int, norms: Norms) -> None:
        """Keep a step whose values were all finite; a step of another optimizer ends no fault of the same."""
        self._ring.append((step, norms))
        if self._broken_at is None or step > self._broken_at:
            self._last_good = step
            self._broken_at = None

    def report(
        self,
        layer: str,
        phase: Phase,
        step: int,
        batch: int,
        *,
        norms: Norms | None = None,
        detail: str = "",
        trace: str = "",
    ) -> None:
        """Log a fault as an event, with the ring and, if known, the norms of the step itself."""
        if self._broken_at is not None:
            return
        self._broken_at = step
        if norms:
            self._ring.append((step, norms))
        good = None if self._last_good is None else min(self._last_good, step - 1) or None
        fault = Fault(layer, phase, step, batch, good, detail, trace)
        with self._guard("logging the flight recorder"):
            title = f"Not finite: {layer}, {phase}, step {step}"
            event = Event(title, str(fault), "error", {**asdict(fault), "ring": _plain(self._ring)})
            self._run.log({TAG: event}, step, commit=False)
        if self._on_nonfinite is not None:
            with self._guard("on_nonfinite"):
                self._on_nonfinite(fault)


def _plain(ring: Iterable[tuple[int, Norms]]) -> list[dict[str, Any]]:
    return [
        {"step": step}
        | {
            source: {name: float(f"{float(norm):.4g}") for name, norm in zip(names, values, strict=True)}
            for source, (names, values) in norms.items()
        }
        for step, norms in ring
    ]
