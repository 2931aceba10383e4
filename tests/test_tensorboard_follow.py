"""Logs are followed as they grow: each record is taken in once, whatever becomes of the files meanwhile."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest
from dashboard_fixtures import eventually, once_within
from event_file import VERSION, append, picture, scalar, scalars, tensor, write

from trainboard.storage import Store, open_store
from trainboard.storage.compact import compact
from trainboard.storage.tfevents import follower as follower_module
from trainboard.storage.tfevents.follower import Follower
from trainboard.storage.tfevents.following import following, open_follower, read_all


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = open_store(store_url, create=True)
    yield opened
    opened.close()


@pytest.fixture
def read(store: Store, logs: Path) -> Callable[[], Follower]:
    """Reads all there is with a new follower, as the next program would."""

    def read() -> Follower:
        follower = open_follower(store, [str(logs)])
        read_all(follower)
        return follower

    return read


def steps(store: Store, tag: str = "loss", run: str | None = None) -> list[int]:
    """The steps of a tag in the order in which they came."""
    (found,) = [each for each in store.runs() if run is None or each.name == run]
    return store.points_since(found.id, tag, 0).step.tolist()


def test_a_file_that_begins_empty_is_read_as_soon_as_it_grows(store: Store, logs: Path) -> None:
    path = write(logs / "a", b"")
    follower = open_follower(store, [str(logs)])
    read_all(follower)
    assert store.runs() == []
    append(path, VERSION + scalar(1))
    read_all(follower)
    assert steps(store) == [1]


def test_what_is_added_is_read_once(store: Store, logs: Path) -> None:
    path = write(logs / "a", VERSION + scalars(range(50)))
    follower = open_follower(store, [str(logs)])
    read_all(follower)
    for start in (50, 51, 300):
        append(path, scalars(range(start, start + 20)))
        read_all(follower)
        read_all(follower)
    assert steps(store) == [*range(70), *range(51, 71), *range(300, 320)]


def test_whatever_loops_a_program_has_every_point_is_found(
    store: Store, logs: Path, read: Callable[[], Follower]
) -> None:
    chance = random.Random(1)
    expected: dict[str, list[int]] = defaultdict(list)
    content = [VERSION]
    for _ in range(8):
        loop = [chance.choice(["loss", "accuracy", "train/loss", "ä"]) for _ in range(chance.randint(1, 300))]
        for step in range(chance.choice([1, 3, 40, 200])):
            for tag in loop if chance.random() < 0.99 else loop[::-1]:
                expected[tag].append(step * 97)
                content.append(scalar(step * 97, tag=tag))
    write(logs / "a", b"".join(content))
    assert read().progress.points == len(content) - 1
    assert {tag: steps(store, tag) for tag in expected} == expected


def test_the_next_program_goes_on_where_the_last_one_stopped(
    store: Store, logs: Path, read: Callable[[], Follower]
) -> None:
    path = write(logs / "a", VERSION + scalars(range(100)))
    assert read().progress.points == 100
    assert read().progress.points == 0
    append(path, scalars(range(100, 130)))
    assert read().progress.points == 30
    assert steps(store) == list(range(130))


def test_the_next_program_knows_what_a_value_is_for_that_does_not_say_so(
    store: Store, logs: Path, read: Callable[[], Follower]
) -> None:
    path = write(logs / "a", VERSION + tensor(0, "scalars") + tensor(1))
    read()
    append(path, b"".join(tensor(step) for step in range(2, 60)))
    read()
    assert steps(store) == list(range(60))


def test_half_a_record_is_read_when_the_rest_has_come(
    store: Store, logs: Path, read: Callable[[], Follower]
) -> None:
    last = scalar(10)
    for cut in (3, 12, 20, len(last) - 1):
        path = write(logs / f"cut {cut}", VERSION + scalars(range(10)) + last[:cut])
        assert read().progress.damage == []
        assert steps(store, run=f"cut {cut}") == list(range(10))
        append(path, last[cut:] + scalar(11))
        read()
        assert steps(store, run=f"cut {cut}") == list(range(12))


def test_zeros_that_a_file_system_shows_for_what_has_not_arrived_are_waited_for(
    store: Store, logs: Path, read: Callable[[], Follower]
) -> None:
    whole = VERSION + scalars(range(20))
    path = write(logs / "a", whole[:300] + bytes(len(whole) - 300))
    read()
    path.write_bytes(whole)
    assert read().progress.damage == [] and steps(store) == list(range(20))


def test_a_copy_that_takes_the_files_place_is_read_on(
    store: Store, logs: Path, read: Callable[[], Follower]
) -> None:
    path = write(logs / "a", VERSION + scalars(range(100)))
    read()
    hidden = write(logs / "a", VERSION + scalars(range(150)), ".events.out.tfevents.1.host.Xy12")
    assert read().progress.points == 0, "what rsync has not finished is not read"
    hidden.replace(path)
    assert read().progress.points == 50
    assert steps(store) == list(range(150))


def test_a_file_that_is_written_anew_adds_only_what_is_new(
    store: Store, logs: Path, read: Callable[[], Follower]
) -> None:
    path = write(logs / "a", VERSION + scalars(range(100)))
    read()
    path.write_bytes(VERSION + scalars(range(40)))
    read()
    assert steps(store) == list(range(100)), "what was read is kept"
    append(path, scalars([40, 41, 500]))
    read()
    assert steps(store) == [*range(100), 500]
    path.write_bytes(VERSION + scalars(range(1000, 1200)))
    read()
    assert steps(store) == [*range(100), 500, *range(1000, 1200)]


def test_a_renamed_file_is_not_read_again(store: Store, logs: Path, read: Callable[[], Follower]) -> None:
    path = write(logs / "a", VERSION + scalars(range(100)))
    follower = read()
    moved = path.rename(path.with_name(path.name + ".1"))
    write(logs / "a", VERSION + scalars(range(100, 110)), path.name)
    read_all(follower)
    append(moved, scalars([200]))
    read()
    assert sorted(steps(store)) == [*range(110), 200]


def test_several_writers_of_one_run_are_read_together(
    store: Store, logs: Path, read: Callable[[], Follower]
) -> None:
    first = write(logs / "a", VERSION + scalars(range(10)), "events.out.tfevents.1.a")
    second = write(logs / "a", VERSION + scalars(range(100, 110)), "events.out.tfevents.2.b")
    follower = read()
    for step in range(10, 14):
        append(first, scalar(step))
        append(second, scalar(step + 100))
        read_all(follower)
    assert sorted(steps(store)) == [*range(14), *range(100, 114)]


def test_a_deleted_folder_keeps_its_run_and_new_ones_are_found(
    store: Store, logs: Path, read: Callable[[], Follower]
) -> None:
    write(logs / "a", VERSION + scalars(range(10)))
    follower = read()
    shutil.rmtree(logs / "a")
    write(logs / "deep" / "er", VERSION + scalars(range(5)))
    write(logs, VERSION + scalars(range(3)))
    read_all(follower)
    assert {run.name for run in store.runs()} == {"a", "deep/er", "logs"}
    assert steps(store, run="a") == list(range(10))


def test_two_programs_that_follow_one_tree_take_each_record_in_once(store: Store, logs: Path) -> None:
    paths = [write(logs / name, VERSION + scalars(range(200))) for name in "abc"]
    followers = [open_follower(store, [str(logs)]) for _ in range(2)]
    for at in range(200, 260, 20):
        threads = [threading.Thread(target=read_all, args=(follower,)) for follower in followers]
        for thread in threads:
            thread.start()
        for path in paths:
            append(path, scalars(range(at, at + 20)))
        for thread in threads:
            thread.join()
    for follower in followers:
        read_all(follower)
    assert all(steps(store, run=name) == list(range(260)) for name in "abc")


def test_a_run_that_was_removed_for_good_does_not_come_back(
    store: Store, logs: Path, read: Callable[[], Follower]
) -> None:
    path = write(logs / "a", VERSION + scalars(range(10)))
    os.utime(path, (1e9, 1e9))
    read()
    store.delete_runs([store.runs()[0].id], force=True)
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE runs SET updated_at = 0")
    assert compact(store).removed
    append(path, scalar(10))
    read()
    assert store.runs() == []


def test_names_notes_and_states_that_people_gave_are_kept(
    store: Store, logs: Path, read: Callable[[], Follower]
) -> None:
    path = write(logs / "a", VERSION + scalars(range(10)))
    read()
    (run,) = store.runs()
    assert (run.name, run.project, run.created_at, run.status) == ("a", "logs", 1e9, "running")
    store.rename_run(run.id, "best")
    append(path, scalar(10))
    os.utime(path, (1e9, 1e9))
    read()
    assert (store.runs()[0].name, store.runs()[0].status) == ("best", "finished")


def test_scalars_are_in_the_store_before_what_is_large(store: Store, logs: Path) -> None:
    write(logs / "a", VERSION + picture(1) + scalars(range(10)) + picture(2, 30_000_000))
    follower = open_follower(store, [str(logs)])
    seen: list[set[str]] = []
    store.version()
    take_in = follower._store_group

    def watched(group: object) -> None:
        take_in(group)  # type: ignore[arg-type]
        seen.append({series.kind for run in store.runs() for series in store.series(run.id)})

    follower._store_group = watched  # type: ignore[method-assign, assignment]
    read_all(follower)
    assert seen[0] == {"scalar"} and seen[-1] == {"scalar", "raw"}
    (run,) = store.runs()
    assert [record.step for record in store.records(run.id, "picture", "raw")] == [1, 2]


def test_following_shows_new_runs_and_points_within_a_second(store: Store, logs: Path) -> None:
    with following(open_follower(store, [str(logs)])):
        numbers = itertools.count()

        def show_a_run_and_a_point() -> None:
            name = f"run {next(numbers)}"
            path = write(logs / name, VERSION + scalar(0))
            eventually(
                lambda: any(run.name == name for run in store.runs()) and steps(store, run=name) == [0]
            )
            append(path, scalar(1))
            eventually(lambda: steps(store, run=name) == [0, 1])

        once_within(2, show_a_run_and_a_point)


def test_how_much_is_read_is_told_only_while_reading_takes_long(
    store: Store, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower_module, "_TURN_S", 0.0)
    monkeypatch.setattr(follower_module, "_TRANSACTION_S", 0.0)
    monkeypatch.setattr(follower_module, "_SOON_READ_BYTES", 1000)
    for name in ("a", "b"):
        write(logs / name, VERSION + scalars(range(100)))
    follower = open_follower(store, [str(logs)])
    assert follower.share is None
    assert follower.poll() and follower.share is not None and 0 < follower.share < 1
    monkeypatch.setattr(follower_module, "_TURN_S", 60.0)
    read_all(follower)
    assert follower.share is None


def test_trees_on_other_machines_are_followed(store: Store) -> None:
    files = fsspec.filesystem("memory")
    files.pipe("/logs/a/events.out.tfevents.1.host", VERSION + scalars(range(50)))
    try:
        follower = open_follower(store, ["memory://logs"])
        read_all(follower)
        files.pipe("/logs/a/events.out.tfevents.1.host", VERSION + scalars(range(80)))
        files.pipe("/logs/b/events.out.tfevents.1.host", VERSION + scalars(range(5)))
        read_all(follower)
        assert steps(store, run="a") == list(range(80)) and steps(store, run="b") == list(range(5))
        again = open_follower(store, ["memory://logs"])
        read_all(again)
        assert again.progress.points == 0
    finally:
        files.rm("/logs", recursive=True)
