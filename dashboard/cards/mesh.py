"""Meshes and point clouds, to be turned by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import numpy as np
from dash import html

from ...storage.records import spread
from .figure import INK, figure, plot
from .record import Shown, frame, nothing

if TYPE_CHECKING:
    from ...storage.kinds.mesh import Mesh

MAX_POINTS = 20_000
MAX_FACES = 60_000


def draw(shown: Shown | None, name: str = "", color: str = "", theme: str = "light") -> html.Figure:
    """A surface, or without faces its points; words, if there are none or too many faces."""
    body = [*_body(shown.record.value, color, theme), _link(shown)] if shown else []
    return frame(shown, name, color, body, "mesh")


def _link(shown: Shown) -> html.A:
    where = urlencode({"mesh_filter": shown.tag, "mesh_step": shown.record.step})
    return html.A("Open on the Mesh page", href=f"/mesh?{where}", className="media-facts")


def _body(mesh: Mesh, color: str, theme: str) -> list[Any]:
    finite = np.flatnonzero(np.isfinite(mesh.vertices).all(axis=1))
    if not len(finite):
        return [nothing("Nothing to draw: this mesh has no vertices that are finite.")]
    faces = 0 if mesh.faces is None else len(mesh.faces)
    if faces > MAX_FACES:
        return [nothing(f"This mesh of {faces:,} faces is too large to show; {MAX_FACES:,} are not.")]
    trace = _surface(mesh, color) if faces else _cloud(mesh, finite[spread(len(finite), MAX_POINTS)], color)
    drawn = figure([trace], theme, {}, {}, "mesh")
    axis = {
        "showbackground": False,
        "gridcolor": INK[theme]["line"],
        "title": {"text": ""},
        "zeroline": False,
        "nticks": 4,
        "tickfont": {"size": 9},
    }
    drawn["layout"]["scene"] = {"xaxis": axis, "yaxis": axis, "zaxis": axis, "aspectmode": "data"}
    drawn["layout"]["margin"] = {"l": 0, "r": 0, "t": 0, "b": 0}
    words = f"{len(mesh.vertices):,} vertices, " + (f"{faces:,} faces" if faces else "no faces")
    if not faces and len(finite) > MAX_POINTS:
        words += f", {MAX_POINTS:,} shown"
    return [
        plot(drawn),
        html.Div(words, className="media-facts"),
    ]


def _surface(mesh: Mesh, color: str) -> dict[str, Any]:
    assert mesh.faces is not None
    corners = dict(zip("ijk", mesh.faces.T.tolist(), strict=True))
    shades = {"color": color or None} if mesh.colors is None else {"vertexcolor": _css(mesh.colors)}
    return {"type": "mesh3d", **_places(mesh.vertices), **corners, **shades, "hoverinfo": "skip"}


def _cloud(mesh: Mesh, chosen: np.ndarray, color: str) -> dict[str, Any]:
    shade: Any = (color or None) if mesh.colors is None else _css(mesh.colors[chosen])
    marker = {"size": 2, "color": shade}
    return {"type": "scatter3d", "mode": "markers", **_places(mesh.vertices[chosen]), "marker": marker}


def _places(vertices: np.ndarray) -> dict[str, list[Any]]:
    """Coordinates by axis; what is not finite is no place, and JSON has no word for it."""
    places = vertices.astype(object)
    places[~np.isfinite(vertices)] = None
    return dict(zip("xyz", places.T.tolist(), strict=True))


def _css(colors: np.ndarray) -> list[str]:
    return [f"rgb({red},{green},{blue})" for red, green, blue in colors.tolist()]
