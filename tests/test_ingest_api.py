"""The HTTP interface that programs log through: who may, what it takes, and what it answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import zstandard
from starlette.testclient import TestClient

from trainboard.dashboard.server import create_app
from trainboard.storage import Store, wire

BASE = "http://127.0.0.1:6006"
SPOKEN = {wire.PROTOCOL_HEADER: str(wire.PROTOCOL)}
PATH = wire.INGEST_PATH


@pytest.fixture
def api(store: Store) -> Iterator[TestClient]:
    with TestClient(create_app(store), base_url=BASE, headers=SPOKEN) as client:
        yield client


def feed(api: TestClient, data: bytes | bytearray, offset: int = 0, **more: Any) -> Any:
    place = {"spool": "spool", "segment": 0, "offset": offset} | more
    return api.post(PATH, params=place, content=wire.pack(data))


def test_frames_go_in_and_the_answer_is_where_to_go_on(api: TestClient, store: Store, segment: Any) -> None:
    made = segment(project="digits")
    made.scalars(0, {"loss": 0.5})
    whole = len(made.data)
    made.scalars(1, {"loss": 0.25})
    assert feed(api, made.data[: whole + 5]).json() == {"offset": whole}
    assert feed(api, made.data[whole:], whole).json() == {"offset": len(made.data)}
    assert store.points("run", "loss").value.tolist() == [0.5, 0.25]


def test_a_program_that_lost_the_answer_asks_how_far_its_spool_is(
    api: TestClient, store: Store, segment: Any
) -> None:
    asked = {"spool": "spool"}
    assert api.get(PATH, params=asked).json() == {"segment": 0, "position": 0, "known_to": 0}
    made = segment(project="digits")
    made.scalars(0, {"loss": 0.5})
    end = len(made.data)
    feed(api, made.data)
    assert api.get(PATH, params=asked).json() == {"segment": 0, "position": end, "known_to": end}
    with TestClient(create_app(store), base_url=BASE, headers=SPOKEN) as restarted:
        assert restarted.get(PATH, params=asked).json() == {"segment": 0, "position": end, "known_to": 0}
        made.scalars(1, {"loss": 0.25})
        assert feed(restarted, made.data[end:], end).status_code == 409
        assert feed(restarted, made.data).json() == {"offset": len(made.data)}
    assert store.points("run", "loss").value.tolist() == [0.5, 0.25]


def test_a_spool_nobody_will_feed_any_more_ends_its_run_as_killed(
    api: TestClient, store: Store, segment: Any
) -> None:
    feed(api, segment(project="digits").data)
    assert api.post(f"{PATH}/abandon", params={"spool": "spool"}).status_code == 200
    assert store.run("run").status == "killed"


def test_a_run_can_be_continued_by_who_knows_its_id(api: TestClient, segment: Any) -> None:
    made = segment(project="digits", name="a run", config={"lr": 0.1})
    made.scalars(7, {"loss": 0.5})
    feed(api, made.data)
    found = api.get(f"{PATH}/run", params={"run": "run"}).json()
    assert (found["project"], found["name"], found["config"], found["next_step"]) == (
        "digits",
        "a run",
        {"lr": 0.1},
        8,
    )
    assert api.get(f"{PATH}/run", params={"run": "other"}).status_code == 404


@pytest.mark.parametrize("spoken", ["0", "2", "", "one", None])
def test_another_version_of_the_protocol_is_refused(store: Store, spoken: str | None) -> None:
    headers = {} if spoken is None else {wire.PROTOCOL_HEADER: spoken}
    answer = TestClient(create_app(store), base_url=BASE, headers=headers).get(PATH, params={"spool": "s"})
    assert answer.status_code == 426
    assert "update trainboard" in answer.json()["message"]


@pytest.mark.parametrize(
    "change",
    [
        {"spool": ""},
        {"spool": "x" * 201},
        {"segment": -1},
        {"segment": "a"},
        {"offset": 2**31},
        {"offset": "²"},
    ],
)
def test_places_that_make_no_sense_are_refused(api: TestClient, change: dict[str, Any]) -> None:
    assert feed(api, b"", **change).status_code == 400


def test_a_body_that_is_not_packed_is_refused(api: TestClient) -> None:
    place = {"spool": "spool", "segment": 0, "offset": 0}
    assert api.post(PATH, params=place, content=b"not zstd").status_code == 400


def test_a_body_too_large_is_refused_as_sent_as_streamed_and_as_unpacked(
    api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = zstandard.ZstdCompressor(write_checksum=True).compress(bytes(1 << 24))
    monkeypatch.setattr(wire, "MAX_BODY", 1 << 20)
    place = {"spool": "spool", "segment": 0, "offset": 0}
    for body in (bytes(1 << 21), (bytes(1 << 19) for _ in range(4)), bomb):
        answer = api.post(PATH, params=place, content=body)
        assert answer.status_code == 413
        assert "smaller" in answer.json()["message"]


def test_writing_needs_the_write_token_and_reading_the_other(store: Store) -> None:
    app = create_app(store, host="0.0.0.0", token="read", write_token="write")
    asked = {"spool": "spool"}

    def status(path: str, token: str, **more: Any) -> int:
        headers = SPOKEN | {"authorization": f"Bearer {token}"}
        return TestClient(app, base_url=BASE, headers=headers, **more).get(path, params=asked).status_code

    assert (status(PATH, "write"), status("/api/v1/runs", "read")) == (200, 200)
    assert (status(PATH, "read"), status("/api/v1/runs", "write")) == (401, 401)
    assert (status(PATH, ""), status(PATH, "wrong")) == (401, 401)
    assert status(PATH, "", cookies={"trainboard_token_6006": "write"}) == 401
    assert (
        TestClient(app, base_url=BASE, headers=SPOKEN).get(PATH, params=asked | {"token": "write"}).is_error
    )


def test_without_a_write_token_a_guarded_server_takes_nothing(store: Store) -> None:
    app = create_app(store, token="read")
    for headers in (SPOKEN, SPOKEN | {"authorization": "Bearer read"}, SPOKEN | {"authorization": "Bearer "}):
        answer = TestClient(app, base_url=BASE, headers=headers).get(PATH, params={"spool": "spool"})
        assert answer.status_code == 401
        assert "TRAINBOARD_WRITE_TOKEN" in answer.json()["message"]


def test_a_page_of_another_site_cannot_log(api: TestClient) -> None:
    place = {"spool": "spool", "segment": 0, "offset": 0}
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert api.post(PATH, params=place, headers=headers).status_code == 403
    assert api.get(PATH, params=place, headers={"host": "evil.example"}).status_code == 403


def test_what_is_below_the_address_and_unknown_is_json(api: TestClient) -> None:
    answer = api.get(f"{PATH}/typo")
    assert (answer.status_code, json.loads(answer.text)["error"]) == (404, "Not Found")
