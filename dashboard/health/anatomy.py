"""Where the time of a run's steps went, phase by phase, and what held training up since when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...storage.errors import SeriesNotFound
from ...storage.ranks import slowest

if TYPE_CHECKING:
    from ...storage import Store
    from ...storage.series import Points

PHASES = ("data", "copy", "forward", "backward", "optimizer", "compute", "logging", "other")
TOTAL = "steps/total"
INPUT_BOUND, LOGGING_BOUND = 0.25, 0.10
"""The shares of ``loggers.step_clock``: of a step, data and copying, or logging, take so much or more."""
ELSEWHERE = 0.5
"""So much of a step that is none of its phases is more than a loop's own work."""
_COMPUTING = ("forward", "backward", "optimizer", "compute")

WIDTH = 300
MAX_RANKS = 64
_SMOOTHED = 5
_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Verdict:
    """``kind`` is input-bound, logging-bound, elsewhere or compute-bound, in ``words``, ``since`` a step."""

    kind: str
    words: str
    since: int
    share: float


def read(store: Store, run_id: str, rank: int) -> dict[str, Any] | None:
    """One rank's phases, seconds a step at at most ``2 * WIDTH`` places; None if it timed no steps."""
    try:
        total = store.points(run_id, TOTAL, rank=rank, width=WIDTH)
    except SeriesNotFound:
        return None
    if not len(total.step):
        return None
    phases = {phase: _along(store, run_id, rank, phase, total.step) for phase in PHASES}
    seconds = {phase: values for phase, values in phases.items() if values is not None and values.any()}
    verdict = judge(total.step, seconds, _means(total))
    return {
        "step": total.step.tolist(),
        "wall": total.wall_time.tolist(),
        "phases": {phase: [float(f"{one:.5g}") for one in values] for phase, values in seconds.items()},
        "verdict": vars(verdict),
    }


def _along(store: Store, run_id: str, rank: int, phase: str, steps: NDArray[np.int64]) -> _Floats | None:
    try:
        points = store.points(run_id, f"steps/{phase}", rank=rank, width=WIDTH)
    except SeriesNotFound:
        return None
    if not len(points.step):
        return None
    return np.interp(steps, points.step, _means(points), left=0.0, right=0.0)


def _means(points: Points) -> _Floats:
    return np.nan_to_num(points.value if points.mean is None else points.mean, posinf=0.0, neginf=0.0)


def judge(steps: NDArray[np.int64], seconds: Mapping[str, _Floats], total: _Floats) -> Verdict:
    """What the newest steps wait for, and since which step that is so."""
    none = np.zeros(len(steps))
    waits = seconds.get("data", none) + seconds.get("copy", none)
    logs = seconds.get("logging", none)
    is_split = any(phase in seconds for phase in _COMPUTING)
    other = seconds.get("other", none) if is_split else none
    for kind, spent, limit, words in (
        ("input-bound", waits, INPUT_BOUND, "waits for data"),
        ("logging-bound", logs, LOGGING_BOUND, "goes to logging"),
        ("elsewhere", other, ELSEWHERE, "goes to the loop's own code, or to waiting for the device,"),
    ):
        begin = _begin(_smoothed(_share(spent, total)) >= limit)
        if begin is not None:
            share, since = _mean_share(spent[begin:], total[begin:]), int(steps[begin])
            told = f"{kind.capitalize()}: {share:.0%} of step time {words} since step {since:,}."
            return Verdict(kind, told, since, share)
    share = _mean_share(waits, total)
    told = f"Compute-bound, as it should be: {share:.0%} of step time waits for data."
    return Verdict("compute-bound", told, int(steps[0]), 1 - share)


def _share(spent: _Floats, total: _Floats) -> _Floats:
    return np.divide(spent, total, out=np.zeros(len(total)), where=total > 0)


def _mean_share(spent: _Floats, total: _Floats) -> float:
    return float(spent.sum() / total.sum()) if total.sum() > 0 else 0.0


def _smoothed(shares: _Floats) -> _Floats:
    """The median of each place and its neighbours, so that one slow step is no verdict."""
    reach = min(_SMOOTHED // 2, (len(shares) - 1) // 2)
    padded = np.pad(shares, reach, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1), axis=1)


def _begin(is_bound: NDArray[np.bool_]) -> int | None:
    """Where the stretch that lasts to the end begins; None if the end is not bound."""
    if not is_bound[-1]:
        return None
    free = np.flatnonzero(~is_bound)
    return int(free[-1]) + 1 if len(free) else 0


def ranks(store: Store, run_id: str) -> dict[str, Any]:
    """The mean seconds of each rank's steps and of its phases, and in words which rank is the slowest."""
    scalars = store.series(run_id, "scalar", prefix="steps/")
    table: dict[int, dict[str, float]] = {}
    for one in scalars:
        phase = one.tag.removeprefix("steps/")
        if one.mean is not None and phase in (*PHASES, "total"):
            table.setdefault(one.rank, {})[phase] = one.mean
    found = slowest(scalars)
    words = (
        f"Rank {found.rank} is the slowest: its {found.tag.removeprefix('steps/')} takes "
        f"{found.ratio:.2g} times as long as the others'."
        if found
        else ""
    )
    rows = [{"rank": rank, **table[rank]} for rank in sorted(table)[:MAX_RANKS]]
    return {"ranks": rows, "total": len(table), "slowest": found and found.rank, "words": words}
