"""The flight recorder's events as reports: what, where, since when, what came before, and why, probably."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from .causes import Evidence, causes
from .signals import signals_before

if TYPE_CHECKING:
    from ...storage import Record, SeriesRecord, Store

TAG = "flight_recorder"
LIMIT = 5
MAX_LAYERS = 200
MAX_STEPS = 64
_LONGEST = 20_000
_WHAT: Mapping[str, str] = {
    "forward": "NaN or infinity came out of {layer}.",
    "loss": "The loss made NaN or infinity out of a model output that was finite.",
    "backward": "The backward pass of {layer} made NaN or infinity.",
    "update": "The optimizer's step made NaN or infinity of the weights of {layer}.",
}


@dataclass(frozen=True)
class Fault:
    """What a flight recorder's event says, whoever logged it, checked and bounded.

    ``steps`` are those of which norms were kept, oldest first; ``norms`` has them for gradients and weights.
    """

    layer: str
    phase: str
    step: int
    batch: int | None
    last_good_step: int | None
    detail: str
    trace: str
    steps: list[int]
    norms: dict[str, Norms]


@dataclass(frozen=True)
class Norms:
    """Names, and for each of them a number a step: NaN where none was kept, infinite if it was not finite."""

    names: list[str]
    rows: list[list[float]]


def read(store: Store, run_id: str) -> dict[str, Any]:
    """The reports of a run, newest first, at most ``LIMIT``, and how many there are."""
    series = [one for one in store.series(run_id, "event") if one.tag == TAG]
    reports = [_report(store, one, record) for one in series for record in _newest(store, one)]
    reports.sort(key=lambda report: (report["step"], report["wall_time"]), reverse=True)
    return {"total": sum(one.count for one in series), "reports": reports[:LIMIT]}


def _newest(store: Store, series: SeriesRecord) -> list[Record]:
    start = max(series.count - LIMIT, 0)
    return store.records_since(series.run_id, TAG, "event", start, rank=series.rank, limit=LIMIT)


def _report(store: Store, series: SeriesRecord, record: Record) -> dict[str, Any]:
    fault = parse(record.value.data, record.step)
    signals = signals_before(store, series.run_id, series.rank, fault.step)
    found = causes(Evidence(fault, signals))
    layer = f"layer {fault.layer}" if fault.layer else "a layer"
    what = _WHAT.get(fault.phase, "There was NaN or infinity.").format(layer=layer)
    told = asdict(fault) | {"norms": {source: _plain(norms) for source, norms in fault.norms.items()}}
    return told | {
        "rank": series.rank,
        "wall_time": record.wall_time,
        "what": what,
        "title": record.value.title[:_LONGEST],
        "signals": [signal.plain() for signal in signals],
        "causes": [asdict(cause) for cause in found],
    }


def parse(data: Mapping[str, Any], step: int) -> Fault:
    """An event's data; what is missing or of another form is left out, never an error."""
    ring = data.get("ring")
    kept = [entry for entry in ring if isinstance(entry, dict)][-MAX_STEPS:] if isinstance(ring, list) else []
    kept = [entry for entry in kept if _whole(entry.get("step")) is not None]
    return Fault(
        layer=_text(data.get("layer")),
        phase=_text(data.get("phase")),
        step=_whole(data.get("step")) or step,
        batch=_whole(data.get("batch")),
        last_good_step=_whole(data.get("last_good_step")),
        detail=_text(data.get("detail")),
        trace=_text(data.get("trace")),
        steps=[int(entry["step"]) for entry in kept],
        norms={source: _norms(kept, source) for source in ("gradients", "weights")},
    )


def _norms(kept: Sequence[Mapping[str, Any]], source: str) -> Norms:
    told = [entry[source] if isinstance(entry.get(source), dict) else {} for entry in kept]
    names = list(dict.fromkeys(name for entry in told for name in entry))[:MAX_LAYERS]
    return Norms(names, [[_norm(entry.get(name)) for entry in told] for name in names])


def _norm(value: Any) -> float:
    """NaN says that nothing was kept, infinity that the norm was not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    return float(value) if math.isfinite(value) else math.inf


def _plain(norms: Norms) -> dict[str, Any]:
    """As JSON: null where nothing was kept, "bad" where the norm was not finite."""
    rows = [[_cell(value) for value in row] for row in norms.rows]
    return {"names": norms.names, "rows": rows}


def _cell(value: float) -> float | str | None:
    return None if math.isnan(value) else "bad" if math.isinf(value) else value


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**62 else None


def _text(value: Any) -> str:
    return value[:_LONGEST] if isinstance(value, str) else ""
