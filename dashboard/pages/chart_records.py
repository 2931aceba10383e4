"""What the Charts page shows beside curves: the histograms and the images of a tag, of all shown runs."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plotly.utils import PlotlyJSONEncoder
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .. import asked
from ..cards import histogram, image, record
from ..cards.figure import INK, nothing
from ..colors import run_color
from ..merged_histograms import MergedHistograms
from .step_slider import spread

if TYPE_CHECKING:
    from ...storage import SeriesRecord, Store

MAX_RUNS = 12
"""More runs than these are not drawn on one card."""

_ANSWER_SECONDS = 0.5
_KEPT_BYTES = 64 << 20


@dataclass(frozen=True)
class Asked:
    """A tag of some runs, with the colours that the page gives these; ``step`` None is the newest."""

    tag: str
    colors: Mapping[str, str]
    step: int | None
    theme: str

    @staticmethod
    def of(request: Request) -> Asked:
        """``?tag=T&runs=A,B&colors=rrggbb,…&step=N&theme=T``."""
        runs = asked.run_ids(request, "runs")[:MAX_RUNS]
        given = request.query_params.get("colors", "").split(",")
        own = [f"#{one}" if _is_color(one) else run_color(0) for one in given]
        step = asked.number(request, "step", math.inf) if "step" in request.query_params else None
        theme = request.query_params.get("theme", "")
        return Asked(
            asked.text(request, "tag"),
            {run: own[at] if at < len(own) else run_color(0) for at, run in enumerate(runs)},
            None if step is None else int(step),
            theme if theme in INK else "light",
        )


def routes(store: Store) -> list[BaseRoute]:
    merged = MergedHistograms(store, _KEPT_BYTES)

    async def histograms(request: Request) -> Response:
        """``{"figure": a figure of Plotly, "read": share}``: below 1, it is to be asked for again."""
        told = await asyncio.to_thread(read_histograms, store, merged, Asked.of(request))
        return Response(json.dumps(told, cls=PlotlyJSONEncoder), media_type="application/json")

    async def images(request: Request) -> Response:
        """``{"images": [{"run", "name", "color", "step", "picture", "problem"}, …], "steps": […]}``."""
        return JSONResponse(await asyncio.to_thread(read_images, store, Asked.of(request)))

    return [Route("/api/v1/charts/histograms", histograms), Route("/api/v1/charts/images", images)]


def read_histograms(store: Store, merged: MergedHistograms, wanted: Asked) -> dict[str, Any]:
    """At a step what each run holds there; else the steps of one run behind one another, or of several the
    quantiles along them."""
    held = _series(store, wanted, "histogram")
    view = "one" if wanted.step is not None else "bands" if len(held) > 1 else "ridge"
    until = time.monotonic() + _ANSWER_SECONDS
    lines, shares = [], [1.0]
    for series, name, color in held:
        found = (
            merged.at(series, wanted.step)
            if view == "one"
            else merged.read(series, histogram.MOST[view], None, until)
        )
        shares.append(found.read)
        lines.append(histogram.Line(name, color, found.columns, found.started))
    if (read := min(shares)) < 1:
        return {"figure": nothing(f"Adding up histograms: {100 * read:.0f} %", wanted.theme), "read": read}
    look = histogram.Look(wanted.theme, step=wanted.step, revision=f"{view} {wanted.theme}")
    return {"figure": histogram.draw(lines, view, look), "read": 1.0}


def read_images(store: Store, wanted: Asked) -> dict[str, Any]:
    """The image of every run at or before the step, and all steps that there are."""
    told, steps = [], set[int]()
    for series, name, color in _series(store, wanted, "image"):
        where = series.run_id, series.tag
        steps.update(record.steps(store, "image", *where, series.rank).tolist())
        shown = record.read(store, "image", *where, wanted.step, series.rank)
        problem = "Nothing logged up to this step" if shown is None else image.problem(shown.record.value)
        told.append(
            {
                "run": series.run_id,
                "name": name,
                "color": color,
                "step": shown and shown.record.step,
                "picture": image.picture(shown, name) if shown and not problem else None,
                "problem": problem,
            }
        )
    return {"images": told, "steps": spread(sorted(steps))}


def _series(store: Store, wanted: Asked, kind: str) -> list[tuple[SeriesRecord, str, str]]:
    """Of every run that has the tag its first rank's series, its name and its colour, in the order asked."""
    names = {row.id: row.name for row in store.run_rows(list(wanted.colors))}
    found: dict[str, SeriesRecord] = {}
    for one in store.series(list(names), kind=kind, tag=wanted.tag):
        if one.run_id not in found or one.rank < found[one.run_id].rank:
            found[one.run_id] = one
    return [(found[run], names[run], color) for run, color in wanted.colors.items() if run in found]


def _is_color(text: str) -> bool:
    return len(text) == 6 and all(letter in "0123456789abcdef" for letter in text)
