"""The dashboard inside a notebook."""

from __future__ import annotations

import re
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from dashboard_fixtures import log_run
from playwright.sync_api import Page, expect

import trainboard as tb
from trainboard.storage import Store
from trainboard.storage.errors import StoreNotFound


def test_a_notebook_shows_the_store_in_a_frame(page: Page, store: Store) -> None:
    log_run(store, "one", [{"loss": 1.0}])
    shown = tb.show(store, view="?theme=dark", height=500)
    cell = f"<!DOCTYPE html>{shown._repr_html_()}".encode()

    class Notebook(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(cell)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Notebook) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        page.goto(f"http://localhost:{server.server_port}/")
        frame = page.frame_locator("iframe[title=trainboard]")
        expect(frame.locator("article.card")).to_contain_text("1 point")
        server.shutdown()


def test_a_store_shown_twice_has_one_server_and_only_notebooks_may_frame_it(store: Store) -> None:
    first, second = tb.show(store), tb.show(store, height=300)
    assert first.address == second.address and "height: 300px" in second._repr_html_()
    with urllib.request.urlopen(first.address) as answer:
        policy = answer.headers["content-security-policy"]
    (ancestors,) = re.findall(r"frame-ancestors ([^;]+)", policy)
    assert all(
        origin.startswith(("http://localhost:", "http://127", "http://[::1]", "vscode"))
        for origin in ancestors.split()
    )


def test_showing_what_is_no_store_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreNotFound):
        tb.show(str(tmp_path / "none.db"))
    with pytest.raises(ValueError, match="height"):
        tb.show(height=0)
