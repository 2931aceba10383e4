"""What people send to look at: vectors and metadata of files, and cells that they changed."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ...storage import tsv
from ...storage.kinds.embedding import Embedding
from ...storage.run_rows import clean_text
from .. import asked as questions
from . import asked
from .held import Metadata

if TYPE_CHECKING:
    from ...storage.kinds.table import Cell
    from .clouds import Cloud, Clouds

PATH = "/api/v1/projector"
VECTORS_PATH, METADATA_PATH, LABEL_PATH = f"{PATH}/vectors", f"{PATH}/metadata", f"{PATH}/label"
_CELL_BYTES = 64
_LONGEST_NAME = 200
_LONGEST_CELL = 1_000
_NPY = b"\x93NUMPY"


def create_routes(clouds: Clouds) -> list[BaseRoute]:
    routes = _Routes(clouds)
    return [
        Route(VECTORS_PATH, routes.send_vectors, methods=["POST"]),
        Route(METADATA_PATH, routes.send_metadata, methods=["POST"]),
        Route(METADATA_PATH, routes.save_metadata),
        Route(LABEL_PATH, routes.label, methods=["POST"]),
    ]


class _Routes:
    def __init__(self, clouds: Clouds) -> None:
        self._clouds = clouds
        self._held = clouds.held
        self._turn = asyncio.Lock()

    async def send_vectors(self, request: Request) -> Response:
        """``?name=words.tsv``, the body the file: answers with the ``run`` and ``tag`` to ask for it by."""
        name = _name(request)
        content = await request.body()
        async with self._turn:
            embedding = await asyncio.to_thread(read_vectors, name, content)
        size = embedding.vectors.nbytes
        return JSONResponse({"run": self._held.keep(content, embedding, size), "tag": name})

    async def send_metadata(self, request: Request) -> Response:
        """``?name=labels.tsv`` and an embedding, the body the file: answers with ``metadata`` to ask by."""
        name = _name(request)
        content = await request.body()
        cloud = await self._read(request)
        async with self._turn:
            known = await asyncio.to_thread(read_metadata, name, content, cloud.count)
        return JSONResponse({"metadata": self._keep(content, known)})

    async def save_metadata(self, request: Request) -> Response:
        """All metadata of an embedding as tab-separated values, as TensorBoard's projector loads it."""
        embedding = (await self._read(request)).embedding
        body = await asyncio.to_thread(tsv.write_metadata, embedding.columns, embedding.metadata)
        headers = {"content-disposition": 'attachment; filename="metadata.tsv"'}
        return Response(body, headers=headers, media_type="text/tab-separated-values; charset=utf-8")

    async def label(self, request: Request) -> Response:
        """``{"rows": […], "column": …, "text": …}``: answers with ``metadata`` in which this is so."""
        body = await questions.body(request)
        cloud = await self._read(request)
        rows = rows_of(body.get("rows"), cloud)
        column, text = (_text(body.get(key, "")) for key in ("column", "text"))
        if not column:
            raise HTTPException(400, "Name the column that is to be changed.")
        known = await asyncio.to_thread(labelled, cloud.embedding, rows, column, text)
        before = request.query_params.get("metadata", "")
        told = repr((asked.place(request), before, rows, column, text)).encode()
        return JSONResponse({"metadata": self._keep(told, known)})

    def _keep(self, content: bytes, known: Metadata) -> str:
        return self._held.keep(content, known, len(known.rows) * len(known.columns) * _CELL_BYTES)

    async def _read(self, request: Request) -> Cloud:
        return await asyncio.to_thread(self._clouds.read, asked.place(request))


def rows_of(wanted: object, cloud: Cloud) -> list[int]:
    """Numbers of a cloud's points. Raises ``HTTPException`` if some are none."""
    if not isinstance(wanted, list) or not all(type(row) is int and 0 <= row < cloud.count for row in wanted):
        raise HTTPException(400, "'rows' must be numbers of points.")
    return wanted


def read_vectors(name: str, content: bytes) -> Embedding:
    """The vectors of a file: a line of numbers between tabs each, or an array of NumPy (``.npy``).

    Raises ``HTTPException`` that names the file and what is wrong with it.
    """
    try:
        if content.startswith(_NPY):
            array = np.load(io.BytesIO(content), allow_pickle=False)
            vectors = np.ascontiguousarray(array, np.float32)
        else:
            vectors = tsv.read_vectors(content.decode("utf-8-sig"))
        embedding = Embedding(vectors)
    except UnicodeDecodeError as error:
        raise HTTPException(422, f"{name} is neither text nor an array of NumPy.") from error
    except (ValueError, TypeError, EOFError) as error:
        raise HTTPException(422, f"{name} holds no vectors: {error!s:.300}.") from error
    if not embedding.vectors.size:
        raise HTTPException(422, f"{name} is empty.")
    return embedding


def read_metadata(name: str, content: bytes, count: int) -> Metadata:
    """What a file says of each of ``count`` points. Raises ``HTTPException`` if it is about other points."""
    columns, rows = tsv.read_metadata(content.decode("utf-8-sig", "replace"))
    if len(rows) != count:
        header = " below their names" if len(columns) > 1 else ""
        raise HTTPException(422, f"{name} has {len(rows):,} rows{header}, and there are {count:,} points.")
    return Metadata(columns, [list(row) for row in rows])


def labelled(embedding: Embedding, rows: Sequence[int], column: str, text: str) -> Metadata:
    """Metadata in which ``column``, a new one if need be, says ``text`` of some rows."""
    columns = list(embedding.columns) if embedding.metadata else []
    known: Sequence[list[Cell]] = embedding.metadata or [[] for _ in embedding.vectors]
    changed = list(known)
    if column not in columns:
        columns.append(column)
        changed = [[*row, None] for row in known]
    at = columns.index(column)
    for row in rows:
        changed[row] = [*changed[row][:at], text, *changed[row][at + 1 :]]
    return Metadata(columns, changed)


def _text(given: object) -> str:
    return clean_text(str(given))[:_LONGEST_CELL].strip()


def _name(request: Request) -> str:
    return clean_text(request.query_params.get("name", ""))[-_LONGEST_NAME:] or "The file"
