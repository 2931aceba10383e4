"""What is not a store, or cannot be used now, is refused with a message that says what to do."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from trainboard.cli import main
from trainboard.storage import open_store
from trainboard.storage.errors import (
    NotAStore,
    StoreNotFound,
    StoreTooNew,
    StoreUnavailable,
    TrainboardError,
)
from trainboard.storage.location import check_location, resolve_url, spool_root, without_password


def test_a_missing_store_is_not_made_by_reading(tmp_path: Path) -> None:
    with pytest.raises(StoreNotFound, match="log a run to it first"):
        open_store(tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("create", [False, True])
def test_a_text_file_is_not_a_store_and_is_left_alone(tmp_path: Path, create: bool) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my notes on this experiment")
    with pytest.raises(NotAStore, match="notes.txt"):
        open_store(path, create=create)
    with pytest.raises(NotAStore):
        check_location(path)
    assert path.read_text() == "my notes on this experiment"


@pytest.mark.parametrize("table", ["alembic_version (version_num TEXT)", "customers (name TEXT)"])
@pytest.mark.parametrize("create", [False, True])
def test_another_programs_database_is_not_a_store(tmp_path: Path, table: str, create: bool) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute(f"CREATE TABLE {table}")
    with pytest.raises(NotAStore, match="another program"):
        open_store(path, create=create)


def test_a_folder_is_not_a_store(tmp_path: Path) -> None:
    with pytest.raises(NotAStore, match="is a folder"):
        open_store(tmp_path, create=True)
    with pytest.raises(TrainboardError):
        open_store(tmp_path)


def test_a_store_in_a_missing_folder_names_the_folder(tmp_path: Path) -> None:
    for refuse in (check_location, lambda path: open_store(path, create=True)):
        with pytest.raises(StoreNotFound, match="No folder .*nowhere"):
            refuse(tmp_path / "nowhere" / "store.db")


@pytest.mark.parametrize("url", ["mysql://host/db", "sqlite://", "ftp://host/x"])
def test_an_unknown_scheme_is_refused(url: str) -> None:
    with pytest.raises(NotAStore, match="A store is a path"):
        resolve_url(url)


def test_a_server_to_log_to_is_not_opened_as_a_store() -> None:
    with pytest.raises(NotAStore, match="server to log to"):
        open_store("http://127.0.0.1:6006")


def test_a_newer_store_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    open_store(path, create=True).close()
    with sqlite3.connect(path) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
    for create in (False, True):
        with pytest.raises(StoreTooNew, match="schema 9999.*upgrade trainboard"):
            open_store(path, create=create)


def test_an_empty_file_is_no_store_to_read(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreNotFound, match="is empty"):
        open_store(tmp_path / "empty.db")


def test_a_torn_store_is_reported_as_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    open_store(path, create=True).close()
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(TrainboardError, match="store.db"):
        open_store(path).runs()


def test_an_unreachable_server_is_unavailable_and_its_password_stays_secret() -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'trainboard[postgres]'")
    with pytest.raises(StoreUnavailable) as caught:
        open_store("postgresql://me:secret@127.0.0.1:1/db")
    assert "secret" not in str(caught.value)
    assert caught.value.http_code == 503


def test_every_error_is_also_a_builtin_one() -> None:
    assert issubclass(StoreNotFound, FileNotFoundError) and issubclass(NotAStore, ValueError)
    assert issubclass(StoreUnavailable, ConnectionError) and issubclass(StoreTooNew, RuntimeError)


def test_spools_lie_beside_a_file_and_in_one_place_for_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINBOARD_DIR", str(tmp_path))
    assert spool_root(tmp_path / "a.db") == tmp_path / "a.db.spool"
    first, second = (spool_root(f"postgresql://me:{password}@host/db") for password in ("one", "two"))
    assert first == second
    assert first.parent == tmp_path / "spool"
    assert spool_root("postgresql://me@host/other") != first


def test_messages_show_urls_without_passwords() -> None:
    assert (
        without_password("postgresql+psycopg://me:pw@host:5432/db") == "postgresql+psycopg://me@host:5432/db"
    )


def test_a_store_opened_twice_in_a_process_sees_what_others_write(tmp_path: Path) -> None:
    """Looking into an open file would drop SQLite's locks: another process then deletes its log."""
    path = tmp_path / "store.db"
    store = open_store(path, create=True)
    for name in ("one", "two"):
        open_store(path, create=True).close()
        program = f"import trainboard as tb; tb.init('digits', '{name}', store='store.db').finish()"
        subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
        assert store.runs()[0].name == name


def _corrupt(path: Path) -> None:
    _whole(path)
    with sqlite3.connect(path) as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    page = 4096
    data = bytearray(path.read_bytes())
    data[page:] = b"\xa5" * (len(data) - page)
    path.write_bytes(data)


def _newer(path: Path) -> None:
    _whole(path)
    with sqlite3.connect(path) as store:
        store.execute("UPDATE alembic_version SET version_num = '9999'")


def _foreign(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE customers (name TEXT)")


def _whole(path: Path) -> None:
    open_store(path, create=True).close()


BAD = {
    "corrupt": (_corrupt, "check --repair"),
    "newer": (_newer, "upgrade trainboard"),
    "foreign": (_foreign, "another program"),
    "noise": (lambda path: path.write_bytes(b"\xa5" * 9000), "not a trainboard store"),
    "text": (lambda path: path.write_text("my notes"), "not a trainboard store"),
    "folder": (Path.mkdir, "Is a directory"),
}
COMMANDS = {
    "runs": ["runs", "STORE"],
    "rename": ["runs", "rename", "a", "b", "--store", "STORE"],
    "query": ["query", "SELECT 1", "--store", "STORE"],
    "backup": ["backup", "copy.db", "--store", "STORE"],
    "check": ["check", "STORE"],
    "compact": ["compact", "STORE"],
    "serve": ["serve", "STORE", "--port", "0"],
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("bad", BAD)
def test_a_command_says_in_a_line_what_is_wrong_with_a_store(
    tmp_path: Path,
    bad: str,
    command: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    make, says = BAD[bad]
    make(tmp_path / "bad.db")
    words = [word.replace("STORE", "bad.db") for word in COMMANDS[command]]
    assert main(words) in (1, 2)
    out, err = capsys.readouterr()
    assert says in out + err and "bad.db" in out + err
    assert len((out + err).splitlines()) <= 2
