"""The first schema: runs, their series as chunks and records, blobs, and how far each spool was read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _create_runs()
    _create_series()
    _create_chunks()
    _create_records()
    _create_spools()


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("run_id", sa.String, primary_key=True),
        sa.Column("project", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("group_name", sa.String),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("config", sa.Text, nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("exit_code", sa.BigInteger),
        sa.Column("error", sa.Text),
        sa.Column("dropped", sa.BigInteger, nullable=False),
        sa.Column("damaged", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double),
        sa.Column("revision", sa.BigInteger, nullable=False),
    )
    op.create_index("runs_by_revision", "runs", ["revision"])


def _run_key() -> sa.Column[str]:
    return sa.Column("run_id", sa.String, sa.ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True)


def _create_series() -> None:
    op.create_table(
        "series",
        _run_key(),
        sa.Column("series_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("tag", sa.Text, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.BigInteger, nullable=False),
        sa.Column("first_step", sa.BigInteger),
        sa.Column("last_step", sa.BigInteger),
        sa.Column("first_wall", sa.Double),
        sa.Column("last_wall", sa.Double),
        sa.Column("last", sa.Double),
        sa.Column("minimum", sa.Double),
        sa.Column("maximum", sa.Double),
        sa.Column("mean", sa.Double),
        sa.Column("min_step", sa.BigInteger),
        sa.Column("max_step", sa.BigInteger),
        sa.Column("finite_count", sa.BigInteger, nullable=False),
        sa.Column("nan_count", sa.BigInteger, nullable=False),
        sa.Column("pos_inf_count", sa.BigInteger, nullable=False),
        sa.Column("neg_inf_count", sa.BigInteger, nullable=False),
    )


def _series_key() -> list[sa.Column[str] | sa.Column[int] | sa.ForeignKeyConstraint]:
    return [
        sa.Column("run_id", sa.String, primary_key=True),
        sa.Column("series_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.ForeignKeyConstraint(
            ["run_id", "series_id"], ["series.run_id", "series.series_id"], ondelete="CASCADE"
        ),
    ]


def _create_chunks() -> None:
    op.create_table(
        "chunks",
        *_series_key(),
        sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("start", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("min_step", sa.BigInteger, nullable=False),
        sa.Column("max_step", sa.BigInteger, nullable=False),
        sa.Column("min_wall", sa.Double),
        sa.Column("max_wall", sa.Double),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )


def _create_records() -> None:
    op.create_table(
        "blobs",
        sa.Column("hash", sa.String, primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "records",
        *_series_key(),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("step", sa.BigInteger, nullable=False),
        sa.Column("wall_time", sa.Double),
        sa.Column("header", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.Column("blob", sa.String, sa.ForeignKey("blobs.hash")),
    )


def _create_spools() -> None:
    op.create_table(
        "spools",
        _run_key(),
        sa.Column("spool_id", sa.String, primary_key=True),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("segment", sa.Integer, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("damaged", sa.BigInteger, nullable=False),
        sa.Column("finished", sa.Integer, nullable=False),
    )
    op.create_index("spools_by_id", "spools", ["spool_id"])
