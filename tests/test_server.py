"""The server as a process: its port, its address, how it stops, and what it does beside answering."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from dashboard_fixtures import Dashboard, eventually, log_run

import trainboard as tb
from trainboard.dashboard.server import address_of, bind
from trainboard.storage import Store

SERVE = """
import sys
from trainboard.dashboard.server import serve
from trainboard.storage import open_store
serve(open_store(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
"""
Serve = Callable[..., tuple[subprocess.Popen[str], list[str]]]


@pytest.fixture
def serve(store: Store) -> Iterator[Serve]:
    """Start a server process; returns it with the lines it printed until it answered."""
    started: list[subprocess.Popen[str]] = []

    def start(host: str = "127.0.0.1", port: int = 0) -> tuple[subprocess.Popen[str], list[str]]:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, store.url, host, str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "trainboard is at" in line:
                break
        return process, lines

    yield start
    for process in started:
        process.kill()
        process.communicate()


def address_in(lines: list[str]) -> str:
    (address,) = re.findall(r"http://\S+", lines[-1])
    return address


def get(address: str, **headers: str) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=60) as answer:
        return answer.read()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_quietly_while_a_page_waits(serve: Serve, number: signal.Signals) -> None:
    process, lines = serve()
    address = address_in(lines)
    waiting = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import urllib.request as u; u.urlopen({address + 'api/v1/changes?since=0'!r})",
        ]
    )
    assert b"version" in get(address + "api/v1/changes?wait=0")
    os.kill(process.pid, number)
    rest, _ = process.communicate(timeout=300)
    waiting.wait(300)
    assert rest.strip() == ""


def test_a_port_in_use_is_replaced_by_the_next_free_one_and_it_says_so(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        _, lines = serve(port=taken)
        assert lines[0].startswith(f"Port {taken} is in use")
        address = address_in(lines)
        assert address != f"http://127.0.0.1:{taken}/"
        assert b"<html" in get(address)


def test_a_bind_beyond_loopback_makes_a_token_and_prints_it(serve: Serve) -> None:
    _, lines = serve(host="0.0.0.0")
    address, _, token = address_in(lines).partition("?token=")
    assert len(token) >= 32
    assert b"runs" in get(address + "api/v1/runs", Authorization=f"Bearer {token}")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        get(address + "api/v1/runs")


def test_no_port_at_all_is_an_os_error() -> None:
    with pytest.raises(OSError):
        bind("192.0.2.1", 6006)


@pytest.mark.parametrize(
    ("host", "token", "address"),
    [
        ("127.0.0.1", None, "http://127.0.0.1:6006/"),
        ("0.0.0.0", "abc", "http://127.0.0.1:6006/?token=abc"),
        ("::", None, "http://[::1]:6006/"),
        ("::1", None, "http://[::1]:6006/"),
        ("gpu-box", "abc", "http://gpu-box:6006/?token=abc"),
    ],
)
def test_the_address_can_be_opened_on_this_machine(host: str, token: str | None, address: str) -> None:
    assert address_of(host, 6006, token) == address


def test_every_page_has_a_deep_link(dashboard: Dashboard) -> None:
    for path in ("/", "/histograms", "/media", "/graph", "/graph?theme=dark"):
        assert b'<html lang="en">' in get(dashboard.url + path)


def test_a_page_is_a_few_files_of_which_a_browser_keeps_ours_for_good(dashboard: Dashboard) -> None:
    files = re.findall(r'(?:src|href)="(/[^"]+)"', get(dashboard.url).decode())
    assert len(files) < 30
    for path in files:
        with urllib.request.urlopen(dashboard.url + path, timeout=10) as answer:
            if path.startswith("/own/"):
                assert "immutable" in answer.headers["cache-control"]
    assert sum(path.startswith("/own/") for path in files) == 2


def test_points_of_a_killed_program_are_adopted_and_the_run_is_killed(
    store: Store, dashboard: Dashboard
) -> None:
    log_run(store, "earlier")
    script = (
        "import os, signal, sys, trainboard as tb\n"
        "run = tb.init(project='digits', name='victim', store=sys.argv[1])\n"
        "for step in range(1000):\n"
        "    run.log({'loss': 1.0 / (step + 1)}, step=step)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, store.url], check=False)

    def victim() -> tb.storage.RunRecord | None:
        return next((run for run in store.runs() if run.name == "victim"), None)

    eventually(lambda: (run := victim()) and run.status == "killed")
    run = victim()
    assert run is not None
    assert len(store.points(run.id, "loss").value) == 1000


def test_a_callback_that_fails_says_why_in_the_servers_log(
    dashboard: Dashboard, caplog: pytest.LogCaptureFixture
) -> None:
    asked = {
        "output": "page.children",
        "outputs": {"id": "page", "property": "children"},
        "inputs": [{"id": "address", "property": "pathname", "value": "/media"}],
        "state": [{"id": "address", "property": "search", "value": ["no", "query"]}],
        "changedPropIds": ["address.pathname"],
    }
    request = urllib.request.Request(
        f"{dashboard.url}/_dash-update-component",
        json.dumps(asked).encode(),
        {"Content-Type": "application/json"},
    )
    with pytest.raises(urllib.error.HTTPError, match="500"):
        urllib.request.urlopen(request, timeout=60)
    assert "show_page failed" in caplog.text and "Traceback" in caplog.text
