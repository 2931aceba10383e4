"""Event files for tests, written record by record."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

import google_crc32c
import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.util.tensor_util import make_tensor_proto

NAME = "events.out.tfevents.1000000000.host.1.0"


def record(event: Event) -> bytes:
    return framed(event.SerializeToString())


def framed(payload: bytes) -> bytes:
    return header(len(payload)) + payload + struct.pack("<I", masked(payload))


def scalar(step: int, value: float | None = None, tag: str = "loss") -> bytes:
    """A point as PyTorch writes it, at a wall time that goes with its step."""
    kept = Summary.Value(tag=tag, simple_value=float(step) if value is None else value)
    return record(Event(wall_time=1e9 + step, step=step, summary=Summary(value=[kept])))


def tensor(step: int, plugin: str = "") -> bytes:
    """A point as TensorFlow 1 writes it: only the first of a tag says for which plugin it is."""
    kept = Summary.Value(tag="loss", tensor=make_tensor_proto(np.float32(step)))
    if plugin:
        kept.metadata.plugin_data.plugin_name = plugin
    return record(Event(wall_time=1e9 + step, step=step, summary=Summary(value=[kept])))


def scalars(steps: Iterable[int], tag: str = "loss") -> bytes:
    return b"".join(scalar(step, tag=tag) for step in steps)


def picture(step: int, size: int = 10_000) -> bytes:
    """An image that is too large to be read before scalars, and is none that anybody can decode."""
    kept = Summary.Value(tag="picture", image=Summary.Image(encoded_image_string=bytes(size)))
    return record(Event(wall_time=1e9 + step, step=step, summary=Summary(value=[kept])))


def header(length: int) -> bytes:
    """How a record of any length begins, with the right checksum."""
    packed = struct.pack("<Q", length)
    return packed + struct.pack("<I", masked(packed))


def masked(data: bytes) -> int:
    crc = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


VERSION = record(Event(wall_time=1e9, file_version="brain.Event:2"))


def write(folder: Path, content: bytes, name: str = NAME) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    return path


def append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)
