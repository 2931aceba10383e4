"""Who may ask, and what a browser may do with the answer."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from trainboard.dashboard.security import is_loopback
from trainboard.dashboard.server import create_app
from trainboard.storage import Store

TOKEN = "let-me-in"


def client(store: Store, base: str = "http://127.0.0.1:6006", **options: Any) -> TestClient:
    return TestClient(create_app(store, **options), base_url=base, follow_redirects=False)


@pytest.mark.parametrize(
    "host", ["127.0.0.1:6006", "localhost:6006", "[::1]:6006", "127.0.0.1", "LOCALHOST:6006"]
)
def test_loopback_names_are_served(store: Store, host: str) -> None:
    assert client(store).get("/api/v1/runs", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:6006", "127.0.0.1.evil.example", "", "[::1", "[::1].evil.example"]
    + ["me@127.0.0.1", "localhost:x", "127.0.0.1/", "localhost#"],
)
def test_another_name_that_points_here_is_refused(store: Store, host: str) -> None:
    for path in ("/", "/api/v1/runs", "/assets/base.css", "/_dash-layout"):
        answer = client(store).get(path, headers={"host": host})
        assert answer.status_code == 403
        assert answer.json()["error"] == "Refused"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_writes_from_other_sites_are_refused(store: Store, headers: dict[str, str]) -> None:
    for path in ("/api/v1/scalars", "/_dash-update-component"):
        assert client(store).post(path, json={"series": []}, headers=headers).status_code == 403


def test_our_own_page_and_programs_may_write(store: Store) -> None:
    own = {"origin": "http://127.0.0.1:6006", "sec-fetch-site": "same-origin"}
    for headers in (own, {}):
        answer = client(store).post("/api/v1/scalars", json={"series": []}, headers=headers)
        assert answer.status_code == 200


def test_without_the_token_nothing_is_told(store: Store) -> None:
    asking = client(store, host="0.0.0.0", token=TOKEN)
    for path in ("/", "/api/v1/runs", "/assets/base.css", "/?token=wrong"):
        assert asking.get(path).status_code == 401
    wrong = {"authorization": "Bearer wrong"}
    assert asking.get("/api/v1/runs", headers=wrong).status_code == 401


def test_an_address_that_others_can_reach_is_not_served_without_a_token(store: Store) -> None:
    with pytest.raises(ValueError, match="token"):
        create_app(store, host="0.0.0.0")


def test_the_token_in_the_address_becomes_a_cookie_and_leaves_the_address(store: Store) -> None:
    asking = client(store, "http://training-machine:6006", host="0.0.0.0", token=TOKEN)
    answer = asking.get(f"/graph?theme=dark&token={TOKEN}")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/graph?theme=dark"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie
    assert asking.get("/graph?theme=dark").status_code == 200


def test_the_token_is_no_open_redirect(store: Store) -> None:
    asking = client(store, host="0.0.0.0", token=TOKEN)
    location = asking.get(f"//evil.example/?token={TOKEN}").headers["location"]
    assert location.startswith("/") and not location.startswith("//")


def test_programs_show_the_token_as_a_bearer(store: Store) -> None:
    asking = client(store, host="0.0.0.0", token=TOKEN)
    headers = {"authorization": f"Bearer {TOKEN}"}
    assert asking.get("/api/v1/runs", headers=headers).status_code == 200


def test_every_answer_carries_the_protective_headers(store: Store) -> None:
    asking = client(store)
    for path in ("/", "/graph", "/api/v1/runs", "/api/typo", "/assets/base.css"):
        headers = asking.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy


def test_no_script_but_files_and_dashs_own_inline_ones_may_run(store: Store) -> None:
    page = client(store).get("/")
    policy = page.headers["content-security-policy"]
    (scripts,) = re.findall(r"script-src ([^;]*)", policy)
    assert "unsafe" not in scripts
    assert all(word == "'self'" or word.startswith("'sha256-") for word in scripts.split())
    inline = re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", page.text)
    assert len(inline) == scripts.count("sha256-")


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True)]
    + [("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("example.com", False), ("", False)],
)
def test_what_counts_as_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
