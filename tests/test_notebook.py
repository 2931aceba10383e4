"""The dashboard inside a notebook."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from dashboard_fixtures import eventually, log_run
from playwright.sync_api import Page, expect

import trainboard as tb
from trainboard.storage import Store
from trainboard.storage.errors import StoreNotFound


@contextmanager
def served(host: str, cell: str) -> Iterator[int]:
    """A page that holds a cell, on a port of this address of the machine."""

    class Notebook(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(f"<!DOCTYPE html>{cell}".encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer((host, 0), Notebook) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_a_notebook_shows_the_store_in_a_frame(page: Page, store: Store) -> None:
    log_run(store, "one", [{"loss": 1.0}])
    shown = tb.show(store, view="?theme=dark", height=500)
    with served("127.0.0.1", shown._repr_html_()) as port:
        page.goto(f"http://localhost:{port}/")
        frame = page.frame_locator("iframe[title=trainboard]")
        expect(frame.locator("article.card")).to_contain_text("1 point")


def test_a_store_shown_twice_has_one_server_and_only_notebooks_may_frame_it(store: Store) -> None:
    first, second = tb.show(store), tb.show(store, height=300)
    assert first.address == second.address and "height: 300px" in second._repr_html_()
    with urllib.request.urlopen(first.address) as answer:
        policy = answer.headers["content-security-policy"]
    (ancestors,) = re.findall(r"frame-ancestors ([^;]+)", policy)
    assert ancestors.split() == ["http://localhost:*", "http://127.0.0.1:*", "vscode-webview:"]


def test_another_site_may_not_frame_a_notebooks_dashboard_not_even_through_a_page_of_this_machine(
    page: Page, store: Store
) -> None:
    log_run(store, "one", [{"loss": 1.0}])
    framed = tb.show(store)._repr_html_()
    with served("127.0.0.1", framed) as port, served("127.0.0.2", framed) as direct:
        around = f'<iframe src="http://localhost:{port}/"></iframe>'
        with served("127.0.0.2", around) as nested:
            for other, depth in ((direct, 2), (nested, 3)):
                page.goto(f"http://127.0.0.2:{other}/")
                eventually(lambda depth=depth: len(frames_of(page)) == depth)
                eventually(lambda: frames_of(page)[-1].startswith("chrome-error:"))


def frames_of(page: Page) -> list[str]:
    """Where each frame of the page is, once Playwright has heard what the browser had to say."""
    page.evaluate("0")
    return [frame.url for frame in page.frames]


def test_showing_what_is_no_store_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreNotFound):
        tb.show(str(tmp_path / "none.db"))
    with pytest.raises(ValueError, match="height"):
        tb.show(height=0)
