"""What happened in some runs, newest first: their beginnings and ends, and the events that were logged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ...storage.alerts import ALERT_TAGS, NOTHING_SEEN, Seen, read_seen
from ...storage.event_log import newest_events
from ...storage.series import SeriesKey

if TYPE_CHECKING:
    from ...storage import RunRecord, SeriesRecord, Store

WHAT: Mapping[str, str] = {
    "alerts": "alert",
    "rules": "rule",
    "controls": "control",
    "flight_recorder": "recorder",
    "graph/changes": "graph",
    "restarts": "run",
}
"""What an event is about, by its tag; any other is "other"."""
LEVELS = ("info", "warning", "error")
MOST_EVENTS = 2_000
_READ_AT_MOST = 20_000
_TEXT = 4_000
_ENDS = {
    "finished": ("Finished", "info"),
    "stopped": ("Stopped", "warning"),
    "crashed": ("Crashed", "error"),
    "killed": ("No longer heard of: its process was killed, or its machine lost", "error"),
}


class Wanted(NamedTuple):
    """Which events: of these kinds and levels (empty: all), with these words in title or text."""

    what: frozenset[str]
    levels: frozenset[str]
    search: str
    limit: int


def read_timeline(store: Store, run_ids: Sequence[str], wanted: Wanted) -> dict[str, Any]:
    """``{"events": […], "total": N}``: the newest ``limit`` that are wanted, of ``N`` logged in all."""
    series = [one for one in store.series(run_ids, "event") if _is_of(what_of(one.tag), wanted)]
    entries = [entry for run in store.runs(ids=run_ids, archived=True) for entry in _of_run(run)]
    each = min(wanted.limit, max(_READ_AT_MOST // max(len(series), 1), 1))
    if wanted.search:
        each = max(_READ_AT_MOST // max(len(series), 1), 1)
    seen = read_seen(store, run_ids)
    for one in series:
        mine = seen.get((one.run_id, _key(one).id), NOTHING_SEEN)
        entries += _of_series(store, one, each, sorted(wanted.levels), mine)
    found = [entry for entry in entries if _is_wanted(entry, wanted)]
    found.sort(key=lambda entry: entry["time"], reverse=True)
    return {"events": found[: wanted.limit], "total": sum(one.count for one in series)}


def alert_counts(store: Store, run_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Of each run that has any: how many ``alerts`` it has, how many nobody saw, and the newest of them."""
    series: dict[str, list[SeriesRecord]] = {}
    for one in store.series(run_ids, "event"):
        if one.tag in ALERT_TAGS:
            series.setdefault(one.run_id, []).append(one)
    seen = read_seen(store, list(series))
    found = {}
    for run_id, mine in series.items():
        total = sum(one.count for one in mine)
        newest = max(mine, key=lambda one: one.last_wall or 0.0)
        known = sum(seen.get((run_id, _key(one).id), NOTHING_SEEN).total for one in mine)
        last = _of_series(store, newest, 1, (), NOTHING_SEEN)
        found[run_id] = {"alerts": total, "open": max(total - known, 0), "newest": last[0]}
    return found


def what_of(tag: str) -> str:
    return WHAT.get(tag, "other")


def _key(series: SeriesRecord) -> SeriesKey:
    return SeriesKey(series.rank, "event", series.tag)


def _of_series(
    store: Store, series: SeriesRecord, limit: int, levels: Sequence[str], seen: Seen
) -> list[dict[str, Any]]:
    entries = []
    for logged in newest_events(store, series.run_id, _key(series), limit, levels):
        place = {"tag": series.tag, "rank": series.rank, "position": logged.position}
        is_alert = series.tag in ALERT_TAGS
        is_seen = seen.has(logged.position)
        told = _entry(series.run_id, logged.wall_time, what_of(series.tag), logged.event.level)
        texts = {"title": logged.event.title[:_TEXT], "text": logged.event.text[:_TEXT]}
        entries.append(told | texts | {"step": logged.step, "open": is_alert and not is_seen, "place": place})
    return entries


def _of_run(run: RunRecord) -> list[dict[str, Any]]:
    begun = _entry(run.id, run.created_at, "run", "info") | {"title": "Started", "text": ""}
    if run.status not in _ENDS:
        return [begun]
    title, level = _ENDS[run.status]
    ended = _entry(run.id, run.ended_at or run.updated_at, "run", level)
    error = (run.error or "").strip()[-_TEXT:]
    # The last line of a traceback says what went wrong.
    last = error.rpartition("\n")[2]
    return [begun, ended | {"title": title, "text": f"{last}\n{error}" if last != error else error}]


def _entry(run_id: str, moment: float, what: str, level: str) -> dict[str, Any]:
    kept = {"run": run_id, "time": moment, "what": what, "level": level}
    return kept | {"step": None, "open": False, "place": None}


def _is_of(what: str, wanted: Wanted) -> bool:
    return not wanted.what or what in wanted.what


def _is_wanted(entry: Mapping[str, Any], wanted: Wanted) -> bool:
    if not _is_of(entry["what"], wanted) or (wanted.levels and entry["level"] not in wanted.levels):
        return False
    words = f"{entry['title']}\n{entry['text']}".casefold()
    return all(word in words for word in wanted.search.casefold().split())
