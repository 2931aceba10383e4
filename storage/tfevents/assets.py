"""Files that stand beside a run's events: embeddings for the projector, traces for profilers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import text_format
from tensorboard.plugins.projector.projector_config_pb2 import EmbeddingInfo, ProjectorConfig, SpriteMetadata

from ..kinds.embedding import Embedding
from ..kinds.trace import Trace
from ..tsv import write_metadata
from .names import safe_path

PROJECTOR_CONFIG = "projector_config.pbtxt"
_OURS = "# Written by trainboard; the event file holds the same vectors.\n"
_TRACE = "trainboard.trace.json.gz"
_ASSETS = "embeddings"


def is_ours(name: str, data: bytes) -> bool:
    """Whether a file is one of these."""
    return name.endswith(f"/{_TRACE}") or data.startswith(_OURS.encode())


class Projector:
    """The embeddings of one run, in files below its folder. Raises ``OSError``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._config = ProjectorConfig()

    def add(self, record: Embedding, tag: str, step: int) -> None:
        """Write an embedding's files, and name them in the configuration. An empty one cannot be shown."""
        if not record.vectors.size:
            return
        name = f"{tag}:{step:05d}"
        place = Path(_ASSETS) / safe_path(name)
        (self._folder / place).mkdir(parents=True, exist_ok=True)
        told = EmbeddingInfo(tensor_name=name.encode("utf-8", "replace").decode())
        told.tensor_path = self._write(place / "tensors.tsv", _vectors(record.vectors))
        if record.metadata:
            told.metadata_path = self._write(
                place / "metadata.tsv", write_metadata(record.columns, record.metadata)
            )
        if record.sprite:
            image = self._write(place / "sprite.png", record.sprite)
            told.sprite.CopyFrom(SpriteMetadata(image_path=image, single_image_dim=record.sprite_size))
        self._config.embeddings.append(told)
        (self._folder / PROJECTOR_CONFIG).write_text(_OURS + text_format.MessageToString(self._config))

    def _write(self, place: Path, content: bytes) -> str:
        (self._folder / place).write_bytes(content)
        return place.as_posix()


def write_trace(record: Trace, folder: Path, tag: str, step: int) -> None:
    """Write a trace where TensorBoard's profilers look for it, as a session. Raises ``OSError``."""
    session = folder / "plugins" / "profile" / safe_path(f"{tag}-{step}".replace("/", "_"))
    session.mkdir(parents=True, exist_ok=True)
    (session / _TRACE).write_bytes(record.gzipped)


def _vectors(vectors: np.ndarray[Any, np.dtype[np.float32]]) -> bytes:
    """Tab-separated, with the digits that tell each float32 from any other."""
    return "".join("\t".join(map(str, row)) + "\n" for row in vectors).encode()
