"""Visdom's own server, from its package, as a process to compare with; it downloads nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import visdom
from dashboard_fixtures import Dashboard, eventually
from playwright.sync_api import Page

Client: Any = visdom.Visdom  # the types in its package are older than its code
_PROGRAM = "from visdom.server.run_server import main; main()"


@contextmanager
def visdom_server(folder: Path) -> Iterator[str]:
    """The address of a server that keeps its files in ``folder``."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, "-port", str(port), "-bind_local", "-env_path", f"{folder}/envs/"],
        env={**os.environ, "HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: answers(url))
        yield url
    finally:
        process.kill()
        process.wait()


def client(dashboard: Dashboard, env: str, **options: Any) -> Any:
    options = {"use_incoming_socket": False, **options}
    return Client(server="http://localhost", port=dashboard.port, env=env, **options)


def pane(board: Page, name: str) -> Any:
    return board.get_by_role("region", name=name, exact=True)


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/user/style.css", timeout=60).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def post(url: str, body: bytes | str) -> tuple[int, str]:
    """Status and text of an answer to a request as Visdom's client sends it."""
    data = body.encode() if isinstance(body, str) else body
    request = urllib.request.Request(url, data)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
