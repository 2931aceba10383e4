"""Lists of a project's runs are read from an index alone where rows of runs are long, in SQLite."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    columns = ["project", "created_at", "run_id", "archived_at", "deleted_at"]
    op.create_index("runs_of_project", "runs", columns)
