"""Files beside the event files: embeddings of the projector, and what profilers leave."""

from __future__ import annotations

import logging
import re

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
    contents = Contents(first_wall=found.modified, last_wall=found.modified)
    try:
        if found.size > MAX_PAYLOAD:
            raise ValueError("it is too large for a store")
        is_profile = found.kind == "profile"
        contents.records = _profile(found, data) if is_profile else _projector(tree, found, data, contents)
    except Exception as error:  # text_format's, numpy's, the file system's
        contents.damage.append(Damage(0, len(data), f"{found.name} cannot be read: {error}"))
    return contents


def _profile(found: FoundFile, data: bytes) -> list[Said]:
    session, _, name = found.name.removeprefix("plugins/profile/").partition("/")
    if not name.removesuffix(".gz").endswith(".trace.json"):
        return [Said(f"{PROFILE}/{session}/{name}", "raw", 0, found.modified, Raw(PROFILE, data, "file"))]
    host = name.partition(".trace")[0]
    trace = Trace.from_bytes(data, f"{session} {host}")
    return [Said(f"{PROFILE}/{session}/{host}", "trace", 0, found.modified, trace)]


def _projector(tree: Tree, found: FoundFile, data: bytes, contents: Contents) -> list[Said]:
    config = text_format.Parse(data, ProjectorConfig())
    folder = found.path.rpartition("/")[0]
    said: list[Said] = []
    for info in config.embeddings:
        match = _STEP.fullmatch(info.tensor_name)  # as PyTorch writes tag and step
        tag, step = (match[1], int(match[2])) if match else (info.tensor_name or "default", 0)
        if not info.tensor_path:
            continue
        try:
            embedding, problem = _embedding(tree, folder, info)
            said.append(Said(tag, "embedding", step, found.modified, embedding))
        except Exception as error:  # those of numpy and the file system: the others can be read
            problem = f"{info.tensor_path} cannot be read: {error}"
        if problem:
            contents.damage.append(Damage(0, len(data), problem))
    return said


def _embedding(tree: Tree, folder: str, info: EmbeddingInfo) -> tuple[Embedding, str]:
    """An embedding, and what is wrong with it: metadata of another length is filled up or cut."""
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
