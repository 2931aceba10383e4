"""Groups of runs by one number a run, and whether one group is better than another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from starlette.exceptions import HTTPException

from ..storage.patterns import BadPattern
from ..storage.run_table import RunRow, TableQuery
from . import asked
from .groups import Group, Member, flatten, group_runs, varying
from .run_columns import metrics_of, number_of, plain
from .verdict import judge, pair

if TYPE_CHECKING:
    from ..storage import Store

MAX_RUNS = 5_000


def compare(store: Store, body: Mapping[str, Any]) -> dict[str, Any]:
    """Answer ``{"project", "where", "by", "metric", "seed", "a", "b"}``.

    ``by`` is as for ``bands.asked_groups``, ``metric`` a column such as ``last.val/loss``, ``seed`` the
    config key that pairs runs, and ``a`` and ``b`` are names of groups. Runs that still run, and those
    without a finite value, are counted apart: neither is in any mean.
    """
    try:
        metric, seed = str(body["metric"]), str(body.get("seed", ""))
        by = asked.by(body.get("by") or {})
        project, where = body.get("project"), str(body.get("where", ""))
    except (KeyError, TypeError, ValueError) as error:
        raise HTTPException(400, f"This is not a request for a comparison: {error!r:.300}.") from error
    query = TableQuery(
        project, where, limit=MAX_RUNS, order=[("created", False)], metrics=metrics_of([metric])
    )
    page = store.run_table(query)
    rows = {row.id: row for row in page.rows}
    try:
        found = group_runs([Member(row.id, row.name, row.group, row.config) for row in page.rows], by)
    except BadPattern as error:
        raise HTTPException(422, str(error)) from error
    groups = {group.name: [rows[run] for run in group.runs] for group in found}
    told = [_group(group, groups[group.name], metric) for group in found]
    chosen = [groups.get(str(body.get(side))) for side in ("a", "b")]
    verdict = None
    if chosen[0] and chosen[1] and body.get("a") != body.get("b"):
        verdict = _verdict(chosen[0], chosen[1], metric, seed)
    keys = varying([flatten(row.config) for row in page.rows])
    return {"groups": told, "verdict": verdict, "keys": keys, "runs": len(rows), "total": page.total}


def _group(group: Group, rows: Sequence[RunRow], metric: str) -> dict[str, Any]:
    values = [value for _, value in _values(rows, metric, "")]
    running = sum(row.status == "running" for row in rows)
    spread = np.std(values, ddof=1) if len(values) > 1 else np.nan
    return {
        "name": group.name,
        "runs": len(rows),
        "counted": len(values),
        "running": running,
        "without": len(rows) - running - len(values),
        "values": values,
        "mean": plain(float(np.mean(values))) if values else None,
        "deviation": None if np.isnan(spread) else float(spread),
    }


def _verdict(a: Sequence[RunRow], b: Sequence[RunRow], metric: str, seed: str) -> dict[str, Any]:
    sides = _values(a, metric, seed), _values(b, metric, seed)
    differences, paired = pair(*sides)
    verdict = asdict(judge(differences))
    finite = {
        name: None if isinstance(one, float) and not np.isfinite(one) else one
        for name, one in verdict.items()
    }
    repeated = paired and any(_repeats([seed for seed, _ in side if seed is not None]) for side in sides)
    return finite | {"paired": paired, "repeated": repeated, "differences": differences}


def _repeats(seeds: Sequence[str]) -> bool:
    return len(set(seeds)) < len(seeds)


def _values(rows: Sequence[RunRow], metric: str, seed: str) -> list[tuple[str | None, float]]:
    """Seed and value of each run that has ended with a finite value, in the order in which they ended.

    So what is paired once stays so, however the runs overlap.
    """
    found = []
    for row in sorted(rows, key=lambda row: row.ended_at or row.updated_at):
        value = number_of(row, metric)
        if value is not None and row.status != "running":
            told = flatten(row.config).get(seed)
            found.append((None if told is None else repr(told), value))
    return found
