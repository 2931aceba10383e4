"""Alembic's entry point: run the migrations inside the transaction ``storage.migrate`` holds."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
