"""Sends alerts to webhooks, on a thread of its own: many at once as one message, a failed one again.

What waits is bounded, and so is what is sent: a program that alerts ten thousand times a minute makes a
message every few seconds, which names the newest alerts and counts the others.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import webhook

if TYPE_CHECKING:
    from ...storage.alerts import Webhook

NAMED = 20
"""How many alerts a message names."""
BACKOFF_SECONDS = (1.0, 5.0, 25.0)
"""How long to wait before each of the attempts after the first."""
_PAUSE_SECONDS = 5.0
_TEXT = 500


@dataclass
class _Box:
    """What waits for a project's webhook, and how the last message fared."""

    webhook: Webhook
    waiting: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=NAMED))
    count: int = 0
    failures: int = 0
    due: float = 0.0
    sent: int = 0
    lost: int = 0
    problem: str = ""
    tried_at: float | None = None


class Outbox:
    """One for a server; ``put`` may be called from any thread. ``local`` as ``webhook.is_allowed`` has it.

    After ``close`` nothing is sent any more.
    """

    def __init__(self, local: bool, backoff: Sequence[float] = BACKOFF_SECONDS) -> None:
        self.local = local
        self._backoff = backoff
        self._boxes: dict[str, _Box] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def put(self, project: str, to: Webhook, alerts: Sequence[dict[str, Any]], count: int) -> None:
        """Have ``count`` alerts told, of which the newest are given."""
        with self._changed:
            box = self._boxes.setdefault(project, _Box(to))
            box.webhook = to
            box.waiting.extend(alerts)
            box.count += count
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="trainboard-webhook", daemon=True)
                self._thread.start()
            self._changed.notify()

    def test(self, project: str, to: Webhook) -> None:
        """Have a webhook told that it is one."""
        text = "Alerts of this project will be sent here."
        alert = {"run": project, "run_id": "", "step": 0, "wall_time": time.time(), "title": "A test"}
        self.put(project, to, [{**alert, "text": text, "level": "info"}], 1)

    def status(self, project: str) -> dict[str, Any]:
        """How a project's webhook fares: messages sent, alerts lost, and why the last message failed."""
        with self._changed:
            box = self._boxes.get(project)
            if box is None:
                return {"sent": 0, "lost": 0, "waiting": 0, "problem": "", "tried_at": None}
            names = ("sent", "lost", "problem", "tried_at")
            return {name: getattr(box, name) for name in names} | {"waiting": box.count}

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                project = self._due()
                while project is None and not self._closed:
                    self._changed.wait(self._until_due())
                    project = self._due()
                if self._closed or project is None:
                    return
                box = self._boxes[project]
                alerts, count = list(box.waiting), box.count
            problem = self._send(box.webhook.url, project, alerts, count)
            with self._changed:
                self._note(box, alerts, count, problem)

    def _due(self) -> str | None:
        now = time.monotonic()
        return next((name for name, box in self._boxes.items() if box.count and box.due <= now), None)

    def _until_due(self) -> float | None:
        waiting = [box.due for box in self._boxes.values() if box.count]
        return max(min(waiting) - time.monotonic(), 0.01) if waiting else None

    def _send(self, url: str, project: str, alerts: Sequence[dict[str, Any]], count: int) -> str:
        """What went wrong, or nothing."""
        try:
            webhook.post(url, message(project, alerts, count), self.local)
        except (webhook.WebhookFailed, ValueError) as error:
            return str(error)
        return ""

    def _note(self, box: _Box, alerts: Sequence[dict[str, Any]], count: int, problem: str) -> None:
        box.problem, box.tried_at = problem, time.time()
        box.failures = box.failures + 1 if problem else 0
        gives_up = box.failures > len(self._backoff)
        if problem and not gives_up:
            box.due = time.monotonic() + self._backoff[box.failures - 1]
            return
        box.due = time.monotonic() + _PAUSE_SECONDS
        box.failures = 0
        box.count -= count
        box.sent, box.lost = (box.sent, box.lost + count) if gives_up else (box.sent + 1, box.lost)
        for alert in alerts:
            if alert in box.waiting:
                box.waiting.remove(alert)


def message(project: str, alerts: Sequence[dict[str, Any]], count: int) -> dict[str, Any]:
    """What a webhook is sent: ``text`` for people, as Slack and its like show it, the rest for programs."""
    lines = [
        f"[{alert['level']}] {alert['run']}, step {alert['step']:,}: {alert['title']}. {alert['text']}"
        for alert in alerts
    ]
    if count > len(alerts):
        lines.insert(0, f"{count:,} alerts, the newest {len(alerts)} of them:")
    # <…> is how Slack's messages mention and link.
    text = "\n".join(lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": text, "project": project, "count": count, "alerts": list(alerts)}


def told(run: Any, step: int, wall_time: float, event: Any) -> dict[str, Any]:
    """An alert as a message names it; ``run`` has an ``id`` and a ``name``, ``event`` is a record's value."""
    texts = {"title": event.title[:_TEXT], "text": event.text[:_TEXT], "level": event.level}
    return {"run": run.name, "run_id": run.id, "step": step, "wall_time": wall_time, **texts}
