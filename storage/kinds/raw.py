"""What TensorBoard's logs hold and no other kind does, byte for byte as it was found."""

from __future__ import annotations

from dataclasses import dataclass

from .base import Encoded, Kind


@dataclass(frozen=True)
class Raw:
    """A protobuf, or a file, and the plugin of TensorBoard that it is for.

    ``message`` says what ``data`` is: "summary_value" for a ``Summary.Value``; "graph_def",
    "meta_graph_def", "tagged_run_metadata", "log_message" for that field of an ``Event``; or "file".
    """

    plugin: str
    data: bytes
    message: str = "summary_value"


def encode(value: Raw) -> Encoded:
    return Encoded({"plugin": value.plugin, "message": value.message}, value.data)


def decode(encoded: Encoded) -> Raw:
    return Raw(encoded.header["plugin"], encoded.body, encoded.header["message"])


KIND = Kind("raw", Raw, "records", encode, decode, blob=True)
