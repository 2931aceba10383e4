"""Rules: of what people want to be told while a run trains."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, Literal, get_args

Condition = Literal["above", "below", "no_progress", "divergence", "silent", "crashed", "input_bound"]
Better = Literal["min", "max"]
RuleLevel = Literal["info", "warning", "error"]

OF_POINTS = ("above", "below", "no_progress", "divergence")
"""The conditions on scalars; the others are on runs, and take no tag."""
LONGEST_NAME = 200
_MOST_POINTS = 100_000


@dataclass(frozen=True)
class Rule:
    """A condition, and the level of the alert when it begins to hold.

    - "above" and "below": ``points`` points one after another lie beyond ``value``.
    - "no_progress": the best value so far is ``steps`` steps or ``minutes`` minutes old; ``better`` says
      whether small or great values are good.
    - "divergence": a value is not finite or, with ``value``, ``points`` of them one after another are that
      many times as far from zero as the lowest so far is, and above it.
    - "silent": the run was killed, or its machine lost. "crashed": its program failed.
    - "input_bound": training waits for its data, as ``run.steps`` finds.

    ``tag`` is a regular expression of whole tags. Raises ``ValueError`` if any of it makes no sense.
    """

    name: str
    condition: Condition
    tag: str = ""
    value: float | None = None
    points: int = 1
    steps: int | None = None
    minutes: float | None = None
    better: Better = "min"
    level: RuleLevel = "warning"

    def __post_init__(self) -> None:
        for name, allowed in (("condition", Condition), ("better", Better), ("level", RuleLevel)):
            if getattr(self, name) not in get_args(allowed):
                expected = ", ".join(get_args(allowed))
                raise ValueError(f"{name} must be one of {expected} (got {getattr(self, name)!r:.100})")
        if not isinstance(self.name, str) or not 0 < len(self.name.strip()) <= LONGEST_NAME:
            raise ValueError(f"a rule's name has 1 to {LONGEST_NAME} characters")
        if type(self.points) is not int or not 1 <= self.points <= _MOST_POINTS:
            raise ValueError(f"points must be a number from 1 to {_MOST_POINTS} (got {self.points!r:.100})")
        self._check_tag()
        self._check_numbers()

    def _check_tag(self) -> None:
        from .patterns import compile_pattern

        if not isinstance(self.tag, str) or (self.condition in OF_POINTS) != bool(self.tag):
            needs = "needs a tag" if self.condition in OF_POINTS else "is about the run, and takes no tag"
            raise ValueError(f"the condition {self.condition!r} {needs}")
        compile_pattern(self.tag)

    def _check_numbers(self) -> None:
        for name in ("value", "minutes", "steps"):
            number = getattr(self, name)
            if number is not None and not (isinstance(number, int | float) and math.isfinite(number)):
                raise ValueError(f"{name} must be a finite number (got {number!r:.100})")
        if self.condition in ("above", "below") and self.value is None:
            raise ValueError(f"the condition {self.condition!r} needs a value")
        if self.condition == "divergence" and self.value is not None and self.value <= 1:
            raise ValueError(f"a loss diverges by a factor above 1 (got {self.value:g})")
        if self.condition == "no_progress" and not (self.steps or self.minutes):
            raise ValueError("the condition 'no_progress' needs steps or minutes")
        if (self.steps or 0) < 0 or (self.minutes or 0) < 0:
            raise ValueError("steps and minutes are counted from 0")

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Rule:
        """One from what ``as_json`` gave, or somebody sent. Raises ``ValueError`` or ``TypeError``."""
        unknown = sorted(set(told) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"a rule has no {unknown[0]!r:.100}")
        return cls(**told)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @cached_property
    def key(self) -> str:
        """What tells this rule from others, and from what it was before it was changed."""
        return json.dumps(self.as_json(), sort_keys=True)

    @property
    def sentence(self) -> str:
        """The rule in words."""
        several = f" for {self.points:,} points" if self.points > 1 else ""
        steps = [f"{self.steps:,} steps"] if self.steps else []
        after = " or ".join(steps + ([f"{self.minutes:g} minutes"] if self.minutes else []))
        return {
            "above": f"{self.tag} is above {self.value or 0:g}{several}",
            "below": f"{self.tag} is below {self.value or 0:g}{several}",
            "no_progress": f"{self.tag} has no better value for {after}",
            "divergence": f"{self.tag} is not finite"
            + (f", or {self.value:g} times its lowest{several}" if self.value else ""),
            "silent": "the run is no longer heard of",
            "crashed": "the run's program fails",
            "input_bound": "training waits for its data",
        }[self.condition]
