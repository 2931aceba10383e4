"""A PostgreSQL server of the tests' own: in a temporary folder, on a free port of loopback."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

from trainboard.storage import open_store

INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
PASSWORD = "sesame"
"""In every URL, so that a test can see where it turns up. The server asks nobody for it."""


class PostgreSQLServer:
    """A server that can be killed and started again; ``url`` stays the same. Use it as a context."""

    def __init__(self, **settings: object) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="trainboard-postgresql-"))
        if os.geteuid() == 0:
            shutil.chown(self._folder, "postgres")
        self._settings = {"fsync": "off", "max_connections": 200} | settings
        self._names = (f"store_{number}" for number in itertools.count())
        self._emptied: list[str] = []
        self.port = _free_port()
        self._run("initdb", "-U", "trainboard", "--auth=trust", "-E", "UTF8", "--no-sync")
        self.start()

    @property
    def url(self) -> str:
        """The URL of the server, without a database."""
        return f"postgresql://trainboard:{PASSWORD}@127.0.0.1:{self.port}"

    def start(self) -> None:
        settings = [f"-c {name}={value}" for name, value in self._settings.items()]
        options = f"-h 127.0.0.1 -p {self.port} -k {self._folder} {' '.join(settings)}"
        self._run("pg_ctl", "-o", options, "-l", str(self._folder / "log"), "-w", "start")

    def kill(self) -> None:
        """End it at once, as when its machine fails; it recovers when it is started again."""
        self._run("pg_ctl", "-m", "immediate", "-w", "stop")

    def restart(self) -> None:
        self.kill()
        self.start()

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """One statement in a transaction of its own; its rows."""
        with psycopg.connect(f"{self.url}/{database}", autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def new_database(self) -> str:
        """The URL of a new database, without a table."""
        name = next(self._names)
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return f"{self.url}/{name}"

    @contextmanager
    def lent_store(self) -> Iterator[str]:
        """The URL of an empty store, one that was lent before and emptied if there is one."""
        name = self._emptied.pop() if self._emptied else self._make_store()
        yield f"{self.url}/{name}"
        self.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        listed = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        tables = {table for (table,) in self.execute(listed, name)} - {"alembic_version"}
        self.execute(f"TRUNCATE {', '.join(tables)}", name)
        self._emptied.append(name)

    def _make_store(self) -> str:
        url = self.new_database()
        open_store(url, create=True).close()
        return url.rpartition("/")[2]

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self._folder)

    def __enter__(self) -> PostgreSQLServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def _run(self, program: str, *words: str) -> None:
        """Run a program of the server as somebody who may: not root."""
        prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        command = [*prefix, str(INSTALLED[-1] / program), "-D", str(self._folder / "data"), *words]
        subprocess.run(command, check=True, capture_output=True, text=True, cwd="/")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
