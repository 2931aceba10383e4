"""The tables of a store.

Every key begins with the run's id and no query joins runs, so the same tables can be spread by run
over many machines. What is no part of a run: blobs, keyed by what they hold, and the views, rules and
webhook of a project.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.engine import Dialect

SCHEMA_VERSION = "0011"
"""The newest migration: the version of every store this trainboard writes."""

metadata = MetaData()


class JSONText(TypeDecorator[Any]):
    """JSON as ASCII text: unlike a database's own JSON it holds NaN, infinities and any string."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


def clean_text(text: Any) -> str:
    """The string as every database takes it: no NUL, no half of a surrogate pair."""
    if not isinstance(text, str):
        raise TypeError(f"expected a string (got {text!r})")
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


class CleanString(TypeDecorator[str]):
    """Any string, cleaned on its way in: asked for a name that no database takes, a store finds none."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else clean_text(value)


runs = Table(
    "runs",
    metadata,
    Column("run_id", CleanString, primary_key=True),
    Column("project", CleanString, nullable=False),
    Column("name", CleanString, nullable=False),
    Column("group_name", CleanString),
    Column("tags", JSONText, nullable=False),
    Column("notes", Text, nullable=False),
    Column("config", JSONText, nullable=False),
    Column("environment", JSONText, nullable=False),
    Column("summary", JSONText, nullable=False),
    Column("status", String, nullable=False),
    Column("exit_code", BigInteger),
    Column("error", Text),
    Column("dropped", BigInteger, nullable=False),
    Column("damaged", BigInteger, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("revision", BigInteger, nullable=False),
    Column("archived_at", Double),
    Column("deleted_at", Double),
    Column("controls", JSONText, nullable=False, server_default="{}"),
    Column("rules", JSONText, nullable=False, server_default="{}"),
    Column("descriptions", JSONText, nullable=False, server_default="{}"),
    Index("runs_by_revision", "revision"),
    Index("runs_by_age", "created_at", "run_id"),
    # PostgreSQL keeps what is long beside a row, so that rows are short, and refuses long keys of an index.
    Index("runs_of_project", "project", "created_at", "run_id", "archived_at", "deleted_at").ddl_if(
        dialect="sqlite"
    ),
)

requests = Table(
    "requests",
    metadata,
    Column("run_id", String, ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("control", Text, nullable=False),
    Column("value", Double),
    Column("requested_at", Double, nullable=False),
)

series = Table(
    "series",
    metadata,
    Column("run_id", CleanString, ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("series_id", BigInteger, primary_key=True, autoincrement=False),
    Column("rank", Integer, nullable=False),
    Column("kind", CleanString, nullable=False),
    Column("tag", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("sealed", BigInteger, nullable=False),
    Column("first_step", BigInteger),
    Column("last_step", BigInteger),
    Column("first_wall", Double),
    Column("last_wall", Double),
    Column("last", Double),
    Column("minimum", Double),
    Column("maximum", Double),
    Column("mean", Double),
    Column("min_step", BigInteger),
    Column("max_step", BigInteger),
    Column("finite_count", BigInteger, nullable=False),
    Column("nan_count", BigInteger, nullable=False),
    Column("pos_inf_count", BigInteger, nullable=False),
    Column("neg_inf_count", BigInteger, nullable=False),
)


def _of_series() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["run_id", "series_id"], ["series.run_id", "series.series_id"], ondelete="CASCADE"
    )


chunks = Table(
    "chunks",
    metadata,
    Column("run_id", CleanString, primary_key=True),
    Column("series_id", BigInteger, primary_key=True, autoincrement=False),
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
    Column("min_step", BigInteger, nullable=False),
    Column("max_step", BigInteger, nullable=False),
    Column("min_wall", Double),
    Column("max_wall", Double),
    Column("data", LargeBinary, nullable=False),
    _of_series(),
)

records = Table(
    "records",
    metadata,
    Column("run_id", CleanString, primary_key=True),
    Column("series_id", BigInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("step", BigInteger, nullable=False),
    Column("wall_time", Double),
    Column("header", JSONText, nullable=False),
    Column("body", LargeBinary),
    Column("blob", String, ForeignKey("blobs.hash")),
    _of_series(),
    Index("records_by_blob", "blob"),
)

blobs = Table(
    "blobs",
    metadata,
    Column("hash", String, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

spools = Table(
    "spools",
    metadata,
    Column("run_id", CleanString, ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("spool_id", CleanString, primary_key=True),
    Column("rank", Integer, nullable=False),
    Column("segment", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("damaged", BigInteger, nullable=False),
    Column("finished", Integer, nullable=False),
    Index("spools_by_id", "spool_id"),
)

# No foreign key: of a run that was removed for good it must still be known that its files were read.
followed = Table(
    "followed",
    metadata,
    Column("run_id", CleanString, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("identity", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("modified", Double, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("again", BigInteger, nullable=False),
    Column("deferred", LargeBinary, nullable=False),
)

views = Table(
    "views",
    metadata,
    Column("project", CleanString, primary_key=True),
    Column("name", CleanString, primary_key=True),
    Column("address", Text, nullable=False),
    Column("saved_at", Double, nullable=False),
)

layer_maps = Table(
    "layer_maps",
    metadata,
    Column("run_id", CleanString, ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("other_id", CleanString, primary_key=True),
    Column("pairs", JSONText, nullable=False),
    Column("saved_at", Double, nullable=False),
)

rules = Table(
    "rules",
    metadata,
    Column("project", CleanString, primary_key=True),
    Column("name", CleanString, primary_key=True),
    Column("rule", JSONText, nullable=False),
    Column("muted", Boolean, nullable=False),
    Column("made_at", Double, nullable=False),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("project", CleanString, primary_key=True),
    Column("url", Text, nullable=False),
    Column("level", String, nullable=False),
    Column("made_at", Double, nullable=False),
)

rule_states = Table(
    "rule_states",
    metadata,
    Column("run_id", CleanString, ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("state", JSONText, nullable=False),
)

acknowledged = Table(
    "acknowledged",
    metadata,
    Column("run_id", CleanString, ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("series_id", BigInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
)

environments = Table(
    "environments",
    metadata,
    Column("run_id", CleanString, ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("views", JSONText, nullable=False),
)

windows = Table(
    "windows",
    metadata,
    Column("run_id", CleanString, ForeignKey("environments.run_id", ondelete="CASCADE"), primary_key=True),
    Column("window_id", CleanString, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("pane", JSONText, nullable=False),
    Column("content", JSONText),
    Column("traces", JSONText, nullable=False),
    Column("pieces", BigInteger, nullable=False),
    Column("closed_at", Double),
)

pieces = Table(
    "pieces",
    metadata,
    Column("run_id", CleanString, primary_key=True),
    Column("window_id", CleanString, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("content", JSONText),
    Column("blob", String, ForeignKey("blobs.hash")),
    ForeignKeyConstraint(
        ["run_id", "window_id"], ["windows.run_id", "windows.window_id"], ondelete="CASCADE"
    ),
    Index("pieces_by_blob", "blob"),
)
