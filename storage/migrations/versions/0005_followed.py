"""How far the files of logs of other programs, such as TensorBoard's, are in the store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "followed",
        sa.Column("run_id", sa.String, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("modified", sa.Double, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("again", sa.BigInteger, nullable=False),
        sa.Column("deferred", sa.LargeBinary, nullable=False),
    )
