"""A real server over a real store, and a page in a real browser that may not talk to anyone else."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, expect

import trainboard as tb
from trainboard.dashboard.server import Server, bind
from trainboard.storage import Store, open_store

# How long anything is waited for: on a busy machine a browser or a program may stand still for many seconds.
PATIENCE = 60.0

expect.set_options(timeout=1000 * PATIENCE)


class Dashboard:
    """A dashboard that runs in a thread, and can be stopped and started again on its port."""

    def __init__(self, store: Store, **options: Any) -> None:
        self.store = store
        self._options = options
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Dashboard:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        listener = bind("127.0.0.1", self.port)
        self.port = listener.getsockname()[1]
        self._server = Server(self.store, listener, **self._options)
        self._thread = threading.Thread(target=self._serve, args=(listener,), daemon=True)
        self._thread.start()
        eventually(lambda: self._server.started)

    def _serve(self, listener: socket.socket) -> None:
        with listener:
            self._server.run()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(PATIENCE)


@contextmanager
def served(folder: Path) -> Iterator[Dashboard]:
    """A dashboard over a new store in ``folder``; what it is to show is logged to its ``store``."""
    with open_store(folder / "runs.db", create=True) as store, Dashboard(store) as dashboard:
        yield dashboard


def eventually(is_true: Callable[[], Any]) -> None:
    """Wait until something is true. Raises ``AssertionError`` if it never is."""
    until = time.monotonic() + PATIENCE
    while not is_true():
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.02)


def once_within(seconds: float, trial: Callable[[], Any]) -> None:
    """Try until a trial takes less than this: a busy machine is slow now and then, a slow program always."""

    def is_quick() -> bool:
        begun = time.monotonic()
        trial()
        return time.monotonic() - begun < seconds

    eventually(is_quick)


@contextmanager
def watched(dashboard: Dashboard) -> Iterator[list[str]]:
    """Read runs and points through the dashboard all the while; yields what went wrong."""
    wrong: list[str] = []
    over, read = threading.Event(), threading.Event()

    def ask(path: str, asked: object = None) -> bytes:
        body = None if asked is None else json.dumps(asked).encode()
        with urllib.request.urlopen(f"{dashboard.url}/api/v1/{path}", body, timeout=60) as answer:
            return answer.read()

    def watch() -> None:
        while not over.is_set():
            try:
                runs = json.loads(ask("runs"))["runs"]
                ask("scalars", {"series": [{"run": run["id"], "tag": "loss"} for run in runs[:5]]})
                read.set()
            except OSError as error:
                wrong.append(str(error))
            over.wait(0.05)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield wrong
    finally:
        over.set()
        thread.join()
    assert read.is_set()


def log_run(store: Store, name: str, values: Sequence[dict[str, Any]] = (), **about: Any) -> str:
    """Run a program's part: one finished run with one ``log()`` a step, all in the store. Returns its id."""
    about.setdefault("project", "digits")
    with tb.init(name=name, store=store.url, **about) as run:
        for step, value in enumerate(values):
            run.log(value, step=step)
    # A program does not wait for a store forever, and a busy machine can take longer.
    eventually(lambda: any(one.status != "running" for one in store.runs(ids=[run.id])))
    return run.id


def falling(steps: int, scale: float = 1.0) -> list[dict[str, float]]:
    """What a small training logs: two losses and an accuracy."""
    return [
        {
            "train/loss": scale / (step + 1),
            "train/accuracy": 1 - 1 / (step + 1),
            "val/loss": scale * 1.1 / (step + 1),
        }
        for step in range(steps)
    ]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "runs.db", create=True)
    yield opened
    opened.close()


@pytest.fixture
def start_dashboard() -> Iterator[Callable[..., Dashboard]]:
    """Start dashboards that the test's end stops."""
    started: list[Dashboard] = []

    def start(store: Store, **options: Any) -> Dashboard:
        started.append(Dashboard(store, **options))
        return started[-1]

    yield start
    for dashboard in started:
        dashboard.stop()


@pytest.fixture
def dashboard(store: Store, start_dashboard: Callable[..., Dashboard]) -> Dashboard:
    """A dashboard over ``store``."""
    return start_dashboard(store)


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce"}


@pytest.fixture(scope="session")
def opener(browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[Page]:
    """A page that opens those of the tests: they share its process, which keeps their scripts compiled."""
    with browser.new_context(**browser_context_args) as context:
        context.set_default_timeout(1000 * PATIENCE)
        page = context.new_page()
        page.route("http://127.0.0.1/", lambda route: route.fulfill(body=""))
        page.goto("http://127.0.0.1/")
        yield page


@pytest.fixture
def page(opener: Page) -> Iterator[Page]:
    """A browser page, closed at the end with all others that a test opened beside it."""
    with opener.expect_popup() as opened:
        opener.evaluate("void window.open('about:blank')")
    yield opened.value
    for page in opener.context.pages:
        if page is not opener:
            page.close()


@pytest.fixture
def board(page: Page) -> Iterator[Page]:
    """A browser page; the test fails if it asks another host for anything, or reports an error."""
    problems: list[str] = []

    def check(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https", "ws", "wss") and address.hostname != "127.0.0.1":
            problems.append(f"asked for {request.url}")

    page.on("request", check)
    page.on("pageerror", lambda error: problems.append(f"threw {error}"))
    page.on(
        "console",
        lambda message: (
            problems.append(message.text)
            if message.type == "error" and "ERR_CONNECTION_REFUSED" not in message.text
            else None
        ),
    )
    yield page
    assert problems == []
