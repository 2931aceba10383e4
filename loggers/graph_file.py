"""The graph in a file, by what the file is. Nothing in it is run."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

from ..storage.kinds.graph import Graph

READABLE = ".onnx, a GraphDef of TensorFlow (.pb, .pbtxt), or a program of torch.export (.pt2)"
_PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin")
_PROGRAM = "torch.export.save(torch.export.export(model, args), 'model.pt2')"


def read(path: str | os.PathLike[str]) -> Graph:
    """Return the graph of the file at a path.

    Raises OSError, ValueError for a file that is none of ``READABLE`` or is broken, and ImportError for an
    ONNX model where ``onnx`` is not installed.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    if ending == ".pt2":
        from . import exported_program

        return exported_program.capture(path)
    if ending in (".pb", ".pbtxt"):
        return _graph_def(path, ending)
    if ending in _PICKLES or (ending != ".onnx" and zipfile.is_zipfile(path)):
        raise ValueError(
            f"{path.name} may be a pickle, and reading a pickle runs what it holds; save the program "
            f"instead: {_PROGRAM}"
        )
    if ending != ".onnx":
        raise ValueError(f"{path.name} is none of the files that can be read: {READABLE}")
    from . import onnx_graph

    return onnx_graph.capture(path)


def _graph_def(path: Path, ending: str) -> Graph:
    from google.protobuf import message, text_format
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    from ..storage.tfevents.mappings.graph_def import draw

    definition: Any = GraphDef()
    try:
        if ending == ".pbtxt":
            text_format.Parse(path.read_text(), definition, allow_unknown_field=True)
        else:
            definition.ParseFromString(path.read_bytes())
    except (message.DecodeError, text_format.ParseError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} is no GraphDef of TensorFlow: {error!s:.200}") from error
    if not definition.node:
        raise ValueError(f"{path.name} is no GraphDef of TensorFlow: it has no operations")
    return draw(definition, path.stem)
