"""Which alerts of a run a webhook has yet to be told of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ...storage.alerts import ALERT_TAGS, Webhook
from .outbox import NAMED, told

if TYPE_CHECKING:
    from ...storage import SeriesRecord, Store
    from ...storage.live_runs import LiveRun

MAIL_KEY = "webhook"
"""Where the state of a run says how many alerts of each series the webhook was told of."""
_LEVELS = ("info", "warning", "error")


class Mail(NamedTuple):
    """How many new alerts there are, and the newest of them, as a message names them."""

    total: int
    alerts: list[dict[str, Any]]


class Mailbag:
    """Collects what is new since the last time, from the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self, run: LiveRun, webhook: Webhook, state: dict[str, Any]) -> Mail | None:
        """New alerts of at least the webhook's level, noted in ``state``; None if there are none at all.

        Of more than ``NAMED`` in a series only the newest are read; the others count, whatever their level.
        """
        known = state.setdefault(MAIL_KEY, {})
        count, alerts, is_news = 0, [], False
        for series in self._store.series(run.id, "event"):
            if series.tag not in ALERT_TAGS:
                continue
            name = f"{series.rank} {series.tag}"
            is_new = series.first_wall is None or series.first_wall >= webhook.made_at
            first = known.get(name, 0 if is_new else series.count)
            is_news |= known.get(name) != series.count
            known[name] = series.count
            if first < series.count:
                read = self._newest(run, series, max(first, series.count - NAMED))
                loud = [one for one in read if _LEVELS.index(one["level"]) >= _LEVELS.index(webhook.level)]
                alerts += loud
                count += series.count - first - len(read) + len(loud)
        return Mail(count, alerts) if is_news else None

    def _newest(self, run: LiveRun, series: SeriesRecord, first: int) -> list[dict[str, Any]]:
        records = (
            self._store.record_at(run.id, series.tag, "event", at, rank=series.rank)
            for at in range(first, series.count)
        )
        return [told(run, record.step, record.wall_time, record.value) for record in records]
