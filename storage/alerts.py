"""A project's rules and webhook, what its rules know of a run, and which alerts people saw."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, update

from .engine import in_groups, insert_new
from .errors import BadChange, StoreConflict
from .kinds.event import Event, encode
from .records import Arrived, tell
from .rules import Rule
from .schema import acknowledged, clean_text, rule_states, rules, runs, webhooks
from .series import SeriesKey

if TYPE_CHECKING:
    from .store import Store

ALERT_TAGS = ("alerts", "rules", "flight_recorder")
"""The tags of events that people are alerted of: what programs tell, rules find, and recorders see."""
RULES_KEY = SeriesKey(0, "event", "rules")
MOST_RULES = 200


class KeptRule(NamedTuple):
    """A rule of a project. While ``muted`` it tells nobody; ``made_at`` is in seconds since the epoch."""

    rule: Rule
    muted: bool
    made_at: float


class Webhook(NamedTuple):
    """Where alerts of at least a ``level`` go. The ``url`` is a secret: whoever has it may post there."""

    url: str
    level: str
    made_at: float


class State(NamedTuple):
    """What is known of a run by its rules; ``revision`` grows with each change."""

    revision: int
    state: dict[str, Any]


class Finding(NamedTuple):
    """An alert that a rule gives: the step and the time of what it is about."""

    step: int
    wall_time: float
    event: Event


def read_rules(store: Store, project: str | None = None) -> dict[str, list[KeptRule]]:
    """The rules of a project, or of all, by project and name. A rule that makes no sense is left out."""
    query = select(rules).order_by(rules.c.name)
    if project is not None:
        query = query.where(rules.c.project == project)
    found: dict[str, list[KeptRule]] = {}
    with store.reading() as connection:
        for row in connection.execute(query):
            try:
                kept = KeptRule(Rule.of(row.rule), row.muted, row.made_at)
            except (ValueError, TypeError):
                continue  # of a newer trainboard
            found.setdefault(row.project, []).append(kept)
    return found


def save_rule(store: Store, project: str, rule: Rule, muted: bool = False) -> None:
    """Keep a rule; one of the same name is replaced. Raises ``BadChange``."""
    row = {"rule": rule.as_json(), "muted": muted, "made_at": time.time()}
    this = (rules.c.project == project) & (rules.c.name == rule.name)
    with store.writing() as connection:
        kept = connection.scalar(select(func.count()).where(rules.c.project == project, ~this)) or 0
        if kept >= MOST_RULES:
            raise BadChange(f"A project has at most {MOST_RULES} rules; delete one first.")
        connection.execute(delete(rules).where(this))
        connection.execute(insert(rules), {"project": project, "name": rule.name, **row})


def mute_rule(store: Store, project: str, name: str, muted: bool) -> None:
    """Have a rule tell nobody, or tell again. Raises ``BadChange``."""
    this = (rules.c.project == project) & (rules.c.name == name)
    with store.writing() as connection:
        if not connection.execute(update(rules).where(this).values(muted=muted)).rowcount:
            raise BadChange(f"There is no rule '{clean_text(name)}'.")


def delete_rule(store: Store, project: str, name: str) -> None:
    """Forget a rule; it may be gone already. What it told stays."""
    with store.writing() as connection:
        connection.execute(delete(rules).where(rules.c.project == project, rules.c.name == name))


def read_webhooks(store: Store) -> dict[str, Webhook]:
    """The webhook of every project that has one."""
    with store.reading() as connection:
        return {
            row.project: Webhook(row.url, row.level, row.made_at)
            for row in connection.execute(select(webhooks))
        }


def set_webhook(store: Store, project: str, url: str, level: str) -> None:
    """Send a project's alerts there, or nowhere if ``url`` is empty."""
    with store.writing() as connection:
        connection.execute(delete(webhooks).where(webhooks.c.project == project))
        if url:
            row = {"project": project, "url": clean_text(url), "level": level, "made_at": time.time()}
            connection.execute(insert(webhooks), row)


def read_state(store: Store, run_id: str) -> State:
    """What is known of a run by its rules; at first nothing."""
    query = select(rule_states.c.revision, rule_states.c.state).where(rule_states.c.run_id == run_id)
    with store.reading() as connection:
        row = connection.execute(query).first()
    return State(*row) if row else State(0, {})


def keep_state(
    store: Store, run_id: str, before: State, state: dict[str, Any], found: Sequence[Finding]
) -> State:
    """Keep what is known now, and what rules found, in one transaction: each alert is given once.

    Raises ``StoreConflict``, and keeps nothing, where another server went on from ``before`` meanwhile.
    """
    after = State(before.revision + 1, state)
    mine = rule_states.c.run_id == run_id
    with store.writing() as connection:
        connection.execute(select(runs.c.run_id).where(runs.c.run_id == run_id).with_for_update())
        if before.revision:
            same = mine & (rule_states.c.revision == before.revision)
            changed = connection.execute(update(rule_states).where(same).values(**after._asdict())).rowcount
        else:
            row = {"run_id": run_id, **after._asdict()}
            changed = connection.execute(insert_new(connection, rule_states), row).rowcount
        if not changed:
            raise StoreConflict(f"Another server looks after the rules of run '{run_id}'.")
        if found:
            arrived = [Arrived.of("event", 0, one.step, one.wall_time, encode(one.event)) for one in found]
            tell(connection, run_id, RULES_KEY, arrived)
    return after


class Seen(NamedTuple):
    """Which alerts of a series people saw: the first ``upto`` of it, and some ``places`` after them."""

    upto: int
    places: frozenset[int]

    @property
    def total(self) -> int:
        return self.upto + len(self.places)

    def has(self, position: int) -> bool:
        return position < self.upto or position in self.places


NOTHING_SEEN = Seen(0, frozenset())


def acknowledge(store: Store, run_id: str, alerts: Sequence[tuple[SeriesKey, int]]) -> None:
    """Note that people saw these alerts: of each its series, and its place in it."""
    rows = [{"run_id": run_id, "series_id": key.id, "position": at} for key, at in alerts]
    if rows:
        with store.writing() as connection:
            connection.execute(insert_new(connection, acknowledged), rows)
            _note_change(connection, run_id)


def acknowledge_all(store: Store, run_id: str, counts: Mapping[SeriesKey, int]) -> None:
    """Note that people saw all alerts of some series, so many of each: a row each, below all places."""
    with store.writing() as connection:
        for key, count in counts.items():
            this = (acknowledged.c.run_id == run_id) & (acknowledged.c.series_id == key.id)
            connection.execute(delete(acknowledged).where(this, acknowledged.c.position < count))
            row = {"run_id": run_id, "series_id": key.id, "position": -count}
            connection.execute(insert(acknowledged), row)
        _note_change(connection, run_id)


def read_seen(store: Store, run_ids: Sequence[str]) -> dict[tuple[str, int], Seen]:
    """What people saw of the series of these runs, by run and series; of others nothing."""
    places: dict[tuple[str, int], list[int]] = {}
    with store.reading() as connection:
        for group in in_groups(run_ids):
            query = select(acknowledged).where(acknowledged.c.run_id.in_(group))
            for row in connection.execute(query):
                places.setdefault((row.run_id, row.series_id), []).append(row.position)
    found = {}
    for series, positions in places.items():
        upto = max(-min(positions), 0)
        found[series] = Seen(upto, frozenset(at for at in positions if at >= upto))
    return found


def _note_change(connection: Connection, run_id: str) -> None:
    changed = update(runs).where(runs.c.run_id == run_id).values(revision=runs.c.revision + 1)
    connection.execute(changed)
