"""Meshes and point clouds for the browser: what can be drawn of one, and words for what cannot."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ..storage.records import spread
from . import asked, packed
from .mesh_config import checked
from .record_steps import steps_of

if TYPE_CHECKING:
    from ..storage import Store
    from ..storage.kinds.mesh import Mesh

MAX_VERTICES = 2_000_000
MAX_FACES = 4_000_000


@dataclass
class Drawable:
    """What of a mesh can be drawn, and ``notes`` for a person on what cannot.

    ``positions`` N x 3 are finite. ``faces`` M x 3 name them; without any, points are drawn.
    """

    positions: NDArray[np.float32]
    colors: NDArray[np.uint8] | None
    faces: NDArray[np.uint32]
    config: dict[str, Any]
    notes: list[str] = field(default_factory=list)


def create_routes(store: Store) -> list[BaseRoute]:
    async def meshes(request: Request) -> Response:
        """``?runs=A,B``: their meshes, ``[{run, tag, rank, steps, indices}, …]``."""
        ids = asked.run_ids(request, "runs")
        return JSONResponse({"meshes": await asyncio.to_thread(read_meshes, store, ids)})

    async def mesh(request: Request) -> Response:
        """``?run=&tag=&rank=&index=``: one mesh, packed."""
        run, tag = asked.text(request, "run"), asked.text(request, "tag")
        rank, index = asked.place(request, "rank", "0"), asked.place(request, "index")
        body = await asyncio.to_thread(read_mesh, store, run, tag, rank, index)
        return Response(body, media_type=packed.MEDIA_TYPE)

    return [Route("/api/v1/meshes", meshes), Route("/api/v1/mesh", mesh)]


def read_meshes(store: Store, run_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The meshes of some runs, each with its steps, sorted, and the index of each step's last one."""
    found = [
        {"run": one.run_id, "tag": one.tag, "rank": one.rank} | steps_of(store, one)
        for one in (store.series(run_ids, "mesh") if run_ids else [])
    ]
    return [one for one in found if one["steps"]]


def read_mesh(store: Store, run: str, tag: str, rank: int, index: int) -> bytes:
    """One mesh, packed. Raises ``HTTPException`` if there is none, or it is damaged."""
    try:
        record = store.record_at(run, tag, "mesh", index, rank=rank)
        found = drawable(record.value)
    except IndexError as error:
        raise HTTPException(404, "There is no such mesh.") from error
    except (ValueError, KeyError, TypeError, zlib.error) as error:
        raise HTTPException(422, f"This mesh is damaged: {error!s:.300}.") from error
    mesh = record.value
    faces = 0 if mesh.faces is None else len(mesh.faces)
    told = {"config": found.config, "notes": found.notes, "vertices": len(mesh.vertices), "faces": faces}
    arrays: dict[str, np.ndarray] = {"positions": found.positions, "corners": found.faces}
    return packed.pack(told, arrays if found.colors is None else {**arrays, "colors": found.colors})


def drawable(mesh: Mesh) -> Drawable:
    """What can be drawn of a mesh. Raises ``ValueError`` if its arrays are no N x 3."""
    if mesh.vertices.ndim != 2 or mesh.vertices.shape[1] != 3:
        raise ValueError(f"vertices are N x 3 (here {mesh.vertices.shape})")
    config, notes = checked(mesh.config)
    faces, about = _faces(mesh)
    notes += about
    finite = _all(np.isfinite(mesh.vertices))
    if missing := int((~finite).sum()):
        notes.append(f"{missing:,} of {len(finite):,} vertices hold NaN or infinities and are left out.")
    colors = mesh.colors
    if colors is not None and colors.shape != mesh.vertices.shape:
        notes.append(f"There are {len(colors):,} colors for {len(finite):,} vertices; they are left out.")
        colors = None
    if len(faces):
        positions = np.where(finite[:, None], mesh.vertices, 0)
        return Drawable(positions.astype(np.float32), colors, faces.astype(np.uint32), config, notes)
    rows = np.flatnonzero(finite)
    if len(rows) > MAX_VERTICES:
        notes.append(f"{MAX_VERTICES:,} of {len(rows):,} points are drawn, evenly spread.")
        rows = rows[spread(len(rows), MAX_VERTICES)]
    shades = None if colors is None else colors[rows].astype(np.uint8)
    empty = np.empty((0, 3), np.uint32)
    return Drawable(mesh.vertices[rows].astype(np.float32), shades, empty, config, notes)


def _faces(mesh: Mesh) -> tuple[NDArray[Any], list[str]]:
    """The faces whose corners there are, and what is to be said of the others."""
    none = np.empty((0, 3), np.int64)
    if mesh.faces is None or not len(mesh.faces):
        return none, []
    if mesh.faces.ndim != 2 or mesh.faces.shape[1] != 3:
        return none, [f"Faces are M x 3 (here {mesh.faces.shape}), so only points are drawn."]
    if len(mesh.faces) > MAX_FACES or len(mesh.vertices) > MAX_VERTICES:
        return none, [
            f"This surface of {len(mesh.vertices):,} vertices and {len(mesh.faces):,} faces is too large to "
            f"draw ({MAX_VERTICES:,} and {MAX_FACES:,} are not), so its points are drawn."
        ]
    known = _all(mesh.faces >= 0) & _all(mesh.faces < len(mesh.vertices))
    faces, notes = mesh.faces[known], []
    if len(faces) < len(known):
        notes.append(f"{len(known) - len(faces):,} of {len(known):,} faces name vertices that there are not.")
    return faces[_all(_all(np.isfinite(mesh.vertices))[faces])], notes


def _all(truths: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which rows are true in every column."""
    return np.logical_and.reduce(truths, axis=1)
