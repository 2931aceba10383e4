"""Stores in SQLite and in PostgreSQL alike: a test that asks for ``store_url`` runs once with each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from postgresql_server import INSTALLED, PostgreSQLServer

with_any_engine = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
"""For a test that asks for a store and could not tell one engine from the other."""


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQLServer]:
    """One server for all tests; whoever kills one starts a server of its own."""
    require_postgresql()
    with PostgreSQLServer() as server:
        yield server


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store_url(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Where to make a store for one test; its spools are in the test's folder, too."""
    monkeypatch.setenv("TRAINBOARD_DIR", str(tmp_path / "state"))
    with lent_url(engine, tmp_path, request) as url:
        yield url


@pytest.fixture(scope="module")
def shared_store_url(
    engine: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[str]:
    """Where to make a store for all tests of a module."""
    with lent_url(engine, tmp_path_factory.mktemp("shared"), request) as url:
        yield url


@contextmanager
def lent_url(engine: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    if engine == "sqlite":
        yield f"sqlite:///{folder / 'store.db'}"
        return
    server: PostgreSQLServer = request.getfixturevalue("postgresql")
    with server.lent_store() as url:
        yield url


def require_postgresql() -> None:
    """Skip the test where no server is installed; where CI is set, fail it."""
    if INSTALLED:
        return
    reason = "no PostgreSQL server is installed: install Debian's package `postgresql`, then `make test`"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
