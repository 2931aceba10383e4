"""The axis that histograms of a series lie along: steps, seconds since the first one, or the time of day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ..merged_histograms import Choose, Column

AXES = ("step", "relative", "wall")
_UNITS = (("s", 1.0, 120.0), ("min", 60.0, 7_200.0), ("h", 3_600.0, np.inf))
_TICKS = 5


@dataclass(frozen=True)
class StepAxis:
    """Where a column lies: at the middle of its steps, or at the wall time of its last one.

    ``kind`` is one of ``AXES``, ``unit`` the seconds in one unit of a relative axis, ``unit_name`` its name.
    """

    kind: str = "step"
    unit: float = 1.0
    unit_name: str = "s"

    @classmethod
    def of(cls, kind: str, seconds: float) -> StepAxis:
        """The axis for times that reach ``seconds``."""
        name, unit, _ = next(one for one in _UNITS if not seconds >= one[2])
        return cls(kind if kind in AXES else "step", unit, name)

    def number(self, column: Column, started: float) -> float:
        """The place of a column as a number."""
        if self.kind == "step":
            return (column.first_step + column.step) / 2
        return column.wall_time if self.kind == "wall" else (column.wall_time - started) / self.unit

    def place(self, column: Column, started: float) -> float | str | None:
        """The place of a column as Plotly takes it."""
        number = self.number(column, started)
        if not np.isfinite(number):
            return None
        return _moment(number).isoformat(" ", "milliseconds") if self.kind == "wall" else number

    def settings(self) -> dict[str, Any]:
        """What a Plotly axis of steps needs."""
        kinds: Mapping[str, dict[str, Any]] = {
            "step": {"nticks": 5},
            "relative": {"nticks": 5, "ticksuffix": f" {self.unit_name}"},
            "wall": {"type": "date", "nticks": 4},
        }
        return {"showgrid": False, **kinds[self.kind]}

    def ticks(self, numbers: Sequence[float]) -> tuple[list[float], list[str]]:
        """A few of these places, and their labels."""
        at = np.unique(np.linspace(0, len(numbers) - 1, min(_TICKS, len(numbers))).round().astype(int))
        chosen = [numbers[one] for one in at]
        return chosen, [self._label(one) for one in chosen]

    def _label(self, number: float) -> str:
        if self.kind == "wall":
            return f"{_moment(number):%H:%M:%S}"
        return _short(round(number)) if self.kind == "step" else f"{_short(number)} {self.unit_name}"


def words(column: Column) -> str:
    """``step 300``, or for a sum ``steps 300 to 364, 64 added up``."""
    if column.records == 1:
        return f"step {column.step:,}"
    return f"steps {column.first_step:,} to {column.step:,}, {column.records:,} added up"


def chooser(window: str, axis: StepAxis) -> Choose | None:
    """What lies in a window, "low,high" as a Plotly axis of this kind tells its range; None: all."""
    try:
        low, high = (_bound(text, axis.kind) for text in window.split(","))
    except ValueError:
        return None

    def choose(steps: NDArray[np.int64], walls: NDArray[np.float64]) -> slice:
        if axis.kind == "step":
            return slice(int(np.searchsorted(steps, low)), int(np.searchsorted(steps, high, side="right")))
        places = walls if axis.kind == "wall" else (walls - walls[:1]) / axis.unit
        inside = np.flatnonzero((places >= low) & (places <= high))
        return slice(int(inside[0]), int(inside[-1]) + 1) if len(inside) else slice(0, 0)

    return choose


def _bound(text: str, axis: str) -> float:
    number = datetime.fromisoformat(text.strip()).timestamp() if axis == "wall" else float(text)
    if not np.isfinite(number):
        raise ValueError(f"{text} is no place on an axis")
    return number


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds)


def _short(number: float) -> str:
    if abs(number) >= 1e4:
        return f"{number / 1e6:.3g}M" if abs(number) >= 1e6 else f"{number / 1e3:.3g}k"
    return f"{number:.4g}"
