"""Older stores become current ones, with a copy kept; migrations and tables agree."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import delete, select, text

from trainboard.storage import open_store
from trainboard.storage.append import append_points
from trainboard.storage.chunks import CHUNK_POINTS, Columns, decode
from trainboard.storage.engine import connect, update_rows, writing
from trainboard.storage.errors import StoreTooNew
from trainboard.storage.location import resolve_url, sqlite_path
from trainboard.storage.migrate import MIGRATIONS, prepare
from trainboard.storage.run_rows import load_run
from trainboard.storage.schema import SCHEMA_VERSION, chunks, metadata
from trainboard.storage.series import SeriesKey

NEXT = f"""
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{SCHEMA_VERSION}"


def upgrade():
    op.add_column("runs", sa.Column("colour", sa.String))
    {{last_line}}
"""


@pytest.fixture
def next_version(tmp_path: Path) -> Any:
    """A folder of migrations with one more than there is."""

    def make(last_line: str = "") -> Path:
        folder = tmp_path / "migrations"
        shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "versions" / "9999_colour.py").write_text(NEXT.format(last_line=last_line))
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


def test_the_migrations_make_the_tables_the_program_uses(store_url: str) -> None:
    store = open_store(store_url, create=True)
    with store.reading() as connection:
        on_sqlite = connection.dialect.name == "sqlite"
        wanted = {"include_object": lambda item, name, *rest: on_sqlite or name != "runs_of_project"}
        assert compare_metadata(MigrationContext.configure(connection, opts=wanted), metadata) == []


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
    prepare(connect(url), url, create=False, scripts=next_version(), target="9999")
    assert "colour" in columns(path)
    with pytest.raises(StoreTooNew):
        open_store(path)
    copy = tmp_path / "store.db.before-9999"
    assert "colour" not in columns(copy)
    assert open_store(copy).points("run", "loss").value.tolist() == [0.5]


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, segment: Any, next_version: Any) -> None:
    path = tmp_path / "store.db"
    fill(path, segment)
    url = resolve_url(path)
    with pytest.raises(ZeroDivisionError):
        prepare(connect(url), url, create=False, scripts=next_version("1 / 0"), target="9999")
    assert "colour" not in columns(path)
    assert open_store(path).points("run", "loss").value.tolist() == [0.5]


def test_a_current_store_is_neither_copied_nor_changed(tmp_path: Path, segment: Any) -> None:
    path = tmp_path / "store.db"
    fill(path, segment)
    before = path.read_bytes()
    open_store(path, create=True).close()
    assert path.read_bytes() == before
    assert not list(tmp_path.glob("*.before-*"))


def level_rows(url: str) -> list[tuple[Any, ...]]:
    query = select(chunks).where(chunks.c.level > 0).order_by(*chunks.primary_key)
    with connect(url).connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


def test_a_store_of_the_first_version_gets_the_levels_a_writer_would_have_built(store_url: str) -> None:
    store = open_store(store_url, create=True)
    generator = np.random.default_rng(0)
    for count in (100, 5_000, 300_000):
        columns = Columns(np.arange(count), np.linspace(0.0, 1e4, count), generator.normal(size=count))
        with store.writing() as connection:
            load_run(connection, "run")
            append_points(connection, "run", {SeriesKey(0, "scalar", f"of {count}"): columns})
    store.close()
    built = level_rows(store.url)
    pictures = [store.points("run", f"of {count}", width=50) for count in (100, 5_000, 300_000)]
    store.close()
    as_version_1(store.url)
    migrated = open_store(store_url)
    assert level_rows(store.url) == built
    assert len({row[2] for row in built}) == 3
    for count, before in zip((100, 5_000, 300_000), pictures, strict=True):
        after = migrated.points("run", f"of {count}", width=50)
        assert (after.value.tobytes(), after.total) == (before.value.tobytes(), count)
    if path := sqlite_path(store.url):
        backup = path.with_name(f"store.db.before-{SCHEMA_VERSION}")
        assert open_store(backup).points("run", "of 100").total == 100


def test_a_damaged_chunk_does_not_keep_an_older_store_from_its_levels(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = open_store(path, create=True)
    columns = Columns(np.arange(50_000), np.linspace(0.0, 1e4, 50_000), np.ones(50_000))
    with store.writing() as connection:
        load_run(connection, "run")
        append_points(connection, "run", {SeriesKey(0, "scalar", "loss"): columns})
    store.close()
    as_version_1(store.url)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE chunks SET data = x'00' WHERE start = 8192")
    found = open_store(path).points("run", "loss", width=100)
    assert (found.total, found.unreadable) == (50_000, CHUNK_POINTS)


def as_version_1(url: str) -> None:
    """Make a store what it would be had trainboard 0001 written it: plain differences, and no levels."""
    with writing(connect(url)) as connection:
        connection.execute(delete(chunks).where(chunks.c.level > 0))
        for row in connection.execute(select(chunks)).mappings().all():
            bits = np.array([column.view("<u8") for column in decode(row["data"], row["count"])])
            bits[:, 1:] -= bits[:, :-1].copy()
            planes = np.ascontiguousarray(bits.view(np.uint8).reshape(3, -1, 8).transpose(0, 2, 1))
            packed = b"\x01" + zstandard.ZstdCompressor(level=1).compress(planes.tobytes())
            update_rows(connection, chunks, [{**row, "data": packed}])
    as_version_2(url)
    with writing(connect(url)) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))


def as_version_2(url: str) -> None:
    """Make a store what it would be had trainboard 0002 written it: nothing archived, deleted or asked."""
    with writing(connect(url)) as connection:
        for table in ("layer_maps", "rules", "webhooks", "rule_states", "acknowledged"):
            connection.execute(text(f"DROP TABLE {table}"))
        for table in ("pieces", "windows", "environments", "views", "followed", "requests"):
            connection.execute(text(f"DROP TABLE {table}"))
        for index in ("runs_by_age", "runs_of_project", "records_by_blob"):
            connection.execute(text(f"DROP INDEX IF EXISTS {index}"))
        for column in ("descriptions", "rules", "controls", "archived_at", "deleted_at"):
            connection.execute(text(f"ALTER TABLE runs DROP COLUMN {column}"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))
