"""``/api/v1/curves``: PR curves with what their counts tell beside, and confusion matrices."""

from __future__ import annotations

import asyncio
import json
import math
import struct
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ..storage.errors import RunNotFound, SeriesNotFound
from . import asked, binary_scores
from .cards import record

if TYPE_CHECKING:
    from ..storage import SeriesRecord, Store
    from ..storage.kinds.confusion_matrix import ConfusionMatrix
    from ..storage.kinds.pr_curve import PRCurve

MAX_RUNS = 100
MAX_TAGS = 500
MAX_STEPS = 2_000
MAX_THRESHOLDS = 401
"""Of a curve with more thresholds an even spread is drawn, its ends included; areas are of all."""
MAX_CLASSES = 1_000
_NAME = 200
_DIGITS = 7


def create_routes(store: Store) -> list[BaseRoute]:
    async def index(request: Request) -> Response:
        """``?runs=A,B``: the tags of PR curves and matrices, the runs that have each, and their steps."""
        return JSONResponse(await asyncio.to_thread(read_index, store, _runs(request)))

    async def curves(request: Request) -> Response:
        """``?runs=A,B&tag=T&step=S``: each run's curve at or before the step; without one the newest."""
        tag, step, ids = asked.text(request, "tag"), _step(request), _runs(request)
        return JSONResponse({"curves": await asyncio.to_thread(read_curves, store, ids, tag, step)})

    async def matrix(request: Request) -> Response:
        """``?run=A&tag=T&step=S``: one matrix, packed as ``pack_matrix`` says."""
        where = [asked.text(request, "run"), asked.text(request, "tag"), _step(request)]
        packed = await asyncio.to_thread(read_matrix, store, *where)
        return Response(packed, media_type="application/octet-stream")

    return [
        Route("/api/v1/curves/index", index),
        Route("/api/v1/curves/pr", curves),
        Route("/api/v1/curves/matrix", matrix),
    ]


def read_index(store: Store, ids: Sequence[str]) -> dict[str, Any]:
    """``{"pr_curve": {tag: {run: steps}}, "confusion_matrix": …, "untold": N}``, steps rising."""
    found: dict[str, Any] = {"untold": 0}
    for kind in ("pr_curve", "confusion_matrix"):
        tags: dict[str, dict[str, list[int]]] = {}
        for one in store.series(ids, kind):
            if one.tag not in tags and len(tags) >= MAX_TAGS:
                found["untold"] += 1
            elif one.rank == 0:
                tags.setdefault(one.tag, {})[one.run_id] = _steps(store, one)
        found[kind] = tags
    return found


def read_curves(store: Store, ids: Sequence[str], tag: str, step: int | None) -> list[dict[str, Any]]:
    """Each run's curve and its scores, or why there are none."""
    found = []
    for run_id in ids:
        try:
            shown = record.read(store, "pr_curve", run_id, tag, step)
        except (RunNotFound, SeriesNotFound):
            continue
        except Exception as error:
            found.append({"run": run_id, "problem": f"It is damaged: {error}"})
            continue
        if shown is not None:
            told = {"run": run_id, "step": shown.record.step, "wall": shown.record.wall_time}
            found.append(told | curve_told(shown.record.value))
    return found


def curve_told(curve: PRCurve) -> dict[str, Any]:
    """A curve as the page takes it: columns by threshold, None where there is no number."""
    if problem := binary_scores.check(curve):
        return {"problem": problem}
    scores = binary_scores.score(curve)
    drawn = np.unique(np.linspace(0, len(curve.precision) - 1, MAX_THRESHOLDS).round().astype(int))
    has_positives = curve.true_positives + curve.false_positives > 0
    columns = {
        "threshold": curve.thresholds,
        "precision": np.where(has_positives, curve.precision, np.nan),
        "recall": curve.recall,
        "fpr": scores.fpr,
        "f1": scores.f1,
        **dict(zip(("tp", "fp", "tn", "fn"), curve.rows[:4], strict=True)),
    }
    bins = scores.calibration
    return {
        "problem": "",
        "thresholds": len(curve.precision),
        "columns": {name: _plain(column[drawn]) for name, column in columns.items()},
        "ap": _number(scores.average_precision),
        "auc": _number(scores.auc),
        "auc_bound": _number(scores.auc_bound),
        "ece": _number(bins.error),
        "calibration": {
            name: _plain(getattr(bins, name)) for name in ("edges", "confidence", "share", "count")
        },
    }


def read_matrix(store: Store, run_id: str, tag: str, step: int | None) -> bytes:
    """A matrix, packed. Raises ``RunNotFound``, ``SeriesNotFound`` and, if it is none to show, 422."""
    shown = record.read(store, "confusion_matrix", run_id, tag, step)
    if shown is None:
        raise HTTPException(404, "Nothing was logged up to this step.")
    value: ConfusionMatrix = shown.record.value
    count = len(value.matrix)
    if count > MAX_CLASSES:
        words = f"This matrix has {count:,} classes; up to {MAX_CLASSES:,} are shown. Log groups of classes."
        raise HTTPException(422, words)
    if not np.isfinite(value.matrix).all() or (value.matrix < 0).any() or not value.matrix.sum():
        raise HTTPException(422, "This matrix holds no counts, or some that are not finite or below zero.")
    return pack_matrix(value, {"step": shown.record.step, "wall": shown.record.wall_time})


def pack_matrix(value: ConfusionMatrix, told: Mapping[str, Any]) -> bytes:
    """The length of a header (uint32), the header as JSON, and K x K float32 counts, all little endian.

    The header is padded with spaces to a multiple of four bytes.
    """
    header = json.dumps({**told, "classes": [name[:_NAME] for name in value.classes]}).encode()
    header += b" " * (-len(header) % 4)
    return struct.pack("<I", len(header)) + header + value.matrix.astype("<f4").tobytes()


def _steps(store: Store, series: SeriesRecord) -> list[int]:
    steps = np.unique(record.steps(store, series.kind, series.run_id, series.tag, series.rank))
    if len(steps) > MAX_STEPS:
        steps = steps[np.linspace(0, len(steps) - 1, MAX_STEPS).round().astype(int)]
    return steps.tolist()


def _runs(request: Request) -> list[str]:
    ids = asked.run_ids(request, "runs")
    if len(ids) > MAX_RUNS:
        raise HTTPException(413, f"{len(ids)} runs in one request; {MAX_RUNS} are allowed.")
    return ids


def _step(request: Request) -> int | None:
    if not request.query_params.get("step"):
        return None
    return int(asked.number(request, "step", 0))


def _plain(column: Any) -> list[float | None]:
    return [_number(value) for value in column.tolist()]


def _number(value: float) -> float | None:
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
