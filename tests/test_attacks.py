"""Attempts to read, to write, to occupy or to confuse a server, over real sockets; each of them fails."""

from __future__ import annotations

import http.client
import json
import logging
import random
import select
import socket
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote

import pytest
import zstandard
from dashboard_fixtures import Dashboard, eventually, falling, log_run

from trainboard.dashboard import asked, guesses, limits
from trainboard.storage import Store, wire

Start = Callable[..., Dashboard]
SPOKEN = {wire.PROTOCOL_HEADER: str(wire.PROTOCOL)}
SQL = [
    "'; DROP TABLE runs; --",
    "' OR '1'='1",
    '" UNION SELECT * FROM blobs --',
    "%' --",
    "\0",
    "\ud800x",
    "A,B'",
]


def raw(dashboard: Dashboard, *pieces: bytes) -> bytes:
    """What the server answers to these bytes until it closes the connection, or is silent."""
    with socket.create_connection(("127.0.0.1", dashboard.port), timeout=10) as connection:
        answer = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
            while received := connection.recv(1 << 16):
                answer += received
        except ConnectionError:
            pass
        return answer


def ask(
    dashboard: Dashboard, path: str, method: str = "GET", body: Any = None, **headers: str
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", dashboard.port, timeout=20)
    try:
        connection.request(
            method, path, body, {name.replace("_", "-"): text for name, text in headers.items()}
        )
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def head(dashboard: Dashboard, path: str, method: str = "POST", more: str = "") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{dashboard.port}\r\n{more}".encode()


@pytest.mark.parametrize("above", ["../", "..%2f", "%2e%2e/", "..%252f", "..\\", "..%5c", "%00../", "....//"])
def test_no_route_leads_to_a_file_outside(dashboard: Dashboard, above: str) -> None:
    for folder in (
        "/",
        "/assets/",
        "/assets/vendor/",
        "/_dash-component-suites/dash/",
        "/api/v1/media/image/",
    ):
        for file in ("etc/passwd", "app.py", "security.py", "runs.db"):
            status, body = ask(dashboard, folder + above * 8 + file)
            assert status < 500
            assert b"root:" not in body and b"import annotations" not in body and b"SQLite" not in body
            status, body = ask(dashboard, folder + above + file)
            assert status < 500 and b"import annotations" not in body


@pytest.mark.parametrize(
    "path",
    [
        "/%ff",
        "/compare%c3",
        "/assets/%ff.js",
        "/_dash-component-suites/none/x.js",
        "/_dash-component-suites/dash/none.js",
        "/_dash-component-suites/dash/%ff.js",
    ],
)
def test_a_file_that_is_not_there_is_no_error_of_the_server(dashboard: Dashboard, path: str) -> None:
    assert ask(dashboard, path)[0] == 404


@pytest.mark.parametrize(
    "path", ["/api/v1/scalars", "/_dash-update-component", "/", "/api/v1/ingest?spool=a"]
)
def test_a_body_without_end_is_cut_off(
    dashboard: Dashboard, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_BODY", 1 << 20)
    spoken = f"{wire.PROTOCOL_HEADER}: {wire.PROTOCOL}\r\nTransfer-Encoding: chunked\r\n\r\n"
    path += "?spool=a&segment=0&offset=0"
    chunk = b"10000\r\n" + bytes(1 << 16) + b"\r\n"
    answer = raw(dashboard, head(dashboard, path, more=spoken), *[chunk] * 200)
    assert b" 413 " in answer[:20] or answer == b""  # closed while we were still sending
    assert ask(dashboard, "/api/v1/runs")[0] == 200


def test_bodies_that_do_not_end_cannot_fill_the_memory_together(
    dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_BODY", 1 << 20)
    place = f"{wire.INGEST_PATH}?spool=a&segment=0&offset=0"
    announced = f"{wire.PROTOCOL_HEADER}: {wire.PROTOCOL}\r\nContent-Length: {1 << 20}\r\n\r\n"
    begun = head(dashboard, place, more=announced) + bytes(900_000)
    body = wire.pack(random.Random(0).randbytes(900_000))
    with ExitStack() as stack:
        sending = [
            stack.enter_context(socket.create_connection(("127.0.0.1", dashboard.port))) for _ in range(3)
        ]
        for connection in sending:
            connection.sendall(begun)
        (refused,), _, _ = select.select(sending, [], [], 10)
        assert b" 503 " in refused.recv(1 << 16)[:20]
        assert ask(dashboard, place, "POST", body, **SPOKEN)[0] == 503
        assert ask(dashboard, "/api/v1/runs")[0] == 200
    eventually(lambda: ask(dashboard, place, "POST", body, **SPOKEN)[0] == 200)


def test_a_body_announced_too_large_is_refused_before_it_comes(dashboard: Dashboard) -> None:
    answer = raw(dashboard, head(dashboard, "/api/v1/scalars", more="Content-Length: 5000000\r\n\r\n"))
    assert answer.startswith(b"HTTP/1.1 413") and str(limits.MAX_BODY).encode() in answer


def test_a_body_that_drips_is_given_up(dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.3)
    answer = raw(dashboard, head(dashboard, "/api/v1/scalars", more="Content-Length: 50\r\n\r\n"), b"{")
    assert answer.startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("start", [b"", b"\r\n", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "])
def test_a_head_that_drips_is_given_up(
    dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch, start: bytes
) -> None:
    monkeypatch.setattr(limits, "HEAD_SECONDS", 0.3)
    assert raw(dashboard, start) == b""


@pytest.mark.parametrize("flood", [b"X: " + b"a" * (1 << 20), b"X: a\r\n" * 200_000, b"/" * (1 << 20)])
def test_a_head_without_end_is_cut_off(dashboard: Dashboard, flood: bytes) -> None:
    answer = raw(dashboard, head(dashboard, "/", "GET"), flood)
    assert answer.startswith(b"HTTP/1.1 400") or answer == b""
    assert ask(dashboard, "/api/v1/runs")[0] == 200


@pytest.mark.parametrize(
    "method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"]
)
def test_methods_that_nothing_takes_are_refused(dashboard: Dashboard, method: str) -> None:
    for path in ("/api/v1/runs", "/api/v1/scalars", "/api/v1/changes", wire.INGEST_PATH, "/assets/base.css"):
        status, body = ask(dashboard, path, method)
        assert 400 <= status < 500 and b"Traceback" not in body
    assert ask(dashboard, "/api/v1/nothing", method)[0] < 500


def test_sql_in_any_field_is_only_text(store: Store, dashboard: Dashboard) -> None:
    run = log_run(store, "kept", falling(3))
    for text in SQL:
        sent = quote(text.encode("utf-8", "surrogatepass"))
        for path in (
            f"runs?project={sent}", f"runs?ids={sent}", f"series?runs={sent}", f"changes?since={sent}&wait=0",
            f"images/{sent}?run={sent}&tag={sent}&index=0", f"images/a?run={run}&tag=a&index={sent}",
            f"images/a?run={run}&tag=a&index=0&rank={sent}", f"ingest?spool={sent}", f"ingest/run?run={sent}",
        ):  # fmt: skip
            assert ask(dashboard, f"/api/v1/{path}", **SPOKEN)[0] < 500, path
        body = json.dumps({"series": [{"run": text, "tag": text}, {"run": run, "tag": text}]})
        assert ask(dashboard, "/api/v1/scalars", "POST", body)[0] == 200
        for wrong in ({"axis": text}, {"width": text}, {"window": text}, {"series": text}):
            assert ask(dashboard, "/api/v1/scalars", "POST", json.dumps({"series": []} | wrong))[0] == 400
    assert store.run(run).name == "kept" and len(store.points(run, "val/loss").step) == 3


@pytest.mark.parametrize(
    "body",
    ['{"series": [{"run": "a", "tag": "b", "since": -1}]}', '{"series": [{"run": {}, "tag": "b"}]}']
    + ['{"series": [{"run": "a", "tag": "b", "rank": 1e99}]}', '{"series": [], "window": [NaN, 1]}']
    + ['{"series": [{"run": "a", "tag": "b", "since": 99999999999999999999}]}', "[" * 100_000, "{", "7", ""]
    + ['{"series": [], "width": 1e999}', '{"series": [], "width": "9"}x', '{"series": [1]}'],
)
def test_questions_that_make_no_sense_get_a_400(dashboard: Dashboard, body: str) -> None:
    assert ask(dashboard, "/api/v1/scalars", "POST", body)[0] == 400


@pytest.mark.parametrize("query", ["changes?since=nan", "changes?wait=inf", "changes?since=1e999"])
def test_numbers_that_are_none_get_a_400(dashboard: Dashboard, query: str) -> None:
    assert ask(dashboard, f"/api/v1/{query}")[0] == 400


def test_what_one_question_may_ask_is_limited_and_the_answer_names_the_limit(dashboard: Dashboard) -> None:
    def status(count: int, width: int) -> tuple[int, bytes]:
        body = json.dumps({"series": [{"run": "a", "tag": str(at)} for at in range(count)], "width": width})
        return ask(dashboard, "/api/v1/scalars", "POST", body)

    assert status(asked.MAX_SERIES, 500)[0] == 200
    assert status(asked.MAX_SERIES + 1, 50) == (413, status(asked.MAX_SERIES + 1, 50)[1])
    refused, why = status(1_000, 4_000)
    assert refused == 413 and b"625 of that width are allowed" in why
    many = ",".join(map(str, range(asked.MAX_RUNS + 1)))
    for query in (f"runs?ids={many}", f"series?runs={many}"):
        refused, why = ask(dashboard, f"/api/v1/{query}")
        assert refused == 413 and str(asked.MAX_RUNS).encode() in why


def test_an_error_tells_neither_paths_nor_other_runs(store: Store, dashboard: Dashboard) -> None:
    run = log_run(store, "secret", falling(3))
    folder = store.url.rpartition("/")[0].removeprefix("sqlite:///").encode()
    for path in (f"ingest/run?run={run[:-1]}", "images/a?run=a&tag=b&index=0", "images/a", "typo"):
        status, body = ask(dashboard, f"/api/v1/{path}", **SPOKEN)
        assert 400 <= status < 500
        assert folder not in body and run.encode() not in body and b"Traceback" not in body


def test_trying_many_tokens_is_stopped_and_one_old_token_is_not(store: Store, start_dashboard: Start) -> None:
    dashboard = start_dashboard(store, token="right", write_token="write")

    def status(token: str, path: str = "/api/v1/runs") -> int:
        return ask(dashboard, path, Authorization=f"Bearer {token}", **SPOKEN)[0]

    assert {status("old") for _ in range(3 * guesses.MAX_WRONG)} == {401}
    assert status("right") == 200
    assert {status("right", f"{wire.INGEST_PATH}?spool=a"), status("write")} == {401}
    assert 429 in {status(f"guess {number}") for number in range(guesses.MAX_WRONG)}
    assert status("right") == status("write", f"{wire.INGEST_PATH}?spool=a") == 429


def test_tokens_are_in_no_log_no_address_and_no_error(
    store: Store, start_dashboard: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    dashboard = start_dashboard(store, token="sesame-read", write_token="sesame-write")
    said = b""
    for query in ("/?token=sesame-read", "/api/v1/typo?token=sesame-read", "/api/v1/runs?token=sesame-wrong"):
        said += raw(dashboard, head(dashboard, query, "GET", "Connection: close\r\n\r\n"))
    for place in (f"{wire.INGEST_PATH}?spool=a", "/api/v1/scalars"):
        said += ask(dashboard, place, "POST", b"x", Authorization="Bearer sesame-write", **SPOKEN)[1]
    cookieless = b"\n".join(line for line in said.split(b"\n") if not line.lower().startswith(b"set-cookie"))
    assert b"sesame" not in cookieless and "sesame" not in caplog.text
    assert b"referrer-policy: same-origin" in said.lower()


def test_a_cookie_made_over_https_is_sent_over_nothing_else(store: Store, start_dashboard: Start) -> None:
    dashboard = start_dashboard(store, token="right")
    for proto, secure in (("https", True), ("http", False)):
        more = f"X-Forwarded-Proto: {proto}\r\nConnection: close\r\n\r\n"
        answer = raw(dashboard, head(dashboard, "/?token=right", "GET", more)).lower()
        assert b"httponly" in answer and b"samesite=strict" in answer
        assert (b"; secure" in answer) is secure


def test_what_changes_something_needs_the_write_token(store: Store, start_dashboard: Start) -> None:
    dashboard = start_dashboard(store, token="read", write_token="write")
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert ask(dashboard, "/api/v1/runs", method, Authorization="Bearer read")[0] == 401
        assert ask(dashboard, "/api/v1/runs", method, Authorization="Bearer write")[0] == 405


def test_another_site_can_neither_wait_nor_open_a_websocket(dashboard: Dashboard) -> None:
    for headers in ({"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"}, {"Origin": "http://evil"}):
        assert ask(dashboard, "/api/v1/changes?wait=0", **headers)[0] == 403
    assert ask(dashboard, "/?theme=dark", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")[0] == 200
    upgrade = (
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://evil.example\r\n\r\n"
    )
    for path in ("/_dash-ws-callback", "/socket", "/"):
        assert raw(dashboard, head(dashboard, path, "GET", upgrade)).startswith(b"HTTP/1.1 403")


def test_two_thousand_damaged_bodies_store_nothing_and_stop_nothing(
    store: Store, dashboard: Dashboard, segment: Any
) -> None:
    dice = random.Random(11)
    made = segment(project="digits")
    for step in range(20):
        made.scalars(step, {"loss": 1.0 / (step + 1)})
    valid = wire.pack(made.data)
    connection = http.client.HTTPConnection("127.0.0.1", dashboard.port, timeout=20)
    harmless = 0
    for case in range(2_000):
        body = bytearray(dice.randbytes(dice.randrange(200)) if case % 2 else valid)
        while bytes(body) == valid:
            body[dice.randrange(len(body))] = dice.randrange(256)
            if not dice.randrange(3):
                del body[dice.randrange(1, len(body)) :]
        connection.request("POST", f"{wire.INGEST_PATH}?spool=fuzz&segment=0&offset=0", bytes(body), SPOKEN)
        answer = connection.getresponse()
        told = json.loads(answer.read())
        if answer.status == 200:  # the damage was to bits that mean nothing
            assert wire.unpack(body) == made.data
            harmless += 1
        else:
            assert answer.status in (400, 413) and told["message"], (answer.status, bytes(body))
    connection.close()
    assert harmless < 20
    for run in store.runs():
        assert store.points(run.id, "loss").step.tolist() == list(range(20))


def test_a_bomb_is_not_unpacked(dashboard: Dashboard) -> None:
    bomb = zstandard.ZstdCompressor(write_checksum=True).compress(bytes(wire.MAX_BODY + 1))
    assert len(bomb) < 20_000
    status, told = ask(dashboard, f"{wire.INGEST_PATH}?spool=a&segment=0&offset=0", "POST", bomb, **SPOKEN)
    assert status == 413 and b"smaller" in told
