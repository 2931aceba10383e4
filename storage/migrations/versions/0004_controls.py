"""A program declares knobs and buttons on its run; what people ask of them is kept, in order.

And runs are found by their age.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("runs", sa.Column("controls", sa.Text, nullable=False, server_default="{}"))
    op.create_index("runs_by_age", "runs", ["created_at", "run_id"])
    op.create_table(
        "requests",
        sa.Column("run_id", sa.String, sa.ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("control", sa.Text, nullable=False),
        sa.Column("value", sa.Double),
        sa.Column("requested_at", sa.Double, nullable=False),
    )
