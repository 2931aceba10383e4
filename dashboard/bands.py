"""Groups of runs for charts: which runs belong together, and one line with a band for each group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from starlette.exceptions import HTTPException

from ..storage.patterns import BadPattern
from . import asked, groups
from .cards.scalar import Line, Wanted, with_header
from .groups import Aggregate, By, Member
from .lines import Lines, View

if TYPE_CHECKING:
    from ..storage import Store

COLUMNS = ("x", "value", "low", "high", "count")


@dataclass(frozen=True)
class Asked:
    """One tag of some groups: a name and run ids each."""

    groups: list[tuple[str, list[str]]]
    tag: str
    rank: int | str
    view: View
    statistic: groups.Statistic
    band: groups.Band


def read_groups(store: Store, ids: Sequence[str], by: By) -> dict[str, Any]:
    """``{"groups": [{"name", "key", "runs"}, …], "keys": […]}``: the keys are those that vary."""
    rows = store.run_rows(ids)
    members = [Member(row.id, row.name, row.group, row.config) for row in rows]
    try:
        found = groups.group_runs(members, by)
    except BadPattern as error:
        where = "" if error.position is None else f" (at character {error.position + 1})"
        raise HTTPException(422, f"{error}{where}") from error
    keys = groups.varying([groups.flatten(row.config) for row in rows])
    return {"groups": [group._asdict() for group in found], "keys": keys}


def read_bands(store: Store, lines: Lines, wanted: Asked, revisions: Mapping[str, int]) -> bytes:
    """Every group as a line, packed as those of ``cards.scalar.pack``, the columns of each ``COLUMNS``.

    Its entry of the header is ``{"name", "n", "runs", "bad", "alignment", "exact", "total"}``, the last two
    as of ``cards.scalar.Line``, over all runs; ``count`` at a place is how many of the ``runs`` have a value
    there. Runs without the tag count as given and have no points.
    """
    ids = [run for _, runs in wanted.groups for run in runs]
    read = lines.read([Wanted(run, wanted.tag, wanted.rank) for run in ids], wanted.view, revisions)
    began = {row.id: row.created_at for row in store.run_rows(ids)} if wanted.view.axis == "relative" else {}
    of_run = dict(zip(ids, read, strict=True))
    entries, columns = [], []
    for name, runs in wanted.groups:
        series = [_along(of_run[run], wanted.view.axis, began.get(run, 0.0)) for run in runs]
        group = groups.aggregate(series, wanted.statistic, wanted.band)
        entries.append(_entry(name, group, [line for run in runs if (line := of_run[run])]))
        columns.append(np.array([getattr(group, column) for column in COLUMNS]))
    return with_header(entries, columns)


def _entry(name: str, group: Aggregate, lines: Sequence[Line]) -> dict[str, Any]:
    return {
        "name": name,
        "n": len(group.x),
        "runs": group.runs,
        "bad": group.bad,
        "alignment": group.alignment,
        "exact": all(line.exact for line in lines),
        "total": sum(line.total for line in lines),
    }


def asked_groups(body: Mapping[str, Any]) -> tuple[list[str], By]:
    """``{"runs": [id, …], "by": {"keys": […]} or {"but": […]} or {"pattern": "…"} or {}}``."""
    try:
        return _ids(body["runs"]), asked.by(body.get("by") or {})
    except (KeyError, TypeError, ValueError) as error:
        raise HTTPException(400, f"This is not a request for groups: {error!r:.300}.") from error


def asked_bands(body: Mapping[str, Any]) -> Asked:
    """``{"groups": [{"name", "runs"}, …], "tag", "rank", "statistic", "band"}`` and what scalars take:
    "axis", "width", "window"."""
    try:
        told = [(str(group["name"]), _ids(group["runs"])) for group in body["groups"]]
        view = asked.view(body)
        asked.check_size(sum(len(runs) for _, runs in told), view.width)
        wanted = asked.series("", body["tag"], body.get("rank", 0))
        statistic, band = body.get("statistic", "mean"), body.get("band", "std")
        if statistic not in groups.STATISTICS or band not in groups.BANDS:
            choices = f"{', '.join(groups.STATISTICS)} and {', '.join(groups.BANDS)}"
            raise ValueError(f"statistic and band are among {choices}")
        return Asked(told, wanted.tag, wanted.rank, view, statistic, band)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise HTTPException(400, f"This is not a request for bands: {error!r:.300}.") from error


def _ids(given: Any) -> list[str]:
    ids = list(dict.fromkeys(asked.texts(given)))
    if len(ids) > asked.MAX_RUNS:
        raise HTTPException(413, f"{len(ids)} runs in one group; {asked.MAX_RUNS} are allowed.")
    return ids


def _along(line: Line | None, axis: str, began: float) -> tuple[Any, Any]:
    if line is None:
        return np.empty(0), np.empty(0)
    place = line.columns[0] if axis == "step" else line.columns[1] - began
    order = np.argsort(place, kind="stable")
    return place[order], line.columns[2][order]
