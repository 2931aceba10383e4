"""People keep views: the address of a page under a name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "views",
        sa.Column("project", sa.String, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("saved_at", sa.Double, nullable=False),
    )
