"""One value of a summary: a tensor for one of TensorBoard's plugins."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorboard.compat.proto.summary_pb2 import (
    DATA_CLASS_BLOB_SEQUENCE,
    DATA_CLASS_TENSOR,
    Summary,
    SummaryMetadata,
)
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.types_pb2 import DT_DOUBLE, DT_FLOAT, DT_STRING

BLOBS = ("images", "audio", "graphs")


def value(
    tag: str, plugin: str, tensor: NDArray[Any], content: bytes = b"", description: str = ""
) -> Summary.Value:
    """A tensor of float32, float64, or of bytes (dtype object), and what else its plugin must know.

    ``description`` is Markdown. The fast reader takes a class of data for what it says, not for its plugin.
    """
    metadata = SummaryMetadata(
        plugin_data=SummaryMetadata.PluginData(plugin_name=plugin, content=content),
        summary_description=description,
        data_class=DATA_CLASS_BLOB_SEQUENCE if plugin in BLOBS else DATA_CLASS_TENSOR,
    )
    return Summary.Value(tag=clean(tag), metadata=metadata, tensor=_proto(tensor))


def strings(cells: Any) -> NDArray[Any]:
    """Text and bytes, in lists of lists or alone, as a tensor."""
    return np.vectorize(_to_bytes, otypes=[object])(np.array(cells, object))


def clean(text: str) -> str:
    """Text as protobufs take it: without halves of surrogate pairs."""
    return text.encode("utf-8", "replace").decode()


def _to_bytes(cell: str | bytes) -> bytes:
    return cell if isinstance(cell, bytes) else cell.encode("utf-8", "replace")


def _proto(tensor: NDArray[Any]) -> TensorProto:
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=length) for length in tensor.shape])
    if tensor.dtype == object:
        return TensorProto(dtype=DT_STRING, tensor_shape=shape, string_val=tensor.flat)
    code = DT_DOUBLE if tensor.dtype == np.float64 else DT_FLOAT
    return TensorProto(dtype=code, tensor_shape=shape, tensor_content=tensor.tobytes())
