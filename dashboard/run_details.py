"""One run in full, and what differs between several."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..storage.holders import kinds_of
from ..storage.natural_order import in_order
from ..storage.ranks import slowest
from .cards import event as events
from .groups import flatten
from .run_columns import plain
from .run_rows import run_row

if TYPE_CHECKING:
    from ..storage import RunRecord, Store
    from ..storage.series import SeriesRecord

MAX_COMPARED = 20
_MOST_LINES = 4_000
_MOST_SERIES = 2_000
_SUMMARY = ("tag", "rank", "count", "last_step", "last", "minimum", "min_step", "maximum", "max_step", "mean")
_SHORT = ("git", "packages", "variables", "hosts", "argv")


def details(store: Store, run_id: str) -> dict[str, Any]:
    """Everything known of a run but its points. Raises ``RunNotFound``."""
    run = store.run(run_id)
    ranks = store.ranks(run_id)
    worst = slowest(store.series(run_id, "scalar")) if len(ranks) > 1 else None
    git = run.environment.get("git") or {}
    return run_row(run) | {
        "notes": run.notes,
        "exit_code": run.exit_code,
        "dropped": run.dropped,
        "damaged": run.damaged,
        "config": _config(run),
        "summary": [_summary(one) for one in store.series(run_id, "scalar", limit=_MOST_SERIES)],
        "kinds": kinds_of(store, run_id),
        "environment": _environment(run),
        "packages": run.environment.get("packages") or {},
        "variables": run.environment.get("variables") or {},
        "git": {key: plain(git.get(key)) for key in ("commit", "branch", "dirty")},
        "diff": git.get("diff") or "",
        "ranks": [asdict(rank) for rank in ranks],
        "slowest": worst and worst._asdict(),
        "events": _events(store, run_id, [(one.tag, one.rank) for one in store.series(run_id, "event")]),
    }


def differences(store: Store, ids: Sequence[str]) -> dict[str, Any]:
    """What is not the same in some runs: rows of ``[key, value, value, …]`` a part, and the code.

    Of the code, every run is compared with the first: what they changed that was not committed.
    """
    found = {run.id: run for run in store.runs(ids=ids, archived=True)}
    records = [found[run] for run in ids if run in found]
    parts = {
        "config": [_config(run) for run in records],
        "environment": [_environment(run) for run in records],
        "variables": [run.environment.get("variables") or {} for run in records],
        "packages": [run.environment.get("packages") or {} for run in records],
    }
    return {
        "runs": [run_row(run) for run in records],
        "parts": {name: _differing(values) for name, values in parts.items()},
        "code": [_code(records[0], run) for run in records[1:]],
    }


def _differing(values: Sequence[dict[str, Any]]) -> list[list[Any]]:
    keys = in_order(key for one in values for key in one)
    rows = [[key, *(one.get(key) for one in values)] for key in keys]
    return [
        row for row in rows if any(value != row[1] or type(value) is not type(row[1]) for value in row[2:])
    ]


def _code(first: RunRecord, other: RunRecord) -> list[str]:
    """The lines in which the uncommitted changes of two runs differ, as ``diff -u`` tells them."""
    before, after = (
        ((run.environment.get("git") or {}).get("diff") or "").splitlines()[:_MOST_LINES]
        for run in (first, other)
    )
    return list(difflib.unified_diff(before, after, first.name, other.name, n=2, lineterm=""))[:_MOST_LINES]


def _environment(run: RunRecord) -> dict[str, Any]:
    git = run.environment.get("git") or {}
    told = {key: value for key, value in run.environment.items() if key not in _SHORT}
    told["command"] = " ".join(map(str, run.environment.get("argv") or []))
    told |= {f"git.{key}": git.get(key) for key in ("commit", "branch", "dirty")}
    return _plain(flatten(told))


def _config(run: RunRecord) -> dict[str, Any]:
    """With what was set to nothing, too: it is not the same as what was not set."""
    return {key: "None" if value is None else plain(value) for key, value in flatten(run.config).items()}


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {key: plain(value) for key, value in values.items() if value not in (None, "")}


def _summary(series: SeriesRecord) -> dict[str, Any]:
    names = (
        "tag",
        "rank",
        "count",
        "last_step",
        "last",
        "minimum",
        "min_step",
        "maximum",
        "max_step",
        "mean",
    )
    return {name: plain(getattr(series, name)) for name in names} | {
        "bad": series.nan_count + series.pos_inf_count + series.neg_inf_count
    }


def _events(store: Store, run_id: str, tags: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    told = []
    for tag, rank in tags[: events.LIMIT]:
        for record in events.read(store, run_id, tag, rank):
            said = {"title": record.value.title, "text": record.value.text, "level": record.value.level}
            told.append({"tag": tag, "rank": rank, "step": record.step, "wall_time": record.wall_time} | said)
    return sorted(told, key=lambda one: one["wall_time"], reverse=True)[: events.LIMIT]
