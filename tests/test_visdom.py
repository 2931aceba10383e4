"""The unmodified Visdom client against our server: what it draws is stored, and survives the server."""

from __future__ import annotations

import json
import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import numpy as np
import pytest
from dashboard_fixtures import Dashboard, eventually, served
from server_process import ServerProcess
from visdom_server import Client, post

from trainboard.storage import Store

Connect = Callable[..., Any]
HANDSHAKE = (
    b"GET /vis_socket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    with served(tmp_path_factory.mktemp("visdom")) as dashboard:
        yield dashboard


def client(port: int, **options: Any) -> Any:
    return Client(server="http://localhost", port=port, raise_exceptions=True, **options)


def pane(vis: Any, win: str) -> dict[str, Any]:
    return json.loads(vis.get_window_data(win))


def test_a_client_connects_at_once(dashboard: Dashboard) -> None:
    vis = client(dashboard.port, env="connects")
    assert vis.check_connection(timeout_seconds=3)
    assert "connects" in vis.get_env_list()


def test_events_of_the_page_reach_the_programs_callbacks(dashboard: Dashboard) -> None:
    vis = client(dashboard.port, env="callbacks")
    assert vis.check_connection(timeout_seconds=3)
    win = vis.text("press a key")
    heard: list[dict[str, Any]] = []
    vis.register_event_handler(heard.append, win)
    event = {"event_type": "KeyPress", "key": "a", "key_code": 65}
    status, _ = post(
        f"{dashboard.url}/api/v1/panes/event", json.dumps({"env": "callbacks", "win": win, "event": event})
    )
    assert status == 200
    eventually(lambda: heard)
    assert heard[0]["key"] == "a"
    assert heard[0]["pane_data"]["content"] == "press a key"


def test_a_client_that_polls_hears_of_events_in_order(dashboard: Dashboard) -> None:
    init = json.dumps({"message_type": "init"})
    sid = json.loads(post(f"{dashboard.url}/vis_socket_wrap", init)[1])["sid"]
    vis = client(dashboard.port, env="polls", use_incoming_socket=False)
    win = vis.text("x")
    for key in "abc":
        asked = {"env": "polls", "win": win, "event": {"event_type": "KeyPress", "key": key}}
        post(f"{dashboard.url}/api/v1/panes/event", json.dumps(asked))
    query = json.dumps({"message_type": "query", "sid": sid})
    messages = json.loads(post(f"{dashboard.url}/vis_socket_wrap", query)[1])["messages"]
    assert [json.loads(message).get("key") for message in messages] == [None, "a", "b", "c"]
    unknown = json.loads(post(f"{dashboard.url}/vis_socket_wrap", '{"sid": "bogus"}')[1])
    assert unknown == {"success": False, "reason": "closed", "messages": []}


def test_a_program_that_never_reads_keeps_no_other_waiting(dashboard: Dashboard) -> None:
    with socket.create_connection(("127.0.0.1", dashboard.port)) as silent:
        silent.sendall(HANDSHAKE)
        assert silent.recv(1_000).startswith(b"HTTP/1.1 101")
        vis = client(dashboard.port, env="silent")
        assert vis.check_connection(timeout_seconds=3)
        win = vis.text("x" * 1_000_000)  # what a stuck connection cannot hold many of
        heard: list[int] = []
        vis.register_event_handler(lambda event: heard.append(event["key"]), win)
        for number in range(12):
            asked = {"env": "silent", "win": win, "event": {"event_type": "KeyPress", "key": number}}
            assert post(f"{dashboard.url}/api/v1/panes/event", json.dumps(asked))[0] == 200
        eventually(lambda: len(heard) == 12)
        assert heard == list(range(12))


def test_points_come_back_exactly_whatever_they_are(dashboard: Dashboard) -> None:
    vis = client(dashboard.port, env="exact", use_incoming_socket=False)
    vis.line(X=np.array([0, 1]), Y=np.array([1.0, 2.0]), win="w", name="a")
    vis.line(X=np.array([0.25]), Y=np.array([np.inf]), win="w", name="a", update="append")
    vis.line(X=np.array([7.0, 8.0]), Y=np.array([np.nan, 4.0]), win="w", name="a", update="append")
    trace = pane(vis, "w")["content"]["data"][0]
    assert trace["x"] == [0, 1, 0.25, 7, 8]
    assert trace["y"] == [1, 2, float("inf"), None, 4]


def test_lines_are_series_of_a_run_that_lists_leave_out_until_it_is_promoted(dashboard: Dashboard) -> None:
    vis = client(dashboard.port, env="promoted", use_incoming_socket=False)
    for step in range(3):
        vis.line(X=np.array([step]), Y=np.array([step * 2.0]), win="loss", name="train", update="append")
    store = dashboard.store
    assert [run.name for run in store.runs("visdom")] == []
    asked = json.dumps({"env": "promoted", "promoted": True})
    assert post(f"{dashboard.url}/api/v1/panes/promote", asked)[0] == 200
    (run,) = store.runs("visdom")
    assert (run.name, run.status) == ("promoted", "running")
    points = store.points(run.id, "loss/train")
    assert points.step.tolist() == [0, 1, 2]
    assert points.value.tolist() == [0, 2, 4]


def test_a_three_dimensional_scatter_can_be_appended_to(dashboard: Dashboard) -> None:
    vis = client(dashboard.port, env="three", use_incoming_socket=False)
    vis.scatter(X=np.ones((2, 3)), win="s", name="a")
    vis.scatter(X=np.zeros((1, 3)), win="s", name="a", update="append")
    trace = pane(vis, "s")["content"]["data"][0]
    assert [trace[axis] for axis in "xyz"] == [[1, 1, 0]] * 3


def test_fewer_traces_than_there_are_update_the_first(dashboard: Dashboard) -> None:
    vis = client(dashboard.port, env="fewer", use_incoming_socket=False)
    vis.line(Y=np.zeros((2, 2)), X=np.array([0, 1]), win="w")
    vis.line(Y=np.ones(1), X=np.array([2]), win="w", update="append")
    assert [trace["y"] for trace in pane(vis, "w")["content"]["data"]] == [[0, 0, 1], [0, 0]]


NAMES = ["a/b", "..", "a.b", "two words", "naïve ✓", "%2F", "x" * 300]


@pytest.mark.parametrize("name", NAMES)
def test_an_environment_may_have_any_name(name: str, dashboard: Dashboard) -> None:
    vis = client(dashboard.port, env="other", use_incoming_socket=False)
    win = vis.text("here", env=name)
    assert json.loads(vis.get_window_data(win, env=name))["content"] == "here"
    assert name.replace("/", "_") in vis.get_env_list()
    vis.delete_env(name)
    assert name.replace("/", "_") not in vis.get_env_list()


def test_an_address_of_visdoms_page_leads_to_its_environments(dashboard: Dashboard) -> None:
    for path, shown in (("/env/a,b", "a%2Cb"), ("/compare/a,b+c", "a%2Cb,c")):
        with urlopen(dashboard.url + path) as answer:
            assert parse_qs(urlsplit(answer.url).query)["env"] == [shown]  # commas part a list on the page


BAD = [
    ("{", "cannot use this request"),
    ("[]", "not a JSON object"),
    ("{}", "data"),
    ('{"data": []}', "list index"),
    ("[" * 100_000, "nested too deeply"),
]


@pytest.mark.parametrize(("body", "said"), BAD, ids=["broken", "list", "empty", "no data", "deep"])
def test_a_request_that_makes_no_sense_is_told_so(body: str, said: str, dashboard: Dashboard) -> None:
    status, text = post(f"{dashboard.url}/events", body)
    assert (status, said in text) == (400, True), text


def test_a_body_that_is_too_large_is_refused_with_the_limit(dashboard: Dashboard) -> None:
    status, text = post(f"{dashboard.url}/events", b" " * ((64 << 20) + 1))
    assert (status, "67108864" in text) == (413, True)


def test_one_bad_request_spoils_no_other_of_its_transaction(dashboard: Dashboard) -> None:
    good = [
        json.dumps({"eid": "mixed", "win": f"w{at}", "data": [{"type": "text", "content": "x"}]})
        for at in range(30)
    ]
    bodies = [body for pair in zip(good, ["{}"] * 30, strict=True) for body in pair]
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda body=body: statuses.append(post(f"{dashboard.url}/events", body)[0]))
        for body in bodies
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 30 + [400] * 30
    vis = client(dashboard.port, env="mixed", use_incoming_socket=False)
    assert len(json.loads(vis.get_window_data())) == 30


def test_unknown_panes_and_fields_are_kept(dashboard: Dashboard) -> None:
    message = {"eid": "raw", "win": "w", "data": [{"type": "hparams", "content": [1]}], "unheard": 1}
    assert post(f"{dashboard.url}/events", json.dumps(message)) == (200, "w")
    vis = client(dashboard.port, env="raw", use_incoming_socket=False)
    found = pane(vis, "w")
    assert (found["type"], found["content"]) == ("hparams", [1])


def test_a_log_of_a_client_that_was_offline_is_replayed(dashboard: Dashboard, tmp_path: Path) -> None:
    log = str(tmp_path / "log")
    offline = Client(offline=True, log_to_filename=log, env="replayed")
    offline.line(X=np.array([0, 1]), Y=np.array([0, 1]), win="w", name="a")
    offline.text("later", win="t")
    vis = client(dashboard.port, use_incoming_socket=False)
    vis.replay_log(log)
    assert vis.win_exists("w", env="replayed") and vis.win_exists("t", env="replayed")


def draw_until_killed(vis: Any, kill: Callable[[], None]) -> tuple[list[str], list[int]]:
    """The windows and the points of the line of those calls that returned before the server was killed."""
    windows, points = [vis.text("first")], list[int]()
    killer = threading.Timer(random.uniform(0, 1), kill)
    killer.start()
    with suppress(ConnectionError):
        for n in count():
            windows.append(vis.text(str(n)))
            vis.line(X=np.array([n]), Y=np.array([0.5]), win="line", name="a", update="append")
            points.append(n)
    killer.join()
    return windows, points


def test_what_was_answered_is_there_once_after_the_server_was_killed(tmp_path: Path) -> None:
    """Killed at random moments while a client draws, it loses no window or point whose call returned."""
    server = ServerProcess(tmp_path / "runs.db", "--visdom-port", "0")
    try:
        for trial in range(3):
            vis = client(server.port, env=f"trial {trial}", use_incoming_socket=False)
            windows, points = draw_until_killed(vis, server.kill)
            server.start()
            stored = json.loads(vis.get_window_data())
            line = stored.pop("line")["content"]["data"][0]["x"] if "line" in stored else []
            texts = [one["content"] for one in stored.values()]
            assert set(windows) <= set(stored)
            assert set(points) <= set(line)
            assert (len(line), len(texts)) == (len(set(line)), len(set(texts)))
    finally:
        server.process.kill()


def test_a_write_token_is_the_password(store: Store, start_dashboard: Callable[..., Dashboard]) -> None:
    dashboard = start_dashboard(store, token="read", write_token="write", visdom_base_url="/vis")
    vis = client(dashboard.port, env="e", username="me", password="write", base_url="/vis")
    assert vis.check_connection(timeout_seconds=3)
    assert vis.win_exists(vis.text("x"))
    with pytest.raises(RuntimeError):
        client(dashboard.port, username="me", password="wrong", base_url="/vis")
    assert post(f"{dashboard.url}/vis/win_data", '{"eid": "e"}')[0] == 401
    cookie = vis.session.cookies["user_password"]
    refused = vis.session.get(f"{dashboard.url}/api/v1/runs", cookies={"user_password": cookie})
    assert refused.status_code == 401


def test_on_a_read_only_server_programs_draw_and_people_only_look(
    store: Store, start_dashboard: Callable[..., Dashboard]
) -> None:
    dashboard = start_dashboard(store, visdom_read_only=True)
    vis = client(dashboard.port, env="shown", use_incoming_socket=False)
    win = vis.text("x")
    about = {"env": "shown", "win": win, "event": {}, "envs": ["shown"], "views": {}, "to": "copy"}
    for change in ("close", "delete", "fork", "views", "event", "import?env=shown"):
        status, text = post(f"{dashboard.url}/api/v1/panes/{change}", json.dumps(about))
        assert (status, "--visdom-readonly" in text) == (403, True)
    assert vis.win_exists(win) and vis.get_env_list() == ["main", "shown"]
