"""Files beside the event files: embeddings of the projector, and what profilers leave."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from google.protobuf import text_format
from numpy.typing import NDArray
from tensorboard.plugins.projector.projector_config_pb2 import EmbeddingInfo, ProjectorConfig

from ..kinds.embedding import Embedding
from ..kinds.raw import Raw
from ..kinds.trace import Trace
from ..tsv import read_metadata, read_vectors
from .assets import is_ours
from .contents import Contents, Said
from .framing import MAX_PAYLOAD, Damage
from .tree import FoundFile, Tree

log = logging.getLogger(__name__)

PROFILE = "profile"
_STEP = re.compile(r"(.*):(\d+)")


def read_side_file(tree: Tree, found: FoundFile, data: bytes) -> Contents:
    """What a file says; what is wrong with it is told as damage.

    One that an export of ours wrote says nothing: the events beside it say the same, and more exactly.
    """
    if is_ours(found.name, data):
        return Contents()
    contents = Contents()
    with _told(contents, found.name, len(data)):
        if found.size > MAX_PAYLOAD:
            raise ValueError("it is too large for a store")
        if found.kind == "profile":
            contents.records.append(_profile(found, data))
        else:
            _read_projector(tree, found, data, contents)
    if contents.records:
        contents.note_wall(found.modified)
    return contents


@contextmanager
def _told(contents: Contents, name: str, size: int) -> Iterator[None]:
    """Whatever goes wrong is damage of this."""
    try:
        yield
    except Exception as error:  # text_format's, numpy's, the file system's
        contents.damage.append(Damage(0, size, f"{name} cannot be read: {error}"))


def _profile(found: FoundFile, data: bytes) -> Said:
    session, _, name = found.name.removeprefix("plugins/profile/").partition("/")
    if not name.removesuffix(".gz").endswith(".trace.json"):
        return Said(f"{PROFILE}/{session}/{name}", "raw", 0, found.modified, Raw(PROFILE, data, "file"))
    host = name.partition(".trace")[0]
    trace = Trace.from_bytes(data, f"{session} {host}")
    return Said(f"{PROFILE}/{session}/{host}", "trace", 0, found.modified, trace)


def _read_projector(tree: Tree, found: FoundFile, data: bytes, contents: Contents) -> None:
    config = text_format.Parse(data, ProjectorConfig())
    folder = found.path.rpartition("/")[0]
    for info in config.embeddings:
        match = _STEP.fullmatch(info.tensor_name)  # as PyTorch writes tag and step
        tag, step = (match[1], int(match[2])) if match else (info.tensor_name or "default", 0)
        with _told(contents, f"{found.name}, {tag}", len(data)):
            embedding, problem = _embedding(tree, folder, info)
            contents.records.append(Said(tag, "embedding", step, found.modified, embedding))
            if problem:
                contents.damage.append(Damage(0, len(data), problem))


def _embedding(tree: Tree, folder: str, info: EmbeddingInfo) -> tuple[Embedding, str]:
    """An embedding, and what is wrong with it: metadata of another length is filled up or cut."""
    if not info.tensor_path:
        raise ValueError("its vectors are in a checkpoint and not in a file of their own")
    problem = ""
    vectors = _vectors(_file(tree, folder, info.tensor_path), list(info.tensor_shape))
    columns: list[str] = []
    rows: list[list[str]] = []
    if info.metadata_path:
        columns, rows = read_metadata(_file(tree, folder, info.metadata_path).decode("utf-8", "replace"))
        if len(rows) != len(vectors):
            problem = f"{info.metadata_path} has {len(rows):,} rows for {len(vectors):,} vectors"
            rows = rows[: len(vectors)] + [[""] * len(columns)] * (len(vectors) - len(rows))
    sprite = _file(tree, folder, info.sprite.image_path) if info.sprite.image_path else b""
    size = tuple(info.sprite.single_image_dim)
    pixels = (size[0], size[1]) if len(size) == 2 else (0, 0)
    return Embedding(vectors, columns, [list(row) for row in rows], sprite, pixels), problem


def _vectors(data: bytes, shape: list[int]) -> NDArray[np.float32]:
    """Rows of numbers: float32 if their shape is told, else a line of text each."""
    return np.frombuffer(data, "<f4").reshape(shape) if shape else read_vectors(data.decode())


def _file(tree: Tree, folder: str, path: str) -> bytes:
    """A file that a config names, in its folder and nowhere else. Raises ``ValueError`` and ``OSError``."""
    if path.startswith("/") or ".." in path.split("/"):
        raise ValueError(f"{path} is not below the folder of the config")
    return tree.read(f"{folder}/{path}", 0, MAX_PAYLOAD)
