"""Trials: runs by the hyper-parameters that vary among them, and one number that tells how each went."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..storage.natural_order import in_order
from ..storage.run_table import RunRow, TableQuery
from .colors import run_color
from .groups import flatten, varying
from .run_columns import metrics_of, number_of, plain
from .sessions import parts, values_below

if TYPE_CHECKING:
    from ..storage import Store

MAX_TRIALS = 2_000
MAX_KEYS = 40
MAX_BESIDE = 20
_LATEX = str.maketrans(
    {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {one: f"\\{one}" for one in "&%$#_{}"}
)


@dataclass(frozen=True)
class Trials:
    """The newest runs, oldest first. ``configs`` have the values of ``keys``, None where a run has none;
    ``values`` are those of ``metric``, NaN where a run has no finite one; ``beside`` are those of further
    metrics, by column. ``total`` is how many there are, and ``varied`` how many hyper-parameters vary."""

    ids: list[str]
    names: list[str]
    colors: list[str]
    keys: list[str]
    configs: list[list[Any]]
    metric: str
    values: NDArray[np.float64]
    total: int
    varied: int
    beside: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def heads(self) -> list[str]:
        """The columns of a table of these trials, after their names."""
        return [*self.keys, self.metric, *self.beside]

    def rows(self) -> list[list[Any]]:
        """Of each trial the values of ``heads``, None where it has none."""
        numbers = np.column_stack([self.values, *self.beside.values()]).tolist()
        told = [[None if value != value else value for value in row] for row in numbers]
        return [[*config, *row] for config, row in zip(self.configs, told, strict=True)]

    def column(self, key: str) -> list[Any]:
        """The values of one hyper-parameter."""
        at = self.keys.index(key)
        return [config[at] for config in self.configs]


@dataclass(frozen=True)
class Scale:
    """The places of values on an axis; ``labels`` name the places of values that are no numbers. ``known``
    are the places and the values of an axis of quantiles, both ascending."""

    places: NDArray[np.float64]
    labels: list[str] | None = None
    is_log: bool = False
    known: tuple[list[float], list[float]] | None = None

    def values_at(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """The numbers that stand at these places."""
        if self.known is not None:
            return np.interp(places, *self.known)
        return 10**places if self.is_log else places


def read_trials(
    store: Store,
    project: str | None,
    where: str,
    metric: str,
    chosen: Sequence[str] = (),
    beside: Sequence[str] = (),
) -> Trials:
    """The trials among a project's runs: the hyper-parameters that vary, or ``chosen`` ones of these, and the
    values of ``metric`` and of those ``beside`` it.

    Raises ``BadFilter``.
    """
    metrics = list(dict.fromkeys(one for one in (metric, *beside[:MAX_BESIDE]) if one))
    query = TableQuery(project, where, limit=MAX_TRIALS, metrics=metrics_of(metrics))
    page = store.run_table(query)
    part_ids = {part.run.id for part in parts(page.rows)}
    listed = [one for one in zip(page.rows, page.older, strict=True) if one[0].id not in part_ids][::-1]
    flat = [flatten(row.config) for row, _ in listed]
    varied = varying(flat)
    keys = [key for key in chosen if key in varied] if chosen else varied[:MAX_KEYS]
    of_metric = {one: _values(store, project, [row for row, _ in listed], one) for one in metrics}
    nothing = np.full(len(listed), np.nan)
    return Trials(
        ids=[row.id for row, _ in listed],
        names=[row.name for row, _ in listed],
        colors=[run_color(older) for _, older in listed],
        keys=keys,
        configs=[[plain(config.get(key)) for key in keys] for config in flat],
        metric=metric,
        values=of_metric.pop(metric, nothing),
        total=page.total - len(part_ids),
        varied=len(varied),
        beside=of_metric,
    )


def _values(store: Store, project: str | None, rows: Sequence[RunRow], metric: str) -> NDArray[np.float64]:
    """What a metric is in each run, or in a part of it; NaN where it is in neither."""
    below = values_below(store, project, metric)
    own = [number_of(row, metric) for row in rows]
    found = [below.get(row.name) if value is None else value for value, row in zip(own, rows, strict=True)]
    return np.array([np.nan if value is None else value for value in found], np.float64)


def scale(values: Sequence[Any], kind: str = "auto") -> Scale:
    """Numbers as they are, or as logarithms of base 10: if ``kind`` is "log" and they allow it, or "auto" and
    they span two decades or more; or, if it is "quantile", as the share of values below, equal ones halfway.
    Anything else in order of its text, from 0 on."""
    if not any(_is_number(value) for value in values) or any(isinstance(value, str) for value in values):
        texts = ["–" if value is None else _said(value) for value in values]
        labels = in_order(texts)
        return Scale(np.array([labels.index(text) for text in texts], np.float64), labels)
    numbers = np.array([value if _is_number(value) else np.nan for value in values], np.float64)
    known = numbers[np.isfinite(numbers)]
    if kind == "quantile" and len(known):
        return _quantiles(numbers, known)
    positive = bool(len(known)) and known.min() > 0
    is_log = positive and (kind == "log" or (kind == "auto" and known.max() / known.min() >= 100))
    return Scale(np.log10(numbers) if is_log else numbers, is_log=is_log)


def _quantiles(numbers: NDArray[np.float64], known: NDArray[np.float64]) -> Scale:
    values, counts = np.unique(known, return_counts=True)
    shares = (np.cumsum(counts) - (counts + 1) / 2) / max(len(known) - 1, 1)
    finite = np.isfinite(numbers)
    places = np.full(len(numbers), np.nan)
    places[finite] = shares[np.searchsorted(values, numbers[finite])]
    return Scale(places, known=(shares.tolist(), values.tolist()))


def to_csv(trials: Trials) -> str:
    """One line a trial: id, name, hyper-parameters, metrics. Text that a spreadsheet would take for a formula
    gets a quote before it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([_harmless(one) for one in ("id", "name", *trials.heads)])
    for row in _rows(trials):
        writer.writerow([_harmless(one) for one in row])
    return out.getvalue()


def to_json(trials: Trials) -> str:
    """A list of ``{"id", "name", "config": {…}, "metric": {…}}``, one a trial."""
    keys, metrics = len(trials.keys), trials.heads[len(trials.keys) :]
    told = [
        {
            "id": run,
            "name": name,
            "config": dict(zip(trials.keys, values[:keys], strict=True)),
            "metric": dict(zip(metrics, values[keys:], strict=True)),
        }
        for run, name, *values in _rows(trials)
    ]
    return json.dumps(told, indent=1)


def to_latex(trials: Trials) -> str:
    """A ``tabular`` of names, hyper-parameters and metrics; needs no package."""
    heads = ["run", *trials.heads]
    numeric = ["r" if scale(trials.column(key)).labels is None else "l" for key in trials.keys]
    numeric += "r" * (1 + len(trials.beside))
    lines = [f"\\begin{{tabular}}{{l{''.join(numeric)}}}", "\\hline", _latex_row(heads), "\\hline"]
    lines += [_latex_row(row[1:]) for row in _rows(trials)]
    return "\n".join([*lines, "\\hline", "\\end{tabular}", ""])


def _rows(trials: Trials) -> list[list[Any]]:
    each = zip(trials.ids, trials.names, trials.rows(), strict=True)
    return [[run, name, *cells] for run, name, cells in each]


def _latex_row(cells: Sequence[Any]) -> str:
    written = (f"{one:.4g}" if isinstance(one, float) else "" if one is None else str(one) for one in cells)
    return " & ".join(" ".join(one.translate(_LATEX).split()) for one in written) + r" \\"


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
