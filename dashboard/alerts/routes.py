"""``/api/v1/events``, ``alerts``, ``rules`` and ``webhook``: what the Events page reads and changes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ...storage import alerts
from ...storage.rules import Rule
from ...storage.series import SeriesKey
from .. import asked
from . import timeline, webhook
from .rule_watch import RuleWatch

if TYPE_CHECKING:
    from ...storage import Store

MAX_RUNS = 300
_EVENTS = 300
_MOST_SEEN = 10_000


def create_routes(store: Store, watch: RuleWatch) -> list[BaseRoute]:
    interface = _Interface(store, watch)
    return [
        Route("/api/v1/events", interface.events),
        Route("/api/v1/alerts", interface.alerts),
        Route("/api/v1/alerts", interface.acknowledge, methods=["POST"]),
        Route("/api/v1/rules", interface.rules),
        Route("/api/v1/rules", interface.change_rules, methods=["POST"]),
        Route("/api/v1/webhook", interface.change_webhook, methods=["POST"]),
    ]


class _Interface:
    def __init__(self, store: Store, watch: RuleWatch) -> None:
        self._store = store
        self._watch = watch

    async def events(self, request: Request) -> Response:
        """``?runs=A,B&what=alert,rule&levels=error&search=WORDS&limit=N``: ``timeline.read_timeline``."""
        ids = _runs(request)
        limit = min(asked.place(request, "limit", str(_EVENTS)), timeline.MOST_EVENTS)
        given = request.query_params
        what, levels = (
            frozenset(filter(None, given.get(name, "").split(","))) for name in ("what", "levels")
        )
        wanted = timeline.Wanted(what, levels, given.get("search", "")[:200], limit)
        return JSONResponse(await asyncio.to_thread(timeline.read_timeline, self._store, ids, wanted))

    async def alerts(self, request: Request) -> Response:
        """``?runs=A,B``: how many alerts each has, see ``timeline.alert_counts``."""
        ids = _runs(request)
        return JSONResponse({"runs": await asyncio.to_thread(timeline.alert_counts, self._store, ids)})

    async def acknowledge(self, request: Request) -> Response:
        """``{"run", "alerts": [{"tag", "rank", "position"}, …]}``: people saw these; without a list, all."""
        body = await asked.body(request)
        try:
            run_id, listed = str(body["run"]), body.get("alerts")
            places = None if listed is None else [_place(**one) for one in listed[:_MOST_SEEN]]
        except (KeyError, TypeError, ValueError) as error:
            raise HTTPException(400, f"These are no alerts: {error!r:.300}.") from error
        await asyncio.to_thread(self._acknowledge, run_id, places)
        return JSONResponse({})

    def _acknowledge(self, run_id: str, places: Sequence[tuple[SeriesKey, int]] | None) -> None:
        self._store.run(run_id)
        if places is not None:
            return alerts.acknowledge(self._store, run_id, places)
        counts = {
            SeriesKey(one.rank, "event", one.tag): one.count
            for one in self._store.series(run_id, "event")
            if one.tag in alerts.ALERT_TAGS
        }
        alerts.acknowledge_all(self._store, run_id, counts)

    async def rules(self, request: Request) -> Response:
        """``?project=P&runs=A,B``: the rules of the project and of the runs' programs, and the webhook."""
        project, ids = asked.text(request, "project"), _runs(request)
        return JSONResponse(await asyncio.to_thread(self._rules, project, ids))

    def _rules(self, project: str, ids: Sequence[str]) -> dict[str, Any]:
        kept = alerts.read_rules(self._store, project).get(project, [])
        found = [self._told(project, one.rule, muted=one.muted, program=False) for one in kept]
        names = {one.rule.name for one in kept}
        for run in self._store.runs(ids=ids, archived=True):
            for rule in _readable(run.rules):
                if rule.name not in names:
                    names.add(rule.name)
                    found.append(self._told(project, rule, muted=False, program=True))
        hook = alerts.read_webhooks(self._store).get(project)
        shown = None if hook is None else {"address": webhook.masked(hook.url), "level": hook.level}
        return {"rules": found, "webhook": shown, "sending": self._watch.outbox.status(project)}

    def _told(self, project: str, rule: Rule, **about: bool) -> dict[str, Any]:
        problem = self._watch.problems.get((project, rule.name), "")
        return {"rule": rule.as_json(), "sentence": rule.sentence, "problem": problem, **about}

    async def change_rules(self, request: Request) -> Response:
        """``{"action": "save" (with "rule"), "mute" (with "muted") or "delete", "project", "name"}``."""
        body = await asked.body(request)
        await asyncio.to_thread(self._change_rules, body)
        return JSONResponse({})

    def _change_rules(self, body: Mapping[str, Any]) -> None:
        try:
            project, action = str(body["project"]), str(body["action"])
            if action == "save":
                rule, muted = Rule.of(body["rule"]), body.get("muted") is True
                return alerts.save_rule(self._store, project, rule, muted)
            name = str(body["name"])
            if action == "mute":
                return alerts.mute_rule(self._store, project, name, body["muted"] is True)
            if action == "delete":
                return alerts.delete_rule(self._store, project, name)
        except (KeyError, TypeError) as error:
            raise HTTPException(400, f"This is not a change of rules: {error!r:.300}.") from error
        except ValueError as error:
            raise HTTPException(422, f"This rule makes no sense: {error}.".replace("..", ".")) from error
        raise HTTPException(400, "This is not a change of rules: 'action' is save, mute or delete.")

    async def change_webhook(self, request: Request) -> Response:
        """``{"project", "url", "level"}``: where alerts go, nowhere if "url" is empty.

        With ``{"project", "test": true}`` a message is sent there now.
        """
        body = await asked.body(request)
        await asyncio.to_thread(self._change_webhook, body)
        return JSONResponse({})

    def _change_webhook(self, body: Mapping[str, Any]) -> None:
        project = body.get("project")
        if not isinstance(project, str):
            raise HTTPException(400, "'project' is needed.")
        if body.get("test") is True:
            return self._test(project)
        url, level = body.get("url"), body.get("level", "warning")
        if not isinstance(url, str) or level not in timeline.LEVELS:
            raise HTTPException(400, "'url' is a text, and 'level' is info, warning or error.")
        try:
            if url:
                webhook.check_url(url)
        except ValueError as error:
            raise HTTPException(422, f"This is no webhook: {error}.") from error
        alerts.set_webhook(self._store, project, url, level)

    def _test(self, project: str) -> None:
        hook = alerts.read_webhooks(self._store).get(project)
        if hook is None:
            raise HTTPException(422, "There is no webhook to test.")
        self._watch.outbox.test(project, hook)


def _runs(request: Request) -> list[str]:
    ids = asked.run_ids(request, "runs")
    if len(ids) > MAX_RUNS:
        raise HTTPException(413, f"{len(ids)} runs in one request; {MAX_RUNS} are allowed.")
    return ids


def _place(tag: str, rank: int, position: int) -> tuple[SeriesKey, int]:
    if not isinstance(tag, str) or type(rank) is not int or type(position) is not int:
        raise TypeError("an alert has a tag, a rank and a position")
    if tag not in alerts.ALERT_TAGS or not 0 <= position < 2**53:
        raise ValueError("there is no such alert")
    return SeriesKey(rank, "event", tag), position


def _readable(rules: Mapping[str, Any]) -> list[Rule]:
    found = []
    for rule in rules.values():
        try:
            found.append(Rule.of(rule))
        except (ValueError, TypeError):
            continue  # a newer trainboard's
    return found
