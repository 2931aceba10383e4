"""Visdom's environments and their windows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "environments",
        sa.Column("run_id", sa.String, sa.ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("views", sa.Text, nullable=False),
    )
    op.create_table(
        "windows",
        sa.Column(
            "run_id", sa.String, sa.ForeignKey("environments.run_id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("window_id", sa.String, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("pane", sa.Text, nullable=False),
        sa.Column("content", sa.Text),
        sa.Column("traces", sa.Text, nullable=False),
        sa.Column("pieces", sa.BigInteger, nullable=False),
        sa.Column("closed_at", sa.Double),
    )
    op.create_table(
        "pieces",
        sa.Column("run_id", sa.String, primary_key=True),
        sa.Column("window_id", sa.String, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("content", sa.Text),
        sa.Column("blob", sa.String, sa.ForeignKey("blobs.hash")),
        sa.ForeignKeyConstraint(
            ["run_id", "window_id"], ["windows.run_id", "windows.window_id"], ondelete="CASCADE"
        ),
        sa.Index("pieces_by_blob", "blob"),
    )
