"""Everything appended to a spool can be read from its files, by anyone, at any moment."""

from __future__ import annotations

import json
import os
import resource
import struct
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from trainboard.loggers import spool as spool_module
from trainboard.loggers.segment import SMALLEST_SEGMENT
from trainboard.loggers.spool import Spool, SpoolClosed, SpoolFull
from trainboard.storage.frame_reader import read_frames
from trainboard.storage.frames import FrameType
from trainboard.storage.spools import lock

OPENING = {"format": 1, "spool": "s", "run": "r", "rank": 0}


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", OPENING)


def read_values(directory: Path) -> dict[str, list[float]]:
    """Every scalar in the files, by tag, in order."""
    values: dict[str, list[float]] = {}
    for path in sorted(directory.glob("*.seg")):
        content = read_frames(path.read_bytes())
        assert not len(content.damaged_at)
        assert content.messages[0].type is FrameType.OPEN
        tags = {
            m.series: json.loads(m.payload)["tag"] for m in content.messages if m.type is FrameType.SERIES
        }
        for frame in content.scalars:
            values.setdefault(tags[int(frame["series"])], []).append(float(frame["value"]))
    return values


def test_what_was_appended_is_in_the_file_at_once(spool: Spool) -> None:
    spool.scalars(1, 2.0, [("a", 0.5), ("b", 1.5)], declare=True)
    spool.scalars(2, 3.0, [("b", 2.5), ("a", 3.5)])
    assert read_values(spool.directory) == {"a": [0.5, 3.5], "b": [1.5, 2.5]}


def test_every_segment_can_be_read_without_the_others(spool: Spool) -> None:
    for number in range(60_000):
        spool.scalars(number, 0.0, [("a", number)], declare=True)
    assert len(list(spool.directory.glob("*.seg"))) > 1
    assert read_values(spool.directory)["a"] == list(range(60_000))


def test_a_tag_unknown_to_the_segment_appends_nothing(spool: Spool) -> None:
    spool.scalars(0, 0.0, [("a", 1.0)], declare=True)
    with pytest.raises(KeyError):
        spool.scalars(1, 0.0, [("a", 2.0), ("b", 2.0)])
    assert read_values(spool.directory) == {"a": [1.0]}


def test_a_step_beyond_int64_appends_nothing(spool: Spool) -> None:
    with pytest.raises(struct.error):
        spool.scalars(2**63, 0.0, [("a", 1.0)], declare=True)
    assert read_values(spool.directory) == {}


def test_a_record_larger_than_a_segment_gets_one_of_its_own_size(spool: Spool) -> None:
    payload = os.urandom(40 << 20)
    spool.record("picture", "image", 3, 1.0, payload)
    spool.scalars(4, 1.0, [("a", 1.0)], declare=True)
    records = [
        message
        for path in sorted(spool.directory.glob("*.seg"))
        for message in read_frames(path.read_bytes()).messages
        if message.type is FrameType.RECORD
    ]
    assert [record.payload for record in records] == [payload]
    assert read_values(spool.directory) == {"a": [1.0]}


def test_two_threads_lose_nothing_and_mix_nothing(spool: Spool) -> None:
    def log(tag: str) -> None:
        for number in range(20_000):
            spool.scalars(number, 0.0, [(tag, number), (f"{tag}/twice", 2 * number)], declare=True)

    threads = [threading.Thread(target=log, args=(tag,)) for tag in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    values = read_values(spool.directory)
    for tag in "abc":
        assert values[tag] == list(range(20_000))
        assert values[f"{tag}/twice"] == list(range(0, 40_000, 2))


def test_an_append_from_a_signal_handler_lands_between_two_others(tmp_path: Path) -> None:
    code = f"""
import itertools, json, pathlib, signal
from trainboard.loggers.spool import Spool, SpoolFull
spool = Spool(pathlib.Path({str(tmp_path / "spool")!r}), {OPENING!r})
numbers, appended = itertools.count(), []
def handler(*_):
    number = next(numbers)
    try:
        spool.scalars(0, 0.0, [("handler", number)], declare=True)
        appended.append(number)
    except SpoolFull:
        pass
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
for number in range(200_000):
    spool.scalars(0, 0.0, [("main", number)], declare=True)
signal.setitimer(signal.ITIMER_REAL, 0)
print(json.dumps(sorted(appended)))
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    values = read_values(tmp_path / "spool")
    assert values["main"] == list(range(200_000))
    assert sorted(values["handler"]) == json.loads(out) and len(values["handler"]) > 100


def test_a_closed_spool_ends_with_finish_and_takes_nothing_more(spool: Spool) -> None:
    spool.scalars(0, 0.0, [("a", 1.0)], declare=True)
    assert spool.close({"status": "finished"})
    assert spool.close({"status": "crashed"})  # by now it makes no difference
    with pytest.raises(SpoolClosed, match="finished"):
        spool.scalars(0, 0.0, [("a", 1.0)], declare=True)
    path = spool.path(0)
    assert path.stat().st_size < SMALLEST_SEGMENT
    last = read_frames(path.read_bytes()).messages[-1]
    assert json.loads(last.payload) == {"status": "finished", "dropped": 0}


def test_a_spool_is_locked_until_it_is_released(spool: Spool) -> None:
    assert lock(spool.directory) is None
    spool.close({})
    spool.release()
    held = lock(spool.directory)
    assert held is not None
    held.release()


def test_an_empty_spool_is_removed_when_released(spool: Spool) -> None:
    spool.close({})
    spool.path(0).unlink()
    spool.release()
    assert not spool.directory.exists()


def test_a_spool_that_cannot_grow_says_so_and_goes_on_when_it_can(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "_RETRY_SECONDS", 0.0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALLEST_SEGMENT // 2, hard))
    kept = 0
    try:
        with pytest.raises(SpoolFull, match="cannot grow"):
            for _ in range(60_000):
                spool.scalars(kept, 0.0, [("a", kept)], declare=True)
                kept += 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert kept > 20_000
    spool.scalars(kept, 0.0, [("a", kept)], declare=True)
    spool.close({})
    assert read_values(spool.directory)["a"] == list(range(kept + 1))


def test_the_end_of_a_run_is_kept_even_where_nothing_else_fits(spool: Spool) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALLEST_SEGMENT // 2, hard))
    try:
        with pytest.raises(SpoolFull):
            while True:
                spool.scalars(0, 0.0, [("a", 1.0)], declare=True)
        spool.close({"status": "crashed", "error": "x" * 4_000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    last = read_frames(spool.path(0).read_bytes()).messages[-1]
    assert json.loads(last.payload)["status"] == "crashed"


def test_a_forked_child_leaves_the_spool_to_its_parent(spool: Spool) -> None:
    spool.scalars(0, 0.0, [("a", 1.0)], declare=True)
    child = os.fork()
    if child == 0:
        try:
            spool.scalars(1, 0.0, [("a", 666.0)])
        except SpoolClosed:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert lock(spool.directory) is None, "the parent still holds its lock"
    spool.scalars(1, 0.0, [("a", 2.0)])
    assert read_values(spool.directory) == {"a": [1.0, 2.0]}


def test_many_long_tags_fit(spool: Spool) -> None:
    tags = [f"{number}" + "\N{GRINNING FACE}" * 990 for number in range(256)]
    spool.scalars(0, 0.0, [(tag, 1.0) for tag in tags], declare=True)
    assert Counter(read_values(spool.directory)) == Counter({tag: [1.0] for tag in tags})


def test_floats_keep_every_bit(spool: Spool) -> None:
    values = [0.1, -0.0, 5e-324, 1.7976931348623157e308, float("inf"), float("-inf")]
    spool.scalars(0, 0.0, [(str(n), value) for n, value in enumerate(values)], declare=True)
    stored = read_values(spool.directory)
    assert [np.float64(stored[str(n)][0]).tobytes() for n in range(len(values))] == [
        np.float64(value).tobytes() for value in values
    ]
