"""Meshes, whose vertices, faces and colours are values of their own, with tags that end so."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from tensorboard.plugins.mesh.metadata import parse_plugin_metadata
from tensorboard.plugins.mesh.plugin_data_pb2 import MeshPluginData

from ...kinds.mesh import Mesh
from .value import Read, Value, numbered

_Parts = dict[int, Value]
_MOST_WAITING = 256


class Meshes:
    """The meshes of a run. The parts of one may come in several events of its step."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, int], _Parts] = {}

    def read(self, step: int, values: Sequence[Value]) -> tuple[list[tuple[str, Mesh]], list[Value]]:
        """The meshes that are complete with some values; and those values that are not one mesh on their own.

        Raises ``ValueError`` for a mesh without vertices.
        """
        whole: list[tuple[str, Mesh]] = []
        partial: list[Value] = []
        for name, parts in _by_name(values).items():
            came_together = _are_all(parts.values())
            if not came_together:
                partial += parts.values()
                parts = self._waiting.pop((name, step), {}) | parts
            if _are_all(parts.values()):
                meshes = list(_batch(name, parts))
                whole += meshes
                partial += parts.values() if came_together and len(meshes) > 1 else ()
            else:
                self._waiting[name, step] = parts
        while len(self._waiting) > _MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
        return whole, partial


def _by_name(values: Sequence[Value]) -> dict[str, _Parts]:
    meshes: dict[str, _Parts] = defaultdict(dict)
    for value in values:
        described = parse_plugin_metadata(value.content)
        meshes[described.name][described.content_type] = value
    return meshes


def _are_all(values: Iterable[Value]) -> bool:
    """Whether no part is missing of those that the values name; some name none."""
    described = [MeshPluginData.FromString(value.content) for value in values]
    there = sum(1 << part.content_type for part in described)
    return not any(part.components & ~there for part in described)


def _batch(name: str, parts: _Parts) -> Read:
    if MeshPluginData.VERTEX not in parts:
        raise ValueError("a mesh has no vertices")
    config = parse_plugin_metadata(parts[MeshPluginData.VERTEX].content).json_config
    vertices = parts[MeshPluginData.VERTEX].tensor
    colors, faces = (_tensor(parts.get(kind)) for kind in (MeshPluginData.COLOR, MeshPluginData.FACE))
    for index, points in enumerate(vertices):
        mesh = Mesh.from_arrays(
            points,
            None if colors is None else colors[index],
            None if faces is None else faces[index],
            json.loads(config or "{}"),
        )
        yield numbered(name, index), mesh


def _tensor(part: Value | None) -> np.ndarray[Any, Any] | None:
    return None if part is None else part.tensor
