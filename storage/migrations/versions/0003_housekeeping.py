"""Runs can be archived and deleted; and what refers to a blob is found without reading every record."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("runs", sa.Column("archived_at", sa.Double))
    op.add_column("runs", sa.Column("deleted_at", sa.Double))
    op.create_index("records_by_blob", "records", ["blob"])
