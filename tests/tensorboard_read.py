"""What is read of TensorBoard's logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from trainboard.storage import RunRecord, Store


def run(store: Store, name: str) -> RunRecord:
    (found,) = [each for each in store.runs() if each.name == name]
    return found


def one(store: Store, name: str, tag: str, kind: str) -> Any:
    (record,) = store.records(run(store, name).id, tag, kind)
    return record.value


def shown(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Of each tag but doubles, which are shown as floats, what TensorBoard has of it."""
    sizes = {"tensors": 0, "images": 0, "audio": 0, "text": 0, "histograms": 0, "scalars": 0}
    events = EventAccumulator(str(folder), sizes).Reload()
    found: dict[str, list[tuple[Any, ...]]] = {}
    for tag in events.Tags()["tensors"]:
        told = [(each, make_ndarray(each.tensor_proto)) for each in events.Tensors(tag)]
        said = events.SummaryMetadata(tag).summary_description
        if told[0][1].dtype != float or told[0][1].ndim:
            found[tag] = [(e.wall_time, e.step, said, a.shape, str(a.tolist())) for e, a in told]
    return found
