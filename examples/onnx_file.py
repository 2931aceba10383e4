"""Draws the graph of an ONNX file: that of the path given, or of a small one made here."""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import trainboard as tb


def make(path: Path) -> None:
    """Write a network of two layers."""

    def weights(name: str, *shape: int) -> onnx.TensorProto:
        return numpy_helper.from_array(np.zeros(shape, np.float32), name)

    nodes = [
        helper.make_node("Gemm", ["image", "w1", "b1"], ["hidden"], name="/hidden/Gemm"),
        helper.make_node("Relu", ["hidden"], ["active"], name="/hidden/Relu"),
        helper.make_node("Gemm", ["active", "w2"], ["scores"], name="/output/Gemm"),
        helper.make_node("Softmax", ["scores"], ["digit"], name="/output/Softmax"),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 64])
    digit = helper.make_tensor_value_info("digit", TensorProto.FLOAT, ["batch", 10])
    parameters = [weights("w1", 64, 32), weights("b1", 32), weights("w2", 32, 10)]
    onnx.save(helper.make_model(helper.make_graph(nodes, "digits", [image], [digit], parameters)), path)


path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("digits.onnx")
if not path.exists():
    make(path)
with tb.init("onnx", path.stem) as run:
    run.log_graph(path)
