"""TensorBoard itself on what was exported, with both of its readers, and on a store without any logs."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as pil
from test_every_kind import RECORDS, SAMPLES

from trainboard.storage import open_store
from trainboard.storage.frames import FrameType
from trainboard.storage.kinds import KINDS
from trainboard.storage.kinds.audio import Audio
from trainboard.storage.kinds.graph import Edge, Graph, Node
from trainboard.storage.kinds.histogram_layouts import to_legacy
from trainboard.storage.kinds.image import Image
from trainboard.storage.kinds.mesh import Mesh

RUN = "lr 0.1/one"
POINTS = 3000
_STARTED = re.compile(r"http://[^:/]+:(\d+)/")
RESUMED = [*range(100), *range(50, 150), 0, 200, 170]
"""Steps of a series that was resumed, and then came in no order at all."""
MESH = Mesh.from_arrays(np.eye(3), np.eye(3) * 255, [[0, 1, 2]], {"camera": {"fov": 75}})
GRAPH = Graph([Node("1", "conv", "Conv2d", "net", [[None, 3]]), Node("2", "relu", "ReLU")], [Edge("1", "2")])
SEVERAL: dict[str, list[Any]] = {
    "image": [Image.from_array(np.full((4, 5), shade)) for shade in (0.0, 0.5, 1.0)],
    "audio": [Audio.from_array(np.full(20, level), 8_000) for level in (0.1, 0.2, 0.3)],
}
"""Samples of one value, as TensorBoard calls them."""
# Importing TensorFlow takes longer than all of this, and TensorBoard does without.
PROGRAM = """
import sys
sys.modules["tensorflow"] = None
{}
"""
TENSORBOARD = PROGRAM.format("from tensorboard.main import run_main; run_main()")
OURS = PROGRAM.format("from trainboard.cli import main; main()")


def samples(kind: str) -> list[Any]:
    """What this module logs of a kind; the last of it is looked at."""
    ours = {"mesh": [MESH], "graph": [GRAPH], "video": SAMPLES["video"]()[2:]}
    return ours.get(kind, SAMPLES[kind]())


class Server:
    """A TensorBoard on a port of its own."""

    def __init__(self, command: list[str], log: Path) -> None:
        self._log = log.open("w+")
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log)
        self._port = self._wait_for_port(log)

    def _wait_for_port(self, log: Path) -> int:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and self._process.poll() is None:
            if found := _STARTED.search(log.read_text()):
                return int(found[1])
            time.sleep(0.1)
        raise AssertionError(log.read_text())

    def get(self, path: str, body: bytes | None = None, **query: Any) -> bytes:
        address = f"http://127.0.0.1:{self._port}/data/{path}?{urllib.parse.urlencode(query)}"
        request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def json(self, path: str, body: bytes | None = None, **query: Any) -> Any:
        return json.loads(self.get(path, body, **query))

    def wait_for(self, path: str) -> None:
        """Until a plugin knows of the run; TensorBoard reads in the background."""
        deadline = time.monotonic() + 60
        while RUN not in self.json(path):
            assert time.monotonic() < deadline
            time.sleep(0.2)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(300)
        self._log.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, segment: Any) -> Path:
    """A store with one run of every kind, and its logs."""
    path = tmp_path_factory.mktemp("server")
    store = open_store(path / "store.db", create=True)
    made = segment(run="one", name=RUN, config={"lr": 0.1, "bad": float("nan")}, created_at=1000.0)
    for step in range(POINTS):
        made.scalars(step, {"loss": step / 7})
    for at, step in enumerate(RESUMED):
        made.scalars(step, {"resumed": at / 4}, wall=float("nan") if at == 7 else 1000.0 + at)
    for kind in RECORDS:
        for step, value in enumerate(samples(kind)) if kind != "raw" else ():
            made.record(f"kind/{kind}", kind, KINDS[kind].encode(value).to_bytes(), step)
    for kind, clips in SEVERAL.items():
        for step in range(2):
            for number, clip in enumerate([replace(clips[0], samples=len(clips)), *clips[1:]]):
                tag = f"several/{kind}" + (f"/{number}" if number else "")
                made.record(tag, kind, KINDS[kind].encode(clip).to_bytes(), step)
    made.say(FrameType.UPDATE, {"descriptions": {"loss": "what *grows*"}})
    made.say(FrameType.FINISH, {"status": "finished", "exit_code": 0})
    store.ingest("spool").feed(0, made.data, 0)
    store.export_tensorboard(path / "logs")
    store.close()
    return path


@pytest.fixture(scope="module", params=["fast", "python", "store"])
def server(request: pytest.FixtureRequest, folder: Path) -> Iterator[Server]:
    """TensorBoard with its fast reader, with its older one, and on the store."""
    if request.param == "store":
        command = ["-c", OURS, "tensorboard", str(folder / "store.db"), "--port", "0"]
    else:
        keep = ",".join(f"{name}=10000" for name in ("scalars", "images", "audio", "text", "histograms"))
        command = ["-c", TENSORBOARD, "--logdir", str(folder / "logs"), "--port", "0"]
        fast = "true" if request.param == "fast" else "false"
        command += [f"--load_fast={fast}", f"--samples_per_plugin={keep}", "--reload_interval=1"]
    started = Server([sys.executable, *command], folder / f"{request.param}.log")
    # The end of the run's session is the last that its file says.
    for plugin in ("scalars", "histograms", "images", "text", "mesh", "pr_curves"):
        started.wait_for(f"plugin/{plugin}/tags")
    started.wait_for("plugin/graphs/info")
    yield started
    started.stop()


def read(server: Server, plugin: str, name: str, **query: Any) -> Any:
    return server.json(f"plugin/{plugin}/{name}", run=RUN, **query)


def test_scalars_are_shown_in_single_precision(server: Server, folder: Path) -> None:
    shown = read(server, "scalars", "scalars", tag="loss")
    on_store = len(shown) < POINTS
    steps = [step for _, step, _ in shown]
    if not on_store:
        assert steps == list(range(POINTS))
    assert (steps[0], steps[-1]) == (0, POINTS - 1) and len(steps) >= 500
    values = [step / 7 if on_store else float(np.float32(step / 7)) for step in steps]
    assert [value for _, _, value in shown] == values
    assert [wall for wall, _, _ in shown] == [1000.0 + step for step in steps]


def test_what_is_said_of_a_scalar_is_beside_its_name(server: Server) -> None:
    said = server.json("plugin/scalars/tags")[RUN]
    assert said["loss"]["description"] == "<p>what <em>grows</em></p>" and not said["resumed"]["description"]


def test_of_points_in_any_order_the_last_of_each_step_is_shown(server: Server) -> None:
    shown = read(server, "scalars", "scalars", tag="resumed")
    last = {step: at / 4 for at, step in enumerate(RESUMED)}
    assert [(step, value) for _, step, value in shown] == sorted(last.items())


def test_histograms_have_the_counts_of_our_own_buckets(server: Server) -> None:
    wall, step, rows = read(server, "histograms", "histograms", tag="kind/histogram")[-1]
    told = to_legacy(samples("histogram")[-1])
    assert (wall, step) == (1003.0, 3)
    assert [row[1] for row in rows] == told.bucket_limit and [row[2] for row in rows] == told.bucket


def test_images_and_videos_are_shown_to_the_pixel(server: Server) -> None:
    for kind, field in (("image", "png"), ("video", "data")):
        shown = read(server, "images", "images", tag=f"kind/{kind}", sample=0)[-1]
        query = dict(urllib.parse.parse_qsl(shown["query"]))
        data = server.get("plugin/images/individualImage", **query)
        assert data == getattr(samples(kind)[-1], field)
        assert pil.open(io.BytesIO(data)).size == (7, 9)


def test_sounds_are_shown_to_the_byte(server: Server) -> None:
    shown = read(server, "audio", "audio", tag="kind/audio", sample=0)[-1]
    data = server.get("plugin/audio/individualAudio", **dict(urllib.parse.parse_qsl(shown["query"])))
    assert data == samples("audio")[-1].wav


def test_several_pictures_and_sounds_of_one_step_are_samples_of_one_tag(server: Server) -> None:
    for plugin, kind, blob, body in (
        ("images", "image", "individualImage", "png"),
        ("audio", "audio", "individualAudio", "wav"),
    ):
        tags = server.json(f"plugin/{plugin}/tags")[RUN]
        told = {tag: said["samples"] for tag, said in tags.items() if "several" in tag}
        assert told == {f"several/{kind}": 3}
        for sample, clip in enumerate(SEVERAL[kind]):
            shown = read(server, plugin, plugin, tag=f"several/{kind}", sample=sample)
            assert [one["step"] for one in shown] == [0, 1]
            query = dict(urllib.parse.parse_qsl(shown[-1]["query"]))
            assert server.get(f"plugin/{plugin}/{blob}", **query) == getattr(clip, body)


def test_texts_and_tables_are_shown(server: Server) -> None:
    tags = server.json("plugin/text/tags")[RUN]
    words = ("text", "table", "figure", "confusion_matrix", "event", "layer_stats", "trace", "embedding")
    assert {f"kind/{kind}" for kind in words} <= set(tags)
    texts = read(server, "text", "text", tag="kind/text")
    assert texts[1]["text"].count("<td>") == 1 and "<em>title</em>" in texts[2]["text"]
    table = read(server, "text", "text", tag="kind/confusion_matrix")[-1]["text"]
    assert re.sub(r"<[^>]+>|\s+", " ", table).split()[:6] == ["true", "/", "predicted", "a", "b", "ä"]


def test_pr_curves_meshes_and_layouts_are_shown(server: Server) -> None:
    curve = server.json("plugin/pr_curves/pr_curves", run=RUN, tag="kind/pr_curve")[RUN][-1]
    ours = samples("pr_curve")[-1]
    shown = len(curve["thresholds"])  # up to the last that has positives
    assert shown > 100 and curve["thresholds"] == ours.thresholds[:shown].tolist()
    assert curve["true_positives"] == ours.true_positives[:shown].tolist()
    parts = read(server, "mesh", "meshes", tag="kind/mesh", sample=0)
    assert sorted(part["data_shape"] for part in parts) == [[1, 1, 3], [1, 3, 3], [1, 3, 3]]
    assert MESH.faces is not None and MESH.colors is not None
    query: dict[str, Any] = {"tag": "kind/mesh", "sample": 0, "step": 0, "timestamp": parts[0]["wall_time"]}
    for part, dtype, ours in (
        ("VERTEX", np.float32, MESH.vertices),
        ("FACE", np.int32, MESH.faces),
        ("COLOR", np.uint8, MESH.colors),
    ):
        data = server.get("plugin/mesh/data", run=RUN, meta="", content_type=part, **query)
        assert np.frombuffer(data, dtype).tolist() == ours.ravel().tolist(), part
    layout = server.json("plugin/custom_scalars/layout")
    assert layout["category"][0]["chart"][0]["multiline"]["tag"] == ["loss/.*"]


def test_the_graph_is_shown(server: Server) -> None:
    shown = server.get("plugin/graphs/graph", run=RUN, conceptual="false").decode()
    assert re.findall(r'\n?  (?:name|op|input): "([^"]+)"', shown) == [
        "net/conv",
        "Conv2d",
        "relu",
        "ReLU",
        "net/conv",
    ]


def test_hyper_parameters_numbers_and_status_are_shown(server: Server) -> None:
    asked = {"allowedStatuses": ["STATUS_SUCCESS"], "colParams": [], "startIndex": 0, "sliceSize": 9}
    (group,) = server.json("plugin/hparams/session_groups", json.dumps(asked).encode())["sessionGroups"]
    assert group["hparams"] == {"lr": 0.1, "bad": "NaN"}
    (session,) = group["sessions"]
    assert (session["name"], session["status"]) == (RUN, "STATUS_SUCCESS")
    metrics = {metric["name"]["tag"]: metric["value"] for metric in session["metricValues"]}
    assert metrics["loss"] == pytest.approx((POINTS - 1) / 7)


def test_embeddings_are_shown_by_the_projector(server: Server) -> None:
    (told,) = server.json("plugin/projector/info", run=RUN)["embeddings"]
    ours = samples("embedding")[-1]
    query = {"run": RUN, "name": told["tensorName"]}
    vectors = np.frombuffer(server.get("plugin/projector/tensor", **query), np.float32)
    assert vectors.tolist() == ours.vectors.ravel().tolist()
    metadata = server.get("plugin/projector/metadata", **query).decode().splitlines()
    assert metadata[:2] == ["name\tn", "ä\t1"]
    assert server.get("plugin/projector/sprite_image", **query) == ours.sprite
