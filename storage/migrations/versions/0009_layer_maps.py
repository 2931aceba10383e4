"""People say which layer of one run's model is which of another's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "layer_maps",
        sa.Column("run_id", sa.String, sa.ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
        sa.Column("other_id", sa.String, primary_key=True),
        sa.Column("pairs", sa.Text, nullable=False),
        sa.Column("saved_at", sa.Double, nullable=False),
    )
