"""Logs that are hard to keep as they are: disorder, repetition, times that are none, plugins nobody knows."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from event_file import VERSION, record, scalar, write
from PIL import Image as pil
from tensorboard.compat.proto.event_pb2 import Event, LogMessage, SessionLog
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.meta_graph_pb2 import MetaGraphDef
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary
from tensorboard.plugins.hparams.api_pb2 import Status
from tensorboard.plugins.hparams.metadata import create_summary_metadata
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo
from tensorboard.util.tensor_util import make_tensor_proto

PROFILED_AT = 1.7e9 + 1 / 3
NAN, INFINITY = float("nan"), float("inf")


def write_awkward(folder: Path) -> None:
    """A run that crashed, in two files, and what a profiler and the projector have beside them."""
    write(folder, VERSION + b"".join(map(record, _events())), "events.out.tfevents.1.a")
    disorder = [*range(5000), *range(4000, 9000), *reversed(range(9000, 9500)), *range(9500, 20_000)]
    write(folder, VERSION + b"".join(scalar(step, at / 3, "long") for at, step in enumerate(disorder)))
    session = folder / "plugins" / "profile" / "2026_01_02"
    session.mkdir(parents=True)
    (session / "host.trace.json").write_text('{"traceEvents": []}')
    (session / "host.xplane.pb").write_bytes(b"\0\xff")
    (folder / "tensors.tsv").write_text("1\t0.5\n0\t1e-30\n")
    config = 'embeddings { tensor_name: "words:00007" tensor_path: "tensors.tsv" }\n'
    (folder / "projector_config.pbtxt").write_text(config)
    for path in (*session.iterdir(), folder / "projector_config.pbtxt"):
        os.utime(path, (PROFILED_AT, PROFILED_AT))


def _events() -> Iterator[Event]:
    for wall in (1e9, NAN, INFINITY, -INFINITY, -5.0, 1e9 + 1e-6):
        for step, value in enumerate((0.1, 0.5, NAN, -0.0, 1e300)):
            yield _event(_number("wall/number", value), step, wall)
        yield _event(_plugin("wall/text", "text", b"at some time"), 3, wall)
        yield _event(_plugin("wall/mine", "mine", b"at some time"), 3, wall)
    for step in (1, 2, 5, 3, 4, -7, 2**62, 0, 0, 0):
        yield _event(_number("order/number", step / 8), step)
        yield _event(_image("order/image", step), step)
        yield _event(_plugin("order/text", "text", str(step).encode()), step)
        yield _event(_plugin("order/mine", "mine", str(step).encode()), step)
        histogram = HistogramProto(
            min=step, max=step + 1, num=1, sum=step, bucket_limit=[step + 1], bucket=[1]
        )
        yield _event(Summary.Value(tag="order/histogram", histo=histogram), step)
    for name in ("second", "first"):
        definition = GraphDef()
        definition.node.add(name=name, op="Const")
        graph = definition.SerializeToString()
        yield _event(_plugin(f"graph/{name}", "graphs", graph), 1)
        yield Event(wall_time=1e9, step=1, graph_def=graph)
        meta = MetaGraphDef(graph_def=definition)
        yield Event(wall_time=1e9, step=1, meta_graph_def=meta.SerializeToString())
    yield Event(wall_time=1e9, log_message=LogMessage(level=LogMessage.WARN, message="hot"))
    for status in (SessionLog.START, SessionLog.CHECKPOINT, SessionLog.STOP):
        yield Event(wall_time=1e9, step=5, session_log=SessionLog(status=status, checkpoint_path="c"))
    end = HParamsPluginData(session_end_info=SessionEndInfo(status=Status.STATUS_FAILURE))
    yield _event(Summary.Value(tag="_hparams_/session_end_info", metadata=create_summary_metadata(end)), 0)


def _event(value: Summary.Value, step: int, wall: float = 1e9) -> Event:
    return Event(wall_time=wall, step=step, summary=Summary(value=[value]))


def _number(tag: str, value: float) -> Summary.Value:
    made = Summary.Value(tag=tag, tensor=make_tensor_proto(np.float64(value)))
    made.metadata.plugin_data.plugin_name = "scalars"
    return made


def _plugin(tag: str, plugin: str, text: bytes) -> Summary.Value:
    made = Summary.Value(tag=tag, tensor=make_tensor_proto(text))
    made.metadata.plugin_data.plugin_name = plugin
    made.metadata.plugin_data.content = b"\1\2"
    return made


def _image(tag: str, step: int) -> Summary.Value:
    data = io.BytesIO()
    pil.new("RGB", (2, 3), (step % 251, 0, 9)).save(data, "PNG")
    return Summary.Value(tag=tag, image=Summary.Image(encoded_image_string=data.getvalue()))
