"""A store's file is deleted or replaced under a running server, which finds a store again and says so."""

from __future__ import annotations

import json
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from dashboard_fixtures import Dashboard, eventually, falling, log_run
from playwright.sync_api import Page, expect

import trainboard as tb
from trainboard.storage import Store, open_store
from trainboard.storage.errors import StoreGone


def files_of(store: Store) -> list[Path]:
    path = Path(store.url.removeprefix("sqlite:///"))
    return [path, Path(f"{path}-wal"), Path(f"{path}-shm")]


def delete(store: Store) -> None:
    for file in files_of(store):
        file.unlink(missing_ok=True)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another store, with a run of its own, closed and whole in one file."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    opened = open_store(folder / "other.db", create=True)
    log_run(opened, "of the other store", falling(5))
    opened.close()
    return folder / "other.db"


def ask(dashboard: Dashboard, path: str = "runs") -> tuple[int, dict[str, object]]:
    try:
        with urllib.request.urlopen(f"{dashboard.url}/api/v1/{path}", timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def names(dashboard: Dashboard) -> list[str]:
    status, found = ask(dashboard)
    return [run["name"] for run in found["runs"]] if status == 200 else []  # type: ignore[attr-defined]


def test_a_deleted_store_is_gone_and_a_valid_one_in_its_place_is_shown(
    store: Store, dashboard: Dashboard, other: Path
) -> None:
    log_run(store, "first", falling(3))
    assert names(dashboard) == ["first"]
    delete(store)
    status, told = ask(dashboard)
    assert status == 410 and "deleted or moved away" in str(told["message"])
    assert str(files_of(store)[0].parent) not in str(told)
    os.replace(other, files_of(store)[0])
    eventually(lambda: names(dashboard) == ["of the other store"])


@pytest.mark.parametrize("content", [b"", b"this is a letter, and no database", b"SQLite format 3\0 torn"])
def test_a_file_that_is_no_store_is_left_as_it_is(
    store: Store, dashboard: Dashboard, other: Path, content: bytes
) -> None:
    log_run(store, "first", falling(3))
    path = files_of(store)[0]
    delete(store)
    path.write_bytes(content)
    with pytest.raises(StoreGone), store.writing():
        pass
    for _ in range(3):
        assert ask(dashboard)[0] == 410
    assert path.read_bytes() == content
    os.replace(other, path)
    eventually(lambda: names(dashboard) == ["of the other store"])


def test_a_connection_opened_while_another_file_was_there_never_writes_to_it(
    store: Store, other: Path
) -> None:
    log_run(store, "first", falling(3))
    store.close()
    path = files_of(store)[0]
    aside = path.with_name("aside.db")
    os.replace(path, aside)
    shutil.copy(other, path)
    with pytest.raises(StoreGone), store.reading():
        pass
    os.replace(path, other)
    os.replace(aside, path)
    with store.reading():
        pass
    assert [run.name for run in store.runs()] == ["first"]


def test_programs_elsewhere_go_on_in_the_store_that_came_back(
    store: Store, dashboard: Dashboard, other: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRAINBOARD_DIR", str(tmp_path / "state"))
    with pytest.warns(UserWarning, match="deleted or moved away"):
        run = tb.init("digits", "remote", store=dashboard.url)
        run.log({"loss": 1.0}, step=0)
        assert run.flush(60)
        delete(store)
        run.log({"loss": 2.0}, step=1)
        assert not run.flush(1)
        os.replace(other, files_of(store)[0])
        assert run.flush(60)
        run.finish()
    eventually(lambda: sorted(names(dashboard)) == ["of the other store", "remote"])
    assert store.points(run.id, "loss").value.tolist()[-1] == 2.0


def test_the_page_says_that_the_store_is_gone_and_shows_the_one_that_comes_back(
    page: Page, store: Store, start_dashboard: Callable[..., Dashboard], other: Path
) -> None:
    dashboard = start_dashboard(store)
    log_run(store, "first", falling(3))
    page.goto(dashboard.url)
    expect(page.locator(".run-name")).to_have_text(["first"])
    delete(store)
    expect(page.locator("#lost")).to_contain_text("The store was deleted or moved away")
    os.replace(other, files_of(store)[0])
    expect(page.locator(".run-name")).to_have_text(["of the other store"])
    expect(page.locator("#lost")).to_be_hidden()
