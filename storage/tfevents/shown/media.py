"""Kinds that are looked at and listened to: images, videos, sounds, meshes."""

from __future__ import annotations

import json

import numpy as np
from numpy.typing import NDArray
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.audio.plugin_data_pb2 import AudioPluginData
from tensorboard.plugins.mesh.plugin_data_pb2 import MeshPluginData

from ...kinds.audio import Audio
from ...kinds.image import Image
from ...kinds.mesh import Mesh
from ...kinds.video import Video
from .texts import note
from .value import strings, value

PICTURES = ("gif", "png")
"""Formats of videos that browsers play as pictures."""
_PARTS = {"VERTEX": MeshPluginData.VERTEX, "FACE": MeshPluginData.FACE, "COLOR": MeshPluginData.COLOR}
_Parts = list[tuple[str, NDArray[np.float32]]]


def image(record: Image, tag: str) -> list[Summary.Value]:
    return [_picture(tag, record.png, record.width, record.height, record.caption)]


def video(record: Video, tag: str) -> list[Summary.Value]:
    """A GIF or an animated PNG as a picture that moves, every pixel of it; of other formats a note."""
    if record.format in PICTURES:
        return [_picture(tag, record.data, record.width, record.height, record.caption)]
    return [note(f"{tag}/{record.format}", "A video, which TensorBoard cannot show.")]


def audio(record: Audio, tag: str) -> list[Summary.Value]:
    content = AudioPluginData(encoding=AudioPluginData.WAV).SerializeToString()
    return [value(tag, "audio", strings([[record.wav, record.caption]]), content)]


def mesh(record: Mesh, tag: str) -> list[Summary.Value]:
    """A value each for vertices, faces and colours, which TensorBoard joins by the name of the mesh."""
    parts: _Parts = [("VERTEX", record.vertices)]
    if record.faces is not None:
        parts.append(("FACE", record.faces.astype(np.float32)))
    if record.colors is not None:
        parts.append(("COLOR", record.colors.astype(np.float32)))
    components = sum(1 << _PARTS[name] for name, _ in parts)
    return [_mesh_part(tag, name, array, components, json.dumps(record.config)) for name, array in parts]


def _picture(tag: str, data: bytes, width: int, height: int, caption: str) -> Summary.Value:
    return value(tag, "images", strings([str(width), str(height), data]), description=caption)


def _mesh_part(
    tag: str, part: str, array: NDArray[np.float32], components: int, config: str
) -> Summary.Value:
    batch = array[np.newaxis]
    content = MeshPluginData(
        name=tag, content_type=_PARTS[part], components=components, shape=batch.shape, json_config=config
    )
    return value(f"{tag}_{part}", "mesh", batch, content.SerializeToString())
