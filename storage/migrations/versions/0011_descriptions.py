"""What programs say of their tags."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("runs", sa.Column("descriptions", sa.Text, nullable=False, server_default="{}"))
