"""What a store holds as pandas tables; pandas is optional."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import MissingExtra
from .series import Points, RunRecord

if TYPE_CHECKING:
    import pandas

    from .store import Store

_OF_RUN = tuple(field.name for field in fields(RunRecord) if not field.name.startswith("_"))
_NESTED = ("config", "summary")


def load_pandas() -> Any:
    """The pandas package. Raises ``MissingExtra`` where it is not installed."""
    try:
        import pandas
    except ImportError as error:
        raise MissingExtra("Tables need pandas: pip install 'trainboard[pandas]'.") from error
    return pandas


def of_points(points: Points) -> pandas.DataFrame:
    """step, wall_time and value; of thinned points also what their buckets tell."""
    names = ["step", "wall_time", "value"]
    if not points.exact:
        names += ["minimum", "maximum", "mean", "count", "nan_count", "pos_inf_count", "neg_inf_count"]
    return load_pandas().DataFrame({name: getattr(points, name) for name in names})


def of_scalars(
    store: Store,
    runs: Sequence[str] | None = None,
    tags: Sequence[str] | None = None,
    ranks: Sequence[int] | None = None,
) -> pandas.DataFrame:
    """Scalars, one row a point: run (id), name (of the run), tag, rank, step, wall_time, value.

    All of them, or those of some runs (by id), tags and ranks. A method of ``Store``; raises
    ``MissingExtra`` without pandas.
    """
    pandas = load_pandas()
    wanted = None if runs is None else set(runs)
    known = {run.id: run.name for run in store.runs(archived=True) if wanted is None or run.id in wanted}
    for run in wanted or ():
        if run not in known:
            store.run(run)  # says which there are
    parts: list[Any] = []
    keys: list[tuple[str, str, str, int]] = []
    for found in store.series(list(known), "scalar"):
        if (tags is None or found.tag in tags) and (ranks is None or found.rank in ranks):
            parts.append(store.points(found.run_id, found.tag, rank=found.rank))
            keys.append((found.run_id, known[found.run_id], found.tag, found.rank))
    lengths = [len(part.step) for part in parts]
    labels = {
        name: pandas.Categorical.from_codes(*_codes([str(key[at]) for key in keys], lengths))
        for at, name in enumerate(("run", "name", "tag"))
    }
    numbers = {
        name: np.concatenate([getattr(part, name) for part in parts]) if parts else np.empty(0, kind)
        for name, kind in (("step", np.int64), ("wall_time", np.float64), ("value", np.float64))
    }
    rank = np.repeat(np.array([key[3] for key in keys], np.int64), lengths)
    return pandas.DataFrame({**labels, "rank": rank, **numbers})


def of_runs(store: Store, project: str | None = None, *, archived: bool = False) -> pandas.DataFrame:
    """One row a run, indexed by id; config and summary are columns ``config.lr``, ``summary.loss``.

    Those of one project or all, without the archived ones unless they are asked for. A method of ``Store``.
    """
    records = store.runs(project, archived=archived)
    names = [name for name in _OF_RUN if name != "config"]
    rows = [{name: getattr(run, name) for name in names} | _columns(run) for run in records]
    return load_pandas().DataFrame(rows, columns=None if rows else names).set_index("id")


def _columns(run: RunRecord) -> dict[str, Any]:
    return {name: value for part in _NESTED for name, value in _flat(part, getattr(run, part))}


def _flat(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(f"{prefix}.{name}", value)
        else:
            yield f"{prefix}.{name}", value


def _codes(names: Sequence[str], lengths: Sequence[int]) -> tuple[Any, list[str]]:
    """Each name as often as its length says, as numbers, and what the numbers stand for."""
    categories = list(dict.fromkeys(names))
    at = {name: number for number, name in enumerate(categories)}
    return np.repeat(np.array([at[name] for name in names], np.int64), lengths), categories
