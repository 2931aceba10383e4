"""When the conditions of rules begin to hold: pure functions of a series' points, in arrival order.

What is remembered between points is a small dict that JSON can hold, and the same points always lead to
the same alerts: so a server that was restarted goes on from what was kept last, and gives none twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ...storage.alerts import Finding
from ...storage.kinds.event import Event

if TYPE_CHECKING:
    from ...storage import SeriesRecord
    from ...storage.rules import Rule

REST_SECONDS = 60.0
"""After an alert the same rule gives none of the same series for so long; how often it held is told."""

Memory = dict[str, Any]
Point = tuple[int, float, float]
"""Step, wall time and value."""


def first_memory(series: SeriesRecord, made_at: float) -> Memory:
    """What a rule knows of a series at first: nothing, or of one older than the rule what it came to.

    ``at`` is the index of the first point that the rule has not seen.
    """
    if series.first_wall is None or series.first_wall >= made_at:
        return {"at": 0}
    return {"at": series.count} | best_of(series)


def best_of(series: SeriesRecord) -> Memory:
    """The least and the greatest finite value so far, and where, as ``best`` remembers them."""
    if series.minimum is None or series.maximum is None:
        return {}
    found: Memory = {}
    for name, value, step in (
        ("min", series.minimum, series.min_step),
        ("max", series.maximum, series.max_step),
    ):
        if math.isfinite(value):
            found[name] = [value, step, series.last_wall]
    return found


def follow(rule: Rule, tag: str, memory: Memory, points: Iterable[Point]) -> list[Finding]:
    """Take in points, and give an alert wherever the condition begins to hold."""
    holds = _CONDITIONS[rule.condition]
    found: list[Finding] = []
    for step, wall, value in points:
        memory["at"] += 1
        finding = turn(rule, memory, holds(rule, memory, step, wall, value), step, wall, tag, value)
        if finding is not None:
            found.append(finding)
    return found


def turn(
    rule: Rule,
    memory: Memory,
    holds: bool,
    step: int,
    wall: float,
    subject: str = "",
    value: float | None = None,
) -> Finding | None:
    """An alert if the condition begins to hold now, and the rule does not rest."""
    began = holds and not memory.get("on")
    memory["on"] = holds
    if not began:
        return None
    if wall - memory.get("told", -math.inf) < REST_SECONDS:
        memory["held"] = memory.get("held", 0) + 1
        return None
    memory["told"] = wall
    times = memory.pop("held", 0)
    text = f"{subject} is {value:.4g} at step {step:,}. " if value is not None else ""
    text += f"Rule: {rule.sentence}."
    if times:
        text += f" It held {times:,} more times in the minute after the last alert."
    data = {"rule": rule.name, "tag": subject, "value": value}
    return Finding(step, wall, Event(rule.name, text, rule.level, data))


def _above(rule: Rule, memory: Memory, step: int, wall: float, value: float) -> bool:
    return _in_a_row(rule, memory, value > (rule.value or 0))


def _below(rule: Rule, memory: Memory, step: int, wall: float, value: float) -> bool:
    return _in_a_row(rule, memory, value < (rule.value or 0))


def _diverges(rule: Rule, memory: Memory, step: int, wall: float, value: float) -> bool:
    if not math.isfinite(value):
        return True
    least = memory.get("min", [value])[0]
    if value <= least:
        memory["min"] = [value, step, wall]
    if rule.value is None:
        return False
    return _in_a_row(rule, memory, value - least > (rule.value - 1) * abs(least))


def _stands_still(rule: Rule, memory: Memory, step: int, wall: float, value: float) -> bool:
    best = memory.get(rule.better)
    sign = 1 if rule.better == "min" else -1
    if best is None or (math.isfinite(value) and not sign * value >= sign * best[0]):
        known = value if math.isfinite(value) else sign * math.inf
        memory[rule.better] = [known, step, wall]
        return False
    too_many = rule.steps is not None and step - best[1] >= rule.steps
    return too_many or (rule.minutes is not None and wall - best[2] >= 60 * rule.minutes)


def _in_a_row(rule: Rule, memory: Memory, beyond: bool) -> bool:
    memory["row"] = memory.get("row", 0) + 1 if beyond else 0
    return memory["row"] >= rule.points


_CONDITIONS: dict[str, Callable[[Rule, Memory, int, float, float], bool]] = {
    "above": _above,
    "below": _below,
    "divergence": _diverges,
    "no_progress": _stands_still,
}
