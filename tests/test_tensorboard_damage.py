"""Damaged event files, and files that are none: what is whole is kept, what is not is told, nothing hangs."""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from dashboard_fixtures import eventually
from event_file import VERSION, framed, header, picture, record, scalar, scalars, write
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary

from trainboard.storage import Store, open_store
from trainboard.storage.tfevents.follower import Follower, Progress
from trainboard.storage.tfevents.following import open_follower, read_all
from trainboard.storage.tfevents.tree import LocalTree

NOBODY = 65534
MUTATIONS = int(os.environ.get("TRAINBOARD_FUZZED_FILES", "300"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "store.db", create=True)
    yield opened
    opened.close()


def read(store: Store, logs: Path) -> Progress:
    follower = open_follower(store, [str(logs)])
    read_all(follower)
    return follower.progress


def steps(store: Store, run: str = "a") -> list[int]:
    (found,) = [each for each in store.runs() if each.name == run]
    return store.points_since(found.id, "loss", 0).step.tolist()


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]


@pytest.mark.parametrize("place", [2, 9, 13, 20, -2])
def test_a_damaged_record_is_left_out_and_told(place: int, store: Store, tmp_path: Path) -> None:
    before, after = VERSION + scalars(range(40)), scalars(range(41, 80))
    damaged = flipped(scalar(40), place)
    path = write(tmp_path / "logs" / "a", before + damaged + after)
    (told,) = read(store, tmp_path / "logs").damage
    assert f"{path}, bytes {len(before):,} to {len(before + damaged):,}" in told
    assert steps(store) == [*range(40), *range(41, 80)]
    (run,) = store.runs()
    (event,) = store.records(run.id, "damage", "event")
    assert run.damaged == 1 and event.value.level == "warning" and str(path) in event.value.text


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 2**31, 1 << 40])
def test_a_length_that_cannot_be_is_damage_however_right_its_checksum(
    length: int, store: Store, tmp_path: Path
) -> None:
    write(tmp_path / "logs" / "a", VERSION + scalars(range(9)) + header(length) + scalars(range(9, 20)))
    assert len(read(store, tmp_path / "logs").damage) == 1
    assert steps(store) == list(range(20))


def test_files_that_are_none_make_no_runs(store: Store, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    write(logs / "empty", b"")
    write(logs / "text", b"not an event file at all, but long enough to look like one" * 100)
    write(logs / "random", random.Random(0).randbytes(6_000_000))
    write(logs / "folder.tfevents" / "inside", b"")
    write(logs / "good", VERSION + scalar(0))
    progress = read(store, logs)
    assert [run.name for run in store.runs()] == ["good"]
    assert len(progress.damage) == 2, "each damaged file is told of once"


def test_events_that_are_no_protobufs_are_left_out(store: Store, tmp_path: Path) -> None:
    write(tmp_path / "logs" / "a", VERSION + scalar(0) + framed(b"\xff\xff no protobuf") + scalar(1))
    assert "no event" in read(store, tmp_path / "logs").damage[0]
    assert steps(store) == [0, 1]


def test_links_that_go_in_circles_and_nowhere_are_no_trouble(store: Store, tmp_path: Path) -> None:
    logs, elsewhere = tmp_path / "logs", tmp_path / "elsewhere"
    write(logs / "a", VERSION + scalars(range(3)))
    write(elsewhere, VERSION + scalars(range(4)))
    (logs / "a" / "up").symlink_to(logs)
    (logs / "linked").symlink_to(elsewhere)
    (logs / "latest").symlink_to(logs / "a")
    (logs / "gone.tfevents").symlink_to(tmp_path / "nothing")
    os.mkfifo(logs / "a" / "pipe.tfevents")
    read(store, logs)
    assert {run.name for run in store.runs()} == {"a", "linked"}
    assert steps(store, "linked") == list(range(4))


def test_names_that_are_no_text_are_read_and_told_as_well_as_can_be(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "logs" / os.fsdecode(b"bad\xff")
    folder.mkdir(parents=True)
    (folder / os.fsdecode(b"events.out.tfevents.\xfe")).write_bytes(
        VERSION + scalars(range(5)) + bytes(99) + b"x"
    )
    write(tmp_path / "logs" / "a", VERSION + scalars(range(9)))
    progress = read(store, tmp_path / "logs")
    assert steps(store) == list(range(9)) and steps(store, "bad?") == list(range(5))
    assert "events.out.tfevents.\\udcfe" in progress.damage[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_folders_and_files_that_may_not_be_read_are_told_and_hold_up_nothing(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        logs = Path(folder, "logs")
        closed, unreadable, _ = [write(logs / name, VERSION + scalars(range(9))) for name in "xya"]
        closed.parent.chmod(0)
        unreadable.chmod(0)
        write(tmp_path / "warm" / "up", VERSION)
        read(store, tmp_path / "warm")  # loads all modules, which nobody else may be allowed to
        os.seteuid(NOBODY)
        try:
            with closing(open_store(Path(folder, "store.db"), create=True)) as opened:
                follower = open_follower(opened, [str(logs)])
                for _ in range(3):
                    follower.poll()
                assert steps(opened) == list(range(9))
        finally:
            os.seteuid(0)
        assert follower.trees[0].unreadable == dict.fromkeys(
            (str(closed.parent), str(unreadable)), "Permission denied"
        )
        assert len([line for line in caplog.messages if "Permission denied" in line]) == 2


def test_records_that_all_differ_take_no_longer(store: Store, tmp_path: Path) -> None:
    def told(step: int) -> bytes:
        value = Summary.Value(tag="loss", simple_value=step)
        value.metadata.plugin_data.plugin_name = "scalars"
        value.metadata.summary_description = f"step {step:05}"
        return record(Event(wall_time=1e9 + step, step=step, summary=Summary(value=[value])))

    write(tmp_path / "logs" / "a", VERSION + b"".join(told(step) for step in range(20_000)))
    begun = time.process_time()
    read(store, tmp_path / "logs")
    assert time.process_time() - begun < 10
    assert steps(store) == list(range(20_000))


def test_a_file_that_only_looks_newer_is_no_trouble(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "logs" / "a", VERSION + scalars(range(9)))
    follower = open_follower(store, [str(tmp_path / "logs")])
    read_all(follower)
    os.utime(path, (1e9, 1e9))
    read_all(follower)
    assert follower.trees[0].unreadable == {} and steps(store) == list(range(9))


class OddTree(LocalTree):
    """A file system that fails for one file, as none should."""

    fails = True

    def read(self, path: str, start: int, stop: int) -> bytes:
        if self.fails and "/odd/" in path:
            raise ValueError("nobody knows why")
        return super().read(path, start, stop)


def test_what_nobody_expected_of_a_file_is_told_once_and_tried_again(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a", "odd"):
        write(tmp_path / "logs" / name, VERSION + scalars(range(9)))
    tree = OddTree(str(tmp_path / "logs"))
    follower = Follower(store, [tree])
    for _ in range(3):
        assert not follower.poll()
    assert [run.name for run in store.runs()] == ["a"]
    assert len([line for line in caplog.messages if "nobody knows why" in line]) == 1
    tree.fails = False
    eventually(lambda: not follower.poll() and len(store.runs()) == 2)
    assert steps(store, "odd") == list(range(9)) and tree.unreadable == {}


def test_holes_of_many_gigabytes_are_passed_over(store: Store, tmp_path: Path) -> None:
    tail = write(tmp_path / "logs" / "tail", VERSION + scalars(range(5)))
    os.truncate(tail, 20 << 30)
    middle = write(tmp_path / "logs" / "middle", VERSION + scalars(range(5)))
    os.truncate(middle, 20 << 30)
    with middle.open("ab") as file:
        file.write(scalars(range(5, 9)))
    begun = time.process_time()
    progress = read(store, tmp_path / "logs")
    assert time.process_time() - begun < 10
    assert steps(store, "tail") == list(range(5)) and steps(store, "middle") == list(range(9))
    assert len(progress.damage) == 1


def test_whatever_is_changed_in_a_file_all_before_it_is_kept(store: Store, tmp_path: Path) -> None:
    """``TRAINBOARD_FUZZED_FILES`` says how many files; CI tries 300."""
    chance = random.Random(7)
    parts = [VERSION, *(picture(step) if step % 10 == 5 else scalar(step) for step in range(40))]
    ends = [sum(map(len, parts[: number + 1])) for number in range(len(parts))]
    whole = b"".join(parts)
    intact: dict[str, list[int]] = {}
    for number in range(MUTATIONS):
        name, data = f"run{number}", bytearray(whole)
        first = min(mutate(data, chance) for _ in range(chance.randint(1, 3)))
        write(tmp_path / "logs" / name, bytes(data))
        intact[name] = [s for s in range(40) if s % 10 != 5 and ends[s + 1] <= first]
    read(store, tmp_path / "logs")
    found = {run.name: run.id for run in store.runs()}
    for name, expected in intact.items():
        if expected:
            kept = store.points_since(found[name], "loss", 0).step.tolist()
            assert kept[: len(expected)] == expected


def mutate(data: bytearray, chance: random.Random) -> int:
    """Change something; returns the first place that is not what it was."""
    at = chance.randrange(len(data))
    how = chance.randrange(5)
    if how == 0:
        data[at] ^= 1 << chance.randrange(8)
    elif how == 1:
        del data[at:]
    elif how == 2:
        del data[at : at + chance.randint(1, 100)]
    elif how == 3:
        data[at:at] = chance.randbytes(chance.randint(1, 100))
    else:
        data[at : at + 8] = chance.choice([bytes(8), b"\xff" * 8, (1 << 63).to_bytes(8, "little")])
    return at


def test_an_embedding_whose_labels_do_not_fit_is_kept_and_told(store: Store, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    paths = {"vectors": "1\t2\n3\t4\n5\t6\n", "few": "a\nb\u2028c\n", "ragged": "x\ty\n1\n2\t3\t4\n5\t\n"}
    for name, text in paths.items():
        (logs / f"{name}.tsv").write_text(text, encoding="utf-8")
    config = [
        f'embeddings {{ tensor_name: "{name}" tensor_path: "vectors.tsv" metadata_path: "{name}.tsv" }}'
        for name in ("few", "ragged")
    ]
    config.insert(0, 'embeddings { tensor_path: "no.tsv" }')
    (logs / "projector_config.pbtxt").write_text("\n".join(config))
    missing, told = read(store, logs).damage
    assert "no.tsv" in missing and "few.tsv has 2 rows for 3 vectors" in told
    (run,) = store.runs()
    few, ragged = (store.records(run.id, name, "embedding")[0].value for name in ("few", "ragged"))
    assert few.metadata == [["a"], ["b\u2028c"], [""]] and few.vectors[2].tolist() == [5, 6]
    assert (ragged.columns, ragged.metadata) == (["x", "y"], [["1", ""], ["2", "3"], ["5", ""]])
