"""The API behind the Alerts page: the time line, rules, acknowledging, and webhooks that are real servers."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode

import pytest
from dashboard_fixtures import Dashboard, eventually, log_run, served

import trainboard as tb
from trainboard.dashboard.alerts import webhook
from trainboard.dashboard.alerts.outbox import Outbox, message
from trainboard.storage import Store, alerts
from trainboard.storage.alerts import Webhook


class Receiver:
    """A server that webhooks lead to: it keeps what it is sent, and answers as it is told to."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.status = 200
        self.hangs = threading.Event()
        self.hangs.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.hangs.wait(300)
                receiver.got.append(json.loads(body))
                self.send_response(receiver.status)
                self.send_header("Location", f"{receiver.url}/elsewhere")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.hangs.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.close()


@pytest.fixture
def outbox() -> Iterator[Outbox]:
    one = Outbox(local=True, backoff=(0.01, 0.01))
    yield one
    one.close()


@pytest.fixture(scope="module")
def board_of_alerts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    with served(tmp_path_factory.mktemp("alerts")) as dashboard:
        yield dashboard


def get(dashboard: Dashboard, path: str, **query: Any) -> Any:
    with urllib.request.urlopen(f"{dashboard.url}/api/v1/{path}?{urlencode(query)}", timeout=60) as answer:
        return json.load(answer)


def post(dashboard: Dashboard, path: str, asked: Any, **headers: str) -> int:
    """The status of the answer."""
    body = json.dumps(asked).encode()
    request = urllib.request.Request(f"{dashboard.url}/api/v1/{path}", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        assert json.load(refused)["message"]
        return refused.code


def alert(number: int) -> dict[str, Any]:
    texts = {"title": f"number {number}", "text": "<!channel> & all", "level": "error"}
    return {"run": "a", "run_id": "a", "step": number, "wall_time": 0.0, **texts}


def test_a_time_line_has_beginnings_ends_restarts_and_events_and_is_filtered(
    board_of_alerts: Dashboard,
) -> None:
    store = board_of_alerts.store
    with tb.init("line", "a", id="line", store=store.url) as run:
        run.log({"loss": 1.0}, step=7)
        run.alert("Loss spike", "it rose", "warning")
        run.alert("Saved", "a checkpoint")
    with tb.init("line", id="line", resume="must", store=store.url) as run:
        run.log({"loss": 1.0})
    told = get(board_of_alerts, "events", runs="line")["events"]
    titles = [event["title"] for event in told]
    assert titles == ["Finished", "Went on at step 8", "Saved", "Loss spike", "Started"]
    assert [(told[3][name]) for name in ("what", "level", "step", "open")] == ["alert", "warning", 7, True]
    for asked, left in (
        ({"levels": "warning"}, ["Loss spike"]),
        ({"what": "run"}, ["Finished", "Went on at step 8", "Started"]),
        ({"search": "ROSE spike"}, ["Loss spike"]),
        ({"limit": 1}, ["Finished"]),
    ):
        found = get(board_of_alerts, "events", runs="line", **asked)["events"]
        assert [event["title"] for event in found] == left


def test_ten_thousand_alerts_are_listed_in_bounds_and_counted(board_of_alerts: Dashboard) -> None:
    with tb.init("flood", store=board_of_alerts.store.url) as run:
        for number in range(10_000):
            run.alert(f"number {number}", level="error" if number == 0 else "info")
    told = get(board_of_alerts, "events", runs=run.id, limit=100_000)
    assert len(told["events"]) == 2_000 and told["total"] == 10_000
    (only,) = get(board_of_alerts, "events", runs=run.id, levels="error")["events"]
    assert only["title"] == "number 0"
    counts = get(board_of_alerts, "alerts", runs=run.id)["runs"][run.id]
    assert counts["alerts"] == counts["open"] == 10_000 and counts["newest"]["title"] == "number 9999"


def test_what_is_acknowledged_stays_so(board_of_alerts: Dashboard) -> None:
    with tb.init("seen", store=board_of_alerts.store.url) as run:
        for title in ("one", "two", "three"):
            run.alert(title)
    seen = {"tag": "alerts", "rank": 0, "position": 1}
    for _ in range(2):
        assert post(board_of_alerts, "alerts", {"run": run.id, "alerts": [seen]}) == 200
    told = get(board_of_alerts, "events", runs=run.id, what="alert")["events"]
    assert {event["title"]: event["open"] for event in told} == {"three": True, "two": False, "one": True}
    assert get(board_of_alerts, "alerts", runs=run.id)["runs"][run.id]["open"] == 2
    assert post(board_of_alerts, "alerts", {"run": run.id}) == 200
    assert get(board_of_alerts, "alerts", runs=run.id)["runs"][run.id]["open"] == 0


def test_a_rule_set_on_the_page_tells_of_a_run_that_trains(board_of_alerts: Dashboard) -> None:
    rule = {"name": "high", "condition": "above", "tag": "loss", "value": 1}
    assert post(board_of_alerts, "rules", {"action": "save", "project": "rules", "rule": rule}) == 200
    with tb.init("rules", store=board_of_alerts.store.url) as run:
        run.rule("mine", "below", "loss", value=0)
        run.log({"loss": 2.0})
        run.flush()
        found = lambda: get(board_of_alerts, "events", runs=run.id, what="rule")["events"]  # noqa: E731
        eventually(found)
    assert found()[0]["title"] == "high" and "Rule: loss is above 1." in found()[0]["text"]
    told = get(board_of_alerts, "rules", project="rules", runs=run.id)["rules"]
    assert [(one["rule"]["name"], one["program"]) for one in told] == [("high", False), ("mine", True)]
    for change in ({"action": "mute", "name": "high", "muted": True}, {"action": "delete", "name": "high"}):
        assert post(board_of_alerts, "rules", {"project": "rules", **change}) == 200


@pytest.mark.parametrize(
    ("path", "asked", "status"),
    [
        ("rules", {"action": "save", "project": "p", "rule": {"name": "x", "condition": "above"}}, 422),
        ("rules", {"action": "save", "project": "p", "rule": []}, 400),
        ("rules", {"action": "save", "project": "p"}, 400),
        ("rules", {"action": "sing", "project": "p", "name": "x"}, 400),
        ("rules", {"action": "mute", "project": "p", "name": "nobody", "muted": True}, 422),
        ("alerts", {"run": "nobody"}, 404),
        ("alerts", {"run": "x", "alerts": [{"tag": "loss", "rank": 0, "position": 0}]}, 400),
        ("alerts", {"run": "x", "alerts": [{"tag": "alerts", "rank": 0, "position": -1}]}, 400),
        ("webhook", {"project": "p", "url": "file:///etc/passwd"}, 422),
        ("webhook", {"project": "p", "url": "https://user@host/"}, 422),
        ("webhook", {"project": "p", "url": "https://host:port/"}, 422),
        ("webhook", {"project": "p", "url": 7}, 400),
        ("webhook", {"url": "https://host/"}, 400),
        ("webhook", {"project": "nobody", "test": True}, 422),
    ],
)
def test_what_makes_no_sense_is_refused(
    board_of_alerts: Dashboard, path: str, asked: Any, status: int
) -> None:
    assert post(board_of_alerts, path, asked) == status


def test_rules_and_webhooks_are_set_with_the_write_token_alone(
    store: Store, start_dashboard: Callable[..., Dashboard]
) -> None:
    dashboard = start_dashboard(store, token="read", write_token="write")
    hook = {"project": "p", "url": "https://hooks.example/secret"}
    assert post(dashboard, "webhook", hook) == 401
    assert post(dashboard, "webhook", hook, Authorization="Bearer read") == 401
    assert alerts.read_webhooks(store) == {}
    assert post(dashboard, "webhook", hook, Authorization="Bearer write") == 200
    request = urllib.request.Request(
        f"{dashboard.url}/api/v1/rules?project=p&runs=", headers={"Authorization": "Bearer read"}
    )
    with urllib.request.urlopen(request) as answer:
        text = answer.read().decode()
    assert "https://hooks.example/" in text and "secret" not in text


def test_alerts_are_sent_to_a_webhook_once_across_servers(
    store: Store, start_dashboard: Callable[..., Dashboard], receiver: Receiver
) -> None:
    dashboard = start_dashboard(store)
    log_run(store, "before", [{"loss": 1.0}])
    assert post(dashboard, "webhook", {"project": "digits", "url": f"{receiver.url}/in?key=1"}) == 200
    with tb.init("digits", "a", store=store.url) as run:
        run.rule("high", "above", "loss", value=1.0, level="error")
        run.alert("Saved", "only told of from level info")
        run.log({"loss": 2.0}, step=3)
    eventually(lambda: receiver.got)
    dashboard.stop()
    start_dashboard(store)
    with tb.init("digits", "b", store=store.url) as run:
        run.alert("Second", level="warning")
    eventually(lambda: len(receiver.got) > 1)
    first, second = receiver.got
    assert [(one["run"], one["title"], one["step"]) for one in first["alerts"]] == [("a", "high", 3)]
    assert first["text"].startswith("[error] a, step 3: high.")
    assert [one["title"] for one in second["alerts"]] == ["Second"]


def test_a_message_names_the_newest_alerts_counts_the_others_and_mentions_nobody(
    outbox: Outbox, receiver: Receiver
) -> None:
    receiver.hangs.clear()
    hook = Webhook(receiver.url, "info", 0.0)
    for number in range(10_000):
        outbox.put("p", hook, [alert(number)], 1)
    receiver.hangs.set()
    eventually(lambda: receiver.got)
    assert outbox.status("p")["waiting"] <= 10_000
    text = message("p", [alert(1)], 500)["text"]
    assert text.startswith("500 alerts, the newest 1 of them:") and "&lt;!channel&gt; &amp; all" in text


@pytest.mark.parametrize(("status", "problem"), [(500, "answered 500"), (302, "redirects are not followed")])
def test_a_webhook_that_fails_is_tried_again_in_bounds_and_said_so(
    outbox: Outbox, receiver: Receiver, status: int, problem: str
) -> None:
    receiver.status = status
    outbox.put("p", Webhook(f"{receiver.url}/in", "info", 0.0), [alert(1)], 1)
    eventually(lambda: outbox.status("p")["lost"] == 1)
    assert problem in outbox.status("p")["problem"]
    assert len(receiver.got) == 3  # and none of them where a redirect led


def test_a_webhook_that_hangs_or_is_not_there_is_given_up(receiver: Receiver) -> None:
    receiver.hangs.clear()
    with pytest.raises(webhook.WebhookFailed):
        webhook.post(receiver.url, {}, local=True, seconds=0.2)
    receiver.close()
    with pytest.raises(webhook.WebhookFailed, match="refused the connection"):
        webhook.post(receiver.url, {}, local=True)


@pytest.mark.parametrize(
    ("address", "local", "allowed"),
    [
        ("127.0.0.1", True, True),
        ("127.0.0.1", False, False),
        ("::ffff:127.0.0.1", False, False),
        ("10.0.0.8", True, True),
        ("10.0.0.8", False, False),
        ("169.254.169.254", True, False),
        ("::ffff:169.254.169.254", True, False),
        ("0.0.0.0", True, False),
        ("8.8.8.8", False, True),
    ],
)
def test_a_server_that_others_reach_sends_to_public_addresses_alone(
    address: str, local: bool, allowed: bool
) -> None:
    assert webhook.is_allowed(address, local) is allowed


def test_a_server_that_others_reach_refuses_a_webhook_on_its_own_machine(receiver: Receiver) -> None:
    with pytest.raises(webhook.WebhookFailed, match="not one that this server may send to"):
        webhook.post(receiver.url, {}, local=False)
    assert receiver.got == []
