"""Older stores become current ones, with a copy kept; migrations and tables agree."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from trainboard.storage import open_store
from trainboard.storage.engine import connect
from trainboard.storage.errors import StoreTooNew
from trainboard.storage.location import resolve_url
from trainboard.storage.migrate import MIGRATIONS, prepare
from trainboard.storage.schema import SCHEMA_VERSION, metadata

NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.add_column("runs", sa.Column("colour", sa.String))
    {last_line}
"""


@pytest.fixture
def next_version(tmp_path: Path) -> Any:
    """A folder of migrations with one more than there is."""

    def make(last_line: str = "") -> Path:
        folder = tmp_path / "migrations"
        shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "versions" / "0002_colour.py").write_text(NEXT.format(last_line=last_line))
        return folder

    return make


def columns(path: Path) -> list[str]:
    with sqlite3.connect(path) as database:
        return [row[1] for row in database.execute("PRAGMA table_info(runs)")]


def fill(path: Path, segment: Any) -> None:
    made = segment(project="digits")
    made.scalars(0, {"loss": 0.5})
    store = open_store(path, create=True)
    store.ingest("spool").feed(0, made.data, 0)
    store.close()


def test_the_migrations_make_the_tables_the_program_uses(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.db", create=True)
    with store.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_newest_migration_is_the_version_the_program_writes() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA_VERSION]


def test_an_older_store_is_migrated_and_a_copy_is_kept(
    tmp_path: Path, segment: Any, next_version: Any
) -> None:
    path = tmp_path / "store.db"
    fill(path, segment)
    url = resolve_url(path)
    prepare(connect(url), url, create=False, scripts=next_version(), target="0002")
    assert "colour" in columns(path)
    with pytest.raises(StoreTooNew):
        open_store(path)
    copy = tmp_path / "store.db.before-0002"
    assert "colour" not in columns(copy)
    assert open_store(copy).points("run", "loss").value.tolist() == [0.5]


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, segment: Any, next_version: Any) -> None:
    path = tmp_path / "store.db"
    fill(path, segment)
    url = resolve_url(path)
    with pytest.raises(ZeroDivisionError):
        prepare(connect(url), url, create=False, scripts=next_version("1 / 0"), target="0002")
    assert "colour" not in columns(path)
    assert open_store(path).points("run", "loss").value.tolist() == [0.5]


def test_a_current_store_is_neither_copied_nor_changed(tmp_path: Path, segment: Any) -> None:
    path = tmp_path / "store.db"
    fill(path, segment)
    before = path.read_bytes()
    open_store(path, create=True).close()
    assert path.read_bytes() == before
    assert not list(tmp_path.glob("*.before-*"))
