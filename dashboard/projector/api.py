"""What the Projector page asks for, below ``/api/v1/projector/``."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .. import asked as questions
from .. import packed
from ..record_steps import steps_of
from . import asked, files
from .clouds import MAX_TEXT, Cloud, Clouds
from .files import PATH
from .jobs import Job, TooMany
from .maps import missing
from .projections import Projection, Projections

if TYPE_CHECKING:
    from ...storage import Store

MAX_CLASSES = 20
MOST_NAMES = 2_000
MAX_FOUND = 50_000
MAX_NEIGHBOURS = 500
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_PICTURES = (_PNG, _JPEG)


def create_routes(store: Store) -> list[BaseRoute]:
    projector = _Projector(store)
    return [
        Route(f"{PATH}/clouds", projector.clouds),
        Route(f"{PATH}/cloud", projector.cloud),
        Route(f"{PATH}/positions", projector.positions),
        Route(f"{PATH}/column", projector.column),
        Route(f"{PATH}/neighbours", projector.neighbours),
        Route(f"{PATH}/search", projector.search),
        Route(f"{PATH}/sprite", projector.sprite),
        Route(f"{PATH}/cancel", projector.cancel, methods=["POST"]),
        Route(f"{PATH}/rows", projector.rows, methods=["POST"]),
        *files.create_routes(projector.places),
    ]


class _Projector:
    def __init__(self, store: Store) -> None:
        self._store = store
        self.places = Clouds(store)
        self._projections = Projections(self.places)

    async def clouds(self, request: Request) -> Response:
        """``?runs=A,B``: their embeddings, ``[{run, tag, rank, steps, indices}, …]``, at most 1,000 steps."""
        ids = questions.run_ids(request, "runs")
        return JSONResponse({"clouds": await asyncio.to_thread(read_clouds, self._store, ids)})

    async def cloud(self, request: Request) -> Response:
        """What is known of one embedding: its size, its columns, its sprite, what cannot be done here."""
        cloud = await self._read(request)
        embedding = cloud.embedding
        lacking = {method: missing(method) for method in asked.METHODS}
        sprite = list(embedding.sprite_size) if embedding.sprite.startswith(_PICTURES) else None
        return JSONResponse(
            {
                "count": cloud.count,
                "finite": len(cloud.finite),
                "dimensions": cloud.dimensions,
                "columns": embedding.columns if embedding.metadata else [],
                "label": naming_column(cloud),
                "sprite": sprite,
                "most": asked.MOST_OF_METHOD,
                "missing": {method: words for method, words in lacking.items() if words},
            }
        )

    async def positions(self, request: Request) -> Response:
        """Where the points are, packed; or, by status 202, how far the making of it is.

        ``asked`` says how a view is asked for; ``basis`` is the index of the step that it is fitted to.
        Asking again for the same view changes nothing, and not asking for two minutes ends its making.
        """
        place, basis, view = asked.place(request), asked.place(request, "basis"), asked.view(request)
        try:
            if view.method == "custom":
                ends = [asked.words(request, name) for name in ("left", "right", "down", "up")]
                found: Projection | Job = await self._projections.custom(place, basis, view, ends)
            elif view.method == "pca":
                axes = asked.components(request)
                found = await self._projections.principal(place, basis, view, axes)
            else:
                found = await self._projections.map(place, basis, view)
        except TooMany as error:
            raise HTTPException(429, str(error)) from error
        if isinstance(found, Projection):
            told = {"shares": found.shares, "method": view.method}
            arrays = {"positions": found.places, "rows": found.rows.astype(np.uint32)}
            return Response(packed.pack(told, arrays), media_type=packed.MEDIA_TYPE)
        if found.error:
            raise HTTPException(422, found.error)
        return JSONResponse({"share": found.share}, 202)

    async def cancel(self, request: Request) -> Response:
        """End the making of a view, asked for as its positions are."""
        place, basis, view = asked.place(request), asked.place(request, "basis"), asked.view(request)
        return JSONResponse({"cancelled": self._projections.cancel(place, basis, view)})

    async def column(self, request: Request) -> Response:
        """``&name=&scale=``: a column of the metadata, for every point that any view of it can show."""
        cloud, name = await self._read(request), questions.text(request, "name")
        scale = asked.one_of(request, "scale", asked.SCALES)
        return JSONResponse(await asyncio.to_thread(read_column, cloud, name, scale))

    async def neighbours(self, request: Request) -> Response:
        """``&row=&metric=&count=&label=``: the nearest of all points, exactly, each with its label."""
        cloud, row = await self._read(request), questions.place(request, "row")
        if row not in cloud.finite:
            raise HTTPException(404, "There is no such point.")
        metric = asked.one_of(request, "metric", asked.METRICS)
        count = min(max(questions.place(request, "count", "10"), 1), MAX_NEIGHBOURS)
        rows, distances = await asyncio.to_thread(cloud.neighbours, row, metric, count)
        labels = labels_of(cloud, [row, *rows], asked.words(request, "label"))
        return JSONResponse(
            {"rows": rows.tolist(), "distances": distances.tolist(), "label": labels[0], "labels": labels[1:]}
        )

    async def search(self, request: Request) -> Response:
        """``&text=&pattern=0|1&label=``: which rows have this in their metadata, the first 50,000."""
        cloud, text = await self._read(request), asked.words(request, "text")
        pattern = request.query_params.get("pattern") == "1"
        rows = await asyncio.to_thread(cloud.find, text, pattern)
        labels = labels_of(cloud, rows[:MAX_NEIGHBOURS], asked.words(request, "label"))
        return JSONResponse({"rows": rows[:MAX_FOUND].tolist(), "total": len(rows), "labels": labels})

    async def sprite(self, request: Request) -> Response:
        """The picture that holds a small one of each point."""
        sprite = (await self._read(request)).embedding.sprite
        if not sprite.startswith(_PICTURES):
            raise HTTPException(404, "This embedding has no pictures.")
        headers = {
            "cache-control": "private, max-age=31536000, immutable",
            "content-security-policy": "default-src 'none'; sandbox",
        }
        kind = "image/png" if sprite.startswith(_PNG) else "image/jpeg"
        return Response(sprite, headers=headers, media_type=kind)

    async def rows(self, request: Request) -> Response:
        """``{"rows": […]}``: what is known of these points, as CSV."""
        body = await questions.body(request)
        cloud = await self._read(request)
        text = await asyncio.to_thread(as_csv, cloud, files.rows_of(body.get("rows"), cloud))
        headers = {"content-disposition": 'attachment; filename="points.csv"'}
        return Response(text, headers=headers, media_type="text/csv; charset=utf-8")

    async def _read(self, request: Request) -> Cloud:
        return await asyncio.to_thread(self.places.read, asked.place(request))


def read_clouds(store: Store, run_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The embeddings of some runs, each with its steps, sorted, and the index of each step's last one."""
    found = [
        {"run": one.run_id, "tag": one.tag, "rank": one.rank} | steps_of(store, one)
        for one in (store.series(run_ids, "embedding") if run_ids else [])
    ]
    return [one for one in found if one["steps"]]


def naming_column(cloud: Cloud) -> str:
    """The column that tells points apart best in words, the last one where all are numbers, or ""."""
    embedding = cloud.embedding
    if not embedding.metadata:
        return ""
    some = [[row[at] for row in embedding.metadata[:MOST_NAMES]] for at in range(len(embedding.columns))]
    different = [len(set(map(str, cells))) if _numbers(cells) is None else 0 for cells in some]
    best = different.index(max(different)) if any(different) else -1
    return embedding.columns[best]


def read_column(cloud: Cloud, name: str, scale: str) -> dict[str, Any]:
    """``{"rows": […], "numbers": [… or None]}``, or "texts" where cells are names, or numbers of classes.

    ``numeric`` says that they could be either, and ``scale``, "numbers" or "names", which is wanted.
    """
    column, rows = cloud.column(name), cloud.rows(asked.MOST_POINTS).tolist()
    cells = [column[row] for row in rows]
    numbers = _numbers(cells)
    told = {"rows": rows, "numeric": numbers is not None}
    if numbers is None or not (_are_measures(numbers) if scale == "auto" else scale == "numbers"):
        return told | {"texts": [_text(cell) for cell in cells]}
    known = [None if number is None or not np.isfinite(number) else number for number in numbers]
    return told | {"numbers": known}


def labels_of(cloud: Cloud, rows: Sequence[int] | np.ndarray, column: str) -> list[str]:
    """What to call points: a column of their metadata, or their numbers."""
    if column not in cloud.embedding.columns or not cloud.embedding.metadata:
        return [str(int(row)) for row in rows]
    cells = cloud.column(column)
    return [_text(cells[row]) for row in rows]


def as_csv(cloud: Cloud, rows: Sequence[int]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["row", *cloud.embedding.columns])
    for row in rows:
        writer.writerow([row, *(cloud.embedding.metadata[row] if cloud.embedding.metadata else [])])
    return text.getvalue()


def _numbers(cells: Sequence[Any]) -> list[float | None] | None:
    """Cells as numbers, None for an empty one; nothing at all if one of them is none, or all are empty.

    Files of text say numbers in words, so texts that read as numbers count.
    """
    numbers: list[float | None] = []
    for cell in cells:
        if isinstance(cell, bool):
            return None
        try:
            numbers.append(None if cell is None or cell == "" else float(cell))
        except (ValueError, OverflowError):
            return None
    return numbers if any(number is not None for number in numbers) else None


def _are_measures(numbers: Sequence[float | None]) -> bool:
    """Whether numbers lie along a scale: a few different whole ones are taken for classes."""
    known = {number for number in numbers if number is not None}
    return len(known) > MAX_CLASSES or not all(number.is_integer() for number in known)


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    return str(int(cell) if isinstance(cell, float) and cell.is_integer() else cell)[:MAX_TEXT]
