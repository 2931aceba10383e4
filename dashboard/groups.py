"""Groups of runs, such as those that differ only in their seed, and what a group says as one line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..storage import patterns
from ..storage.natural_order import in_order
from .bootstrap import interval

Statistic = Literal["mean", "median"]
Band = Literal["std", "sem", "bootstrap", "minmax"]
STATISTICS: tuple[Statistic, ...] = ("mean", "median")
BANDS: tuple[Band, ...] = ("std", "sem", "bootstrap", "minmax")
PATTERN_SECONDS = 0.5

_Floats = NDArray[np.float64]


class Member(NamedTuple):
    """What grouping looks at of a run; ``config`` is its hyper-parameters as logged."""

    run: str
    name: str
    group: str | None
    config: Mapping[str, Any]


class Group(NamedTuple):
    """Runs (ids, in the order given) that agree in ``key``: pairs of what was compared and its value."""

    name: str
    key: tuple[tuple[str, str], ...]
    runs: list[str]


class By(NamedTuple):
    """How to group, one of four: by config keys; by all config keys but some; by a regular expression that
    is searched in the name, whose groups (or whole match) tell; or else by the group the program gave."""

    keys: Sequence[str] | None = None
    but: Sequence[str] | None = None
    pattern: str | None = None


@dataclass(frozen=True)
class Aggregate:
    """A group as one line over ``x``.

    ``value`` is the statistic over the ``count`` runs that have a finite value there, between ``low`` and
    ``high``; all three are NaN where that takes more runs than there are (a standard deviation of one).
    ``runs`` is how many were given, ``bad`` how many of their points were NaN or infinite and are left out,
    and ``alignment`` says in words how unequal places were brought together.
    """

    x: _Floats
    value: _Floats
    low: _Floats
    high: _Floats
    count: NDArray[np.int64]
    runs: int
    bad: int
    alignment: str


SAME_PLACES = "every run has the same steps"
INTERPOLATED = (
    "runs have different steps: between its own points a run is a straight line, beyond them it is left out"
)


def group_runs(members: Sequence[Member], by: By) -> list[Group]:
    """Put every run into exactly one group, groups in the order of their first run.

    A nested config is compared by paths, ``optimizer.lr``; a key that a run lacks is a value of its own.
    Runs whose name does not match a pattern are one group. Raises ``BadPattern``.
    """
    flat = {member.run: flatten(member.config) for member in members}
    keys = by.keys
    if by.but is not None:
        keys = [key for key in varying(list(flat.values())) if key not in by.but]
    if by.pattern is not None:
        patterns.compile_pattern(by.pattern)
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    with patterns.time_limit(PATTERN_SECONDS):
        for member in members:
            if keys is not None:
                key = tuple((name, _said(flat[member.run], name)) for name in keys)
            elif by.pattern is not None:
                key = _matched(by.pattern, member.name)
            else:
                key = (("group", member.group or "no group"),)
            groups.setdefault(key, []).append(member.run)
    return [Group(_name(key), key, runs) for key, runs in groups.items()]


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested config as one level, ``{"optimizer.lr": 0.1}``; lists stay values."""
    flat: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def varying(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys of flat configs that are not the same in all of them, in natural order."""
    keys = in_order(key for config in configs for key in config)
    return [key for key in keys if len({_said(config, key) for config in configs}) > 1]


def aggregate(
    series: Sequence[tuple[_Floats, _Floats]], statistic: Statistic = "mean", band: Band = "std"
) -> Aggregate:
    """Runs, each with its places (sorted) and values there, as one line over all of their places.

    ``std`` is one sample standard deviation (n - 1) to each side, ``sem`` that divided by the root of n,
    ``bootstrap`` the central 95 % of the statistic over resampled runs, and ``minmax`` the extremes. Of
    equal places of one run the last counts, and no run is left out of any statistic but where it has no
    value.
    """
    lines = [_finite(x, value) for x, value in series]
    bad = sum(len(x) - len(kept) for (x, _), (kept, _) in zip(series, lines, strict=True))
    x, table, alignment = _aligned([_unique(*line) for line in lines])
    count = np.isfinite(table).sum(axis=0)
    value = _statistic(table, statistic)
    low, high = _band(table, count, value, statistic, band)
    return Aggregate(x, value, low, high, count, len(series), bad, alignment)


def _aligned(lines: Sequence[tuple[_Floats, _Floats]]) -> tuple[_Floats, _Floats, str]:
    """All places, and one row of values a run, NaN where the run has none."""
    places = [x for x, _ in lines]
    told = [x for x in places if len(x)]
    if not told:
        return np.empty(0), np.empty((len(lines), 0)), SAME_PLACES
    x = np.unique(np.concatenate(told))
    same = all(np.array_equal(one, x) for one in told)
    rows = [
        np.interp(x, at, value, left=np.nan, right=np.nan) if len(at) else np.full(len(x), np.nan)
        for at, value in lines
    ]
    return x, np.array(rows), SAME_PLACES if same else INTERPOLATED


def _statistic(table: _Floats, statistic: Statistic) -> _Floats:
    return np.nanmean(table, axis=0) if statistic == "mean" else np.nanmedian(table, axis=0)


def _band(
    table: _Floats, count: NDArray[np.int64], value: _Floats, statistic: Statistic, band: Band
) -> tuple[_Floats, _Floats]:
    if not table.shape[1]:
        return value, value
    if band == "minmax":
        return np.nanmin(table, axis=0), np.nanmax(table, axis=0)
    if band == "bootstrap":
        return interval(table, statistic)
    half = np.full(table.shape[1], np.nan)
    several = count > 1
    half[several] = np.nanstd(table[:, several], axis=0, ddof=1)
    if band == "sem":
        half /= np.sqrt(count)
    return value - half, value + half


def _finite(x: _Floats, value: _Floats) -> tuple[_Floats, _Floats]:
    kept = np.isfinite(x) & np.isfinite(value)
    return x[kept], value[kept]


def _unique(x: _Floats, value: _Floats) -> tuple[_Floats, _Floats]:
    last = np.append(np.diff(x) > 0, True)[: len(x)]
    return x[last], value[last]


def _said(config: Mapping[str, Any], key: str) -> str:
    """A value as text: 1 and 1.0 are the same, "1" is not."""
    if key not in config:
        return "–"
    value = config[key]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return (
        value if isinstance(value, str) and not _looks_like_json(value) else json.dumps(value, sort_keys=True)
    )


def _looks_like_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text == "–"
    return True


def _matched(pattern: str, name: str) -> tuple[tuple[str, str], ...]:
    found = patterns.search(pattern, name)
    if found is None:
        return (("name", "no match"),)
    parts = found.groups() or (found.group(),)
    return (("name", " ".join(part or "–" for part in parts)),)


def _name(key: tuple[tuple[str, str], ...]) -> str:
    if len(key) == 1 and key[0][0] in ("name", "group"):
        return key[0][1]
    return ", ".join(f"{name} {value}" for name, value in key) or "all runs"
