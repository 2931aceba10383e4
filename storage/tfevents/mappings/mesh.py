"""Meshes, whose vertices, faces and colours are values of their own, with tags that end so."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from tensorboard.plugins.mesh.metadata import parse_plugin_metadata
from tensorboard.plugins.mesh.plugin_data_pb2 import MeshPluginData

from ...kinds.mesh import Mesh
from .value import Read, Value, numbered

_Parts = dict[int, tuple[np.ndarray[Any, Any], str]]


def read(values: Sequence[Value]) -> Read:
    """The meshes whose parts are among some values. Raises ``ValueError`` for one without vertices."""
    meshes: dict[str, _Parts] = defaultdict(dict)
    for value in values:
        described = parse_plugin_metadata(value.content)
        meshes[described.name][described.content_type] = value.tensor, described.json_config
    for name, parts in meshes.items():
        yield from _batch(name, parts)


def _batch(name: str, parts: _Parts) -> Read:
    if MeshPluginData.VERTEX not in parts:
        raise ValueError("a mesh has no vertices")
    vertices, config = parts[MeshPluginData.VERTEX]
    colors, faces = (parts.get(kind, (None,))[0] for kind in (MeshPluginData.COLOR, MeshPluginData.FACE))
    for index, points in enumerate(vertices):
        mesh = Mesh.from_arrays(
            points,
            None if colors is None else colors[index],
            None if faces is None else faces[index],
            json.loads(config or "{}"),
        )
        yield numbered(name, index), mesh
