"""The columns of a table of runs: which there are, and what a run has in each."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..storage.filter_syntax import Field, parse_field
from ..storage.json_values import value_at
from ..storage.natural_order import in_order
from ..storage.run_table import Metric, RunRow, Summary, TableQuery
from .groups import flatten, varying
from .run_rows import visible_name

if TYPE_CHECKING:
    from ..storage import Store

SUMMARIES: Mapping[str, Summary] = {
    "last": "last",
    "min": "minimum",
    "max": "maximum",
    "mean": "mean",
    "min_step": "min_step",
    "max_step": "max_step",
}
MAX_COLUMNS = 60
_LOOKED_AT = 500
_LOOKED_AT_FOR_TAGS = 100
_MOST_TAGS = 2_000
_AT_FIRST = 8
_LONGEST_TEXT = 300
_ASIDE = ("system/", "knobs/", "steps/")
"""What tells of the machine and of the program, not of how well a model learns."""


def columns(store: Store, project: str | None) -> dict[str, Any]:
    """What a table can show, by the project's newest runs: ``config`` keys, the tags of scalars, and
    ``first``, the columns it begins with: what varies in config, and the tags most runs have.
    ``metric`` is the tag that runs are first compared by: a loss if most have one, of validation if any."""
    rows = store.run_table(TableQuery(project, limit=_LOOKED_AT, archived=True)).rows
    configs = [flatten(row.config) for row in rows]
    keys = in_order(key for config in configs for key in config)
    newest = [row.id for row in rows[:_LOOKED_AT_FOR_TAGS]]
    listed = store.series_list(newest, "scalar", limit=_MOST_TAGS)
    counts: Counter[str] = Counter()
    for positions in listed.of_run.values():
        counts.update({listed.series[at][0] for at in positions if listed.series[at][2] == 0})
    tags = in_order(counts)
    common = sorted(tags, key=lambda tag: (tag.startswith(_ASIDE), -counts[tag]))
    most = [tag for tag in common if counts[tag] == counts[common[0]]]
    metric = min(most, key=lambda tag: ("loss" not in tag, "val" not in tag), default="")
    first = [f"config.{key}" for key in varying(configs)[:_AT_FIRST]]
    first += [f"last.{tag}" for tag in common[: _AT_FIRST // 2]]
    return {"config": keys, "tags": tags, "first": first, "metric": metric, "looked_at": len(rows)}


def metrics_of(names: Sequence[str]) -> list[Metric]:
    """The numbers of series that columns need."""
    found = map(_metric, map(parse_field, names))
    return [metric for metric in found if metric is not None]


def table_row(row: RunRow, color: str, names: Sequence[str]) -> dict[str, Any]:
    """A run as the page takes it; ``values`` are those of the columns, in their order."""
    return {
        "id": row.id,
        "name": visible_name(row),
        "project": row.project,
        "group": row.group,
        "color": color,
        "status": row.status,
        "error": row.error,
        "tags": [plain(tag) for tag in row.tags],
        "notes": row.notes,
        "created": row.created_at,
        "updated": row.updated_at,
        "duration": (row.ended_at or row.updated_at) - row.created_at,
        "archived": row.archived_at is not None,
        "values": {name: _value(row, parse_field(name)) for name in names},
    }


def plain(value: Any) -> Any:
    """A value as strict JSON takes it, for people: NaN and infinities by name, anything nested as text."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "−∞"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        value = str(value)
    elif value is not None and not isinstance(value, (str, int, float)):
        value = json.dumps(value)
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return f"{value[:_LONGEST_TEXT]}…"
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def number_of(row: RunRow, name: str) -> float | None:
    """The finite number that a run has in a column, or None."""
    value = _value(row, parse_field(name))
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _value(row: RunRow, field: Field) -> Any:
    if field.key is None:
        return None
    if field.space == "config":
        return plain(value_at(row.config, field.key))
    if field.space == "summary" and field.key in row.summary:
        return plain(row.summary[field.key])
    metric = _metric(field)
    return None if metric is None else plain(row.metrics.get(metric))


def _metric(field: Field) -> Metric | None:
    space = "last" if field.space == "summary" else field.space
    return Metric(field.key, SUMMARIES[space]) if field.key and space in SUMMARIES else None
