"""Looks, about once a second, at what is new in runs, and gives the alerts that rules ask for.

What a look costs is bounded: it reads new points only, of each series once for all rules, takes up no more
runs once its time is over, and rests for four times as long as it took.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ...storage import alerts
from ...storage.alerts import Finding, KeptRule, State, Webhook
from ...storage.errors import RunNotFound, SeriesNotFound, StoreConflict, TrainboardError
from ...storage.live_runs import LiveRun, live_runs, tokens
from ...storage.location import may_write, sqlite_path
from ...storage.patterns import BadPattern, search, time_limit
from ...storage.rules import OF_POINTS, Rule
from . import conditions
from .mail import MAIL_KEY, Mailbag
from .outbox import Outbox

if TYPE_CHECKING:
    from ...storage import SeriesRecord, Store

LOOK_SECONDS = 1.0
MOST_NEW_POINTS = 100_000
"""Of a series with more new points than this, only so many of the newest are looked at one by one."""
MOST_SERIES = 5_000
"""Of a run with more series than this, only so many are looked at, and those whose tag a rule names."""

_REST = 4.0
_BUDGET_SECONDS = 1.0
_KEEP_SECONDS = 30.0
_MATCH_SECONDS = 0.05
_MOST_MATCHES = 100_000
_ENDED = ("finished", "crashed", "stopped", "killed")

_log = logging.getLogger("trainboard.dashboard")


class _Known(NamedTuple):
    """What the store knows of a run, what has become of that since, and when it was last kept."""

    kept: State
    state: dict[str, Any]
    kept_at: float


class RuleWatch:
    """Follows the rules of all runs of a store. ``look`` is for one thread at a time.

    ``problems`` says of rules, by project and name, why they are not followed.
    """

    def __init__(self, store: Store, outbox: Outbox) -> None:
        self.problems: dict[tuple[str, str], str] = {}
        self._store = store
        self.outbox = outbox
        self._mailbag = Mailbag(store)
        self._begin()

    def _begin(self) -> None:
        self._opened = self._store.reopened
        self._seen: dict[str, tuple[int, str]] = {}
        self._known: dict[str, _Known] = {}
        self._matches: dict[tuple[tuple[Any, ...], str], list[KeptRule]] = {}
        self._asked: object = None

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        said = ""
        while True:
            began = time.monotonic()
            try:
                await asyncio.to_thread(self.look)
                said = ""
            except TrainboardError as error:
                if str(error) != said:
                    said = str(error)
                    _log.warning("Rules wait: %s", said)
            except Exception:
                _log.exception("Rules could not be followed; trying again")
            await asyncio.sleep(max(LOOK_SECONDS, _REST * (time.monotonic() - began)))

    def look(self) -> None:
        """Follow what is new of every run that changed, as far as the time goes; the rest comes next."""
        path = sqlite_path(self._store.url)
        if path and not may_write(path):
            return  # nothing could be told, nor be known to have been told
        if self._store.reopened != self._opened:
            self._begin()
        rules, webhooks = alerts.read_rules(self._store), alerts.read_webhooks(self._store)
        if (rules, webhooks) != self._asked:
            self._asked = (rules, webhooks)
            self._seen.clear()
            self._matches.clear()
            self.problems.clear()
        now = tokens(self._store, [run for run, (_, status) in self._seen.items() if status not in _ENDED])
        changed = [run for run, token in now.items() if self._seen.get(run) != token]
        self._forget(now)
        until = time.monotonic() + _BUDGET_SECONDS
        for run in live_runs(self._store, changed):
            if time.monotonic() > until:
                break
            with self._store.reading():  # one connection for all that is asked of the run
                mine = _rules_of(run, rules.get(run.project, ()))
                self._follow(run, mine, webhooks.get(run.project))
            self._seen[run.id] = run.token

    def _forget(self, now: Mapping[str, Any]) -> None:
        for run_id in self._seen.keys() - now.keys():
            del self._seen[run_id]
        for run_id in self._known.keys() - now.keys():
            del self._known[run_id]

    def _follow(self, run: LiveRun, rules: Sequence[KeptRule], webhook: Webhook | None) -> None:
        if not rules and webhook is None:
            return
        known = self._known.get(run.id)
        if known is None:
            kept = alerts.read_state(self._store, run.id)
            known = _Known(kept, copy.deepcopy(kept.state), time.monotonic())
        state = known.state
        _drop_others(state, rules)
        found, is_news = self._judge(run, rules, state)
        mail = self._mailbag.collect(run, webhook, state) if webhook is not None else None
        is_due = time.monotonic() - known.kept_at > _KEEP_SECONDS and state != known.kept.state
        if not (found or is_news or is_due or mail):
            self._known[run.id] = known
            return
        self._known.pop(run.id, None)  # unless it is kept, all is read and judged again
        try:
            kept = alerts.keep_state(self._store, run.id, known.kept, copy.deepcopy(state), found)
        except StoreConflict as conflict:
            _log.info("%s", conflict)
            return
        self._known[run.id] = _Known(kept, state, time.monotonic())
        if mail is not None and webhook is not None and mail.total:
            self.outbox.put(run.project, webhook, mail.alerts, mail.total)

    def _judge(
        self, run: LiveRun, rules: Sequence[KeptRule], state: dict[str, Any]
    ) -> tuple[list[Finding], bool]:
        """The alerts of rules that are not muted; and whether one looked at something for the first time."""
        before = sum(map(len, state.values()))
        found: list[Finding] = []
        series = self._series_of(run, [kept.rule.tag for kept in rules if kept.rule.condition in OF_POINTS])
        keys = (run.project, *((kept.rule.key, kept.muted, kept.made_at) for kept in rules))
        for one in series:
            mine = self._matches.get((keys, one.tag))
            if mine is None:
                mine = self._of_tag(run.project, rules, one.tag)
                self._matches[keys, one.tag] = mine
            if mine:
                found += self._of_series(one, mine, state)
        last = max((one.last_step or 0 for one in series), default=0)
        for kept in rules:
            if kept.rule.condition not in OF_POINTS and (alert := _of_run(run, kept, last, state)):
                found.append(alert)
        return found, sum(map(len, state.values())) != before

    def _series_of(self, run: LiveRun, tags: Sequence[str]) -> list[SeriesRecord]:
        """The series that may be meant by rules of these tags, a bounded number."""
        if not tags:
            return []
        found = self._store.series(run.id, "scalar", limit=MOST_SERIES)
        if len(found) == MOST_SERIES:
            for tag in tags:
                found += self._store.series(run.id, "scalar", tag, limit=MOST_SERIES)
        return list({(one.tag, one.rank): one for one in found}.values())

    def _of_series(
        self, series: SeriesRecord, rules: Sequence[KeptRule], state: dict[str, Any]
    ) -> list[Finding]:
        """Read what is new of a series once, and have each rule follow it from where it was."""
        memories = []
        for kept in rules:
            of_rule = state.setdefault(kept.rule.key, {})
            name = f"{series.rank} {series.tag}"
            memory = of_rule.setdefault(name, None) or conditions.first_memory(series, kept.made_at)
            if series.count - memory["at"] > MOST_NEW_POINTS:
                memory |= {"at": series.count - MOST_NEW_POINTS}
            of_rule[name] = memory
            memories.append(memory)
        first = min(memory["at"] for memory in memories)
        if first >= series.count:
            return []
        try:
            points = self._store.points_since(series.run_id, series.tag, first, rank=series.rank)
        except (RunNotFound, SeriesNotFound):
            return []
        rows = list(zip(points.step.tolist(), points.wall_time.tolist(), points.value.tolist(), strict=True))
        subject = f"{series.tag} of rank {series.rank}" if series.rank else series.tag
        found: list[Finding] = []
        for kept, memory in zip(rules, memories, strict=True):
            alerts_of_rule = conditions.follow(kept.rule, subject, memory, rows[memory["at"] - first :])
            found += [] if kept.muted else alerts_of_rule
        return found

    def _of_tag(self, project: str, rules: Sequence[KeptRule], tag: str) -> list[KeptRule]:
        """The rules that a tag is for."""
        if len(self._matches) >= _MOST_MATCHES:
            self._matches.clear()
        return [kept for kept in rules if self._is_for(project, kept.rule, tag)]

    def _is_for(self, project: str, rule: Rule, tag: str) -> bool:
        if rule.condition not in OF_POINTS or (project, rule.name) in self.problems:
            return False
        if rule.tag == tag:
            return True
        try:
            with time_limit(_MATCH_SECONDS):
                return search(f"^(?:{rule.tag})$", tag) is not None
        except BadPattern as problem:
            self.problems[project, rule.name] = f"{problem} Change its tag."
            return False


def _rules_of(run: LiveRun, of_project: Iterable[KeptRule]) -> list[KeptRule]:
    """The rules of a run's program, and those of its project, which go first."""
    found: dict[str, KeptRule] = {}
    for told in run.rules.values():
        try:
            rule = Rule.of(told)
        except (ValueError, TypeError):
            continue  # a newer trainboard's, or no rule
        found[rule.name] = KeptRule(rule, False, 0.0)
    return list((found | {kept.rule.name: kept for kept in of_project}).values())


def _drop_others(state: dict[str, Any], rules: Sequence[KeptRule]) -> None:
    """Forget what rules knew that are no more, or were changed."""
    for key in state.keys() - {kept.rule.key for kept in rules} - {MAIL_KEY}:
        del state[key]


def _of_run(run: LiveRun, kept: KeptRule, step: int, state: dict[str, Any]) -> Finding | None:
    """The alert of a rule on the run itself; of what was so before the rule was made there is none."""
    holds = {
        "silent": run.status == "killed",
        "crashed": run.status == "crashed",
        "input_bound": run.summary.get("bottleneck") == "input-bound" and run.status == "running",
    }[kept.rule.condition]
    of_rule = state.setdefault(kept.rule.key, {})
    if "" not in of_rule:
        of_rule[""] = {"on": holds and run.updated_at < kept.made_at}
    alert = conditions.turn(kept.rule, of_rule[""], holds, step, run.moment)
    return None if kept.muted else alert
