"""Values of TensorBoard's logs that come in parts, several as one, or not as their plugin wants them."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest
from event_file import VERSION, append, record, write
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.meta_graph_pb2 import MetaGraphDef
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.types_pb2 import DT_FLOAT
from tensorboard.plugins.mesh import metadata as mesh_metadata
from tensorboard.plugins.mesh.plugin_data_pb2 import MeshPluginData
from tensorboard.util.tensor_util import make_tensor_proto
from tensorboard_read import one, shown

from trainboard.storage import Store, open_store
from trainboard.storage.tfevents.following import open_follower, read_all


def test_a_mesh_is_whole_whose_parts_come_one_by_one(tmp_path: Path) -> None:
    logs, store = tmp_path / "logs", open_store(tmp_path / "store.db", create=True)
    kinds = (MeshPluginData.FACE, MeshPluginData.VERTEX)
    path = write(logs / "a", VERSION + b"".join(mesh_part(step, kinds[0], kinds) for step in range(3)))
    follower = open_follower(store, [str(logs)])
    read_all(follower)
    assert {each.kind for each in store.series(store.runs()[0].id)} == {"raw"}
    append(path, b"".join(mesh_part(step, kinds[1], kinds) for step in range(2)))
    read_all(follower)
    meshes = store.records(store.runs()[0].id, "cube", "mesh")
    assert [(mesh.step, mesh.value.faces.tolist()) for mesh in meshes] == [(0, [[0, 1, 2]]), (1, [[0, 1, 2]])]
    before = {each.tag: each.count for each in store.series(store.runs()[0].id)}
    store.export_tensorboard(tmp_path / "out")
    with closing(open_store(tmp_path / "back.db", create=True)) as back:
        read_all(open_follower(back, [str(tmp_path / "out")]))
        assert {each.tag: each.count for each in back.series(back.runs()[0].id)} == before


@pytest.mark.parametrize("tag", ["cubes_VERTEX", "cubes_1"])
def test_meshes_of_one_value_are_one_value_again(tag: str, tmp_path: Path) -> None:
    cubes = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    content = mesh_metadata.create_summary_metadata("cubes", "", MeshPluginData.VERTEX, 2, cubes.shape)
    value = Summary.Value(tag=tag, metadata=content, tensor=make_tensor_proto(cubes))
    with closing(imported(tmp_path, record(Event(wall_time=1e9, summary=Summary(value=[value]))))) as store:
        assert np.array_equal(one(store, "a", "cubes/1", "mesh").vertices, cubes[1])
        store.export_tensorboard(tmp_path / "out")
    assert shown(tmp_path / "out" / "a") == shown(tmp_path / "logs" / "a")


def test_the_graph_of_a_saved_model_is_drawn(tmp_path: Path) -> None:
    saved = MetaGraphDef()
    saved.graph_def.node.add(name="weights", op="Const")
    event = Event(wall_time=1e9, meta_graph_def=saved.SerializeToString())
    with closing(imported(tmp_path, record(event))) as store:
        assert [node.name for node in one(store, "a", "graph", "graph").nodes] == ["weights"]
        assert one(store, "a", "meta_graph_def", "raw").data == event.meta_graph_def
        store.export_tensorboard(tmp_path / "out", tags=["graph"])
    assert EventAccumulator(str(tmp_path / "out" / "a")).Reload().Tags()["graph"]


def test_values_that_are_not_what_their_plugin_wants_are_kept(tmp_path: Path) -> None:
    wrong = [
        TensorProto(dtype=DT_FLOAT),
        TensorProto(dtype=DT_FLOAT, tensor_content=b"ab"),
        TensorProto(dtype=DT_FLOAT, float_val=[1, 2]),
        make_tensor_proto(np.ones((2, 2), np.float32)),
        make_tensor_proto(np.array(b"text", object)),
    ]
    values = [Summary.Value(tag=f"wrong/{number}", tensor=tensor) for number, tensor in enumerate(wrong)]
    for value in values:
        value.metadata.plugin_data.plugin_name = "scalars"
    values.append(Summary.Value(tag="uneven", histo=HistogramProto(bucket_limit=[1], bucket=[1, 2])))
    values.append(Summary.Value(tag="model", tensor=make_tensor_proto(b"{")))
    values[-1].metadata.plugin_data.plugin_name = "graph_keras_model"
    values.append(Summary.Value(tag="no picture", tensor=make_tensor_proto([b"5", b"6"])))
    values[-1].metadata.plugin_data.plugin_name = "images"
    summary = Summary(value=values)
    with closing(imported(tmp_path, record(Event(wall_time=1e9, summary=summary)))) as store:
        kept = {value.tag: one(store, "a", value.tag, "raw").data for value in values}
    assert kept == {value.tag: value.SerializeToString() for value in values}


def imported(folder: Path, records: bytes) -> Store:
    """A store with what one run says in a file of these records."""
    write(folder / "logs" / "a", VERSION + records)
    store = open_store(folder / "store.db", create=True)
    read_all(open_follower(store, [str(folder / "logs")]))
    return store


def mesh_part(step: int, kind: int, kinds: tuple[int, ...]) -> bytes:
    """The faces or the vertices of a triangle, which is made of ``kinds``."""
    array = np.array([[[0, 1, 2]]]) if kind == MeshPluginData.FACE else np.ones((1, 3, 3), np.float32)
    components = mesh_metadata.get_components_bitmask(kinds)
    metadata = mesh_metadata.create_summary_metadata(
        "cube", "", kind, components, array.shape, "", json_config="{}"
    )
    tag = mesh_metadata.get_instance_name("cube", kind)
    value = Summary.Value(tag=tag, metadata=metadata, tensor=make_tensor_proto(array))
    return record(Event(wall_time=1e9 + step + kind / 10, step=step, summary=Summary(value=[value])))


def test_an_embedding_that_cannot_be_read_takes_no_other_with_it(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "tensors.tsv").write_text("1\t0\n0\t1\n")
    (logs / "labels.tsv").write_text("one\u2028line\r\nanother\x0bone\r\n")
    (logs / "projector_config.pbtxt").write_text(
        'embeddings { tensor_name: "layer.weights" }\n'
        'embeddings { tensor_name: "words" tensor_path: "tensors.tsv" metadata_path: "labels.tsv" }\n'
    )
    with closing(open_store(tmp_path / "store.db", create=True)) as store:
        follower = open_follower(store, [str(logs)])
        read_all(follower)
        (damage,) = follower.progress.damage
        assert "layer.weights cannot be read: its vectors are in a checkpoint" in damage
        words = one(store, "logs", "words", "embedding")
        assert words.metadata == [["one\u2028line"], ["another\x0bone"]]
        assert np.array_equal(words.vectors, np.eye(2))
