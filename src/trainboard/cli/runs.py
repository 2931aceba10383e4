"""List the runs of a store, newest first; delete, restore, archive, rename, tag or note them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from trainboard.cli.printing import counted, print_json, printable
from trainboard.cli.run_selection import (
    add_filters,
    chosen,
    filtered,
    has_filters,
    listed,
    named,
    print_runs,
)
from trainboard.cli.serve import STORE_HELP
from trainboard.storage.errors import BadChange, StoreUnavailable

if TYPE_CHECKING:
    from trainboard.storage import RunRecord, Store
    from trainboard.storage.spool_lag import Lag

DEFAULT_ACTION = "list"
LISTED = 100
SEVERAL = {
    "delete": "hide runs everywhere, until restored, or removed for good by `trainboard compact`",
    "restore": "bring deleted runs back",
    "archive": "leave runs out of lists unless asked for",
    "unarchive": "list archived runs again",
    "tag": "add and remove tags",
}
ONE = {"rename": ("NAME", "give a run another name"), "note": ("TEXT", "replace a run's notes")}
PAST = {
    "delete": "Deleted",
    "restore": "Restored",
    "archive": "Archived",
    "unarchive": "Listed again",
    "tag": "Tagged",
    "rename": "Renamed",
    "note": "Noted",
}
ACTIONS = (DEFAULT_ACTION, *SEVERAL, *ONE)


def with_default_action(words: Sequence[str]) -> list[str]:
    """The words of the command line, with the action that ``runs`` does if none is named."""
    if words[:1] == ["runs"] and words[1:2] not in [[name] for name in (*ACTIONS, "-h", "--help")]:
        return ["runs", DEFAULT_ACTION, *words[1:]]
    return list(words)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    _add_list(actions.add_parser(DEFAULT_ACTION, help="list runs; done if no action is named"))
    for name, summary in SEVERAL.items():
        _add_several(actions.add_parser(name, help=summary, description=summary.capitalize()), name)
    for name, (value, summary) in ONE.items():
        action = actions.add_parser(name, help=summary, description=summary.capitalize())
        action.add_argument("run", metavar="RUN", help="an id, the beginning of one, or a name")
        action.add_argument("value", metavar=value)
        action.add_argument("--store", metavar="STORE", help=STORE_HELP)


def _add_list(action: argparse.ArgumentParser) -> None:
    action.add_argument("store", nargs="?", metavar="STORE", help=STORE_HELP)
    add_filters(action)
    action.add_argument("--archived", action="store_true", help="archived runs, too")
    action.add_argument("--deleted", action="store_true", help="instead those deleted, which can be restored")
    action.add_argument("--json", action="store_true", help="print everything known of each run as JSON")
    action.add_argument(
        "--limit",
        type=at_least_one,
        metavar="N",
        help=f"the newest N runs (default {LISTED}; with --json, all)",
    )
    action.add_argument("--all", action="store_true", help="all runs, however many")


def at_least_one(text: str) -> int:
    """A number of runs, from the command line."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of runs; 1 is the least")
    return int(text)


def _add_several(action: argparse.ArgumentParser, name: str) -> None:
    action.add_argument(
        "runs", nargs="*", metavar="RUN", help="an id, the beginning of one, or a name; or use filters"
    )
    action.add_argument("--store", metavar="STORE", help=STORE_HELP)
    add_filters(action)
    action.add_argument("--yes", action="store_true", help="do not ask before changing what filters found")
    if name == "delete":
        action.add_argument("--force", action="store_true", help="even if it is still being written to")
    if name == "tag":
        action.add_argument("--add", action="append", default=[], metavar="TAG")
        action.add_argument("--remove", action="append", default=[], metavar="TAG")


def run(arguments: argparse.Namespace) -> int:
    from trainboard.storage import open_store
    from trainboard.storage.spools import adopt_orphans

    with closing(open_store(arguments.store)) as store:
        # A store that cannot be written to can still be read, without what killed programs left behind.
        with suppress(StoreUnavailable):
            adopt_orphans(store)
        if arguments.action == DEFAULT_ACTION:
            show(store, arguments)
        elif arguments.action in ONE:
            change_one(store, arguments)
        else:
            change_several(store, arguments)
    return 0


def show(store: Store, arguments: argparse.Namespace) -> None:
    from trainboard.storage.spool_lag import lagging

    records, total = newest(store, arguments)
    if arguments.json:
        print_json([as_json(record) for record in records])
    elif records:
        print_runs(records)
    else:
        print("No such runs." if store.run_page(archived=True, limit=1).total else "No runs yet.")
    if total > len(records):
        print(f"{total - len(records):,} older ones: --limit N lists more, --all all.", file=sys.stderr)
    say_behind(lagging(store))


def newest(store: Store, arguments: argparse.Namespace) -> tuple[list[RunRecord], int]:
    """The runs to list, and how many there are of their sort.

    Only a page of them is read, unless filters must look at all.
    """
    is_page = not (arguments.all or arguments.deleted or has_filters(arguments))
    limit = arguments.limit or (None if arguments.all or arguments.json else LISTED)
    if is_page and limit is not None:
        page = store.run_page(archived=arguments.archived, limit=limit)
        return page.runs, page.total
    found = store.runs(where=arguments.where, archived=arguments.archived, deleted=arguments.deleted)
    records = filtered(found, arguments)
    return records[:limit], len(records)


def say_behind(lags: list[Lag]) -> None:
    """Say, beside the runs, that some of what was logged is still to come."""
    late = [f"{lag.run} by {lag.size:,} bytes" for lag in lags if lag.is_late]
    if late:
        print(f"Still in spools: {', '.join(map(printable, late))}.", file=sys.stderr)


def change_one(store: Store, arguments: argparse.Namespace) -> None:
    record = named(store.runs(archived=True), arguments.run)
    if arguments.action == "rename":
        store.rename_run(record.id, arguments.value)
    else:
        store.note_run(record.id, arguments.value)
    print(f"{PAST[arguments.action]}: {listed([store.run(record.id)])}.")


def change_several(store: Store, arguments: argparse.Namespace) -> None:
    if arguments.action == "tag" and not (arguments.add or arguments.remove):
        raise BadChange("Say which tags: --add TAG, --remove TAG.")
    candidates = store.runs(where=arguments.where, archived=True, deleted=arguments.action == "restore")
    records = chosen(candidates, arguments, arguments.action)
    if not records:
        print("Nothing was changed.")
        return
    _changes(store, arguments)[arguments.action]([record.id for record in records])
    print(f"{PAST[arguments.action]}: {counted(len(records), 'run')}, {listed(records)}.")
    if arguments.action == "delete":
        print("`trainboard runs restore` brings them back, until `trainboard compact`.")


def _changes(store: Store, arguments: argparse.Namespace) -> dict[str, Callable[[list[str]], None]]:
    return {
        "delete": lambda ids: store.delete_runs(ids, force=arguments.force),
        "restore": store.restore_runs,
        "archive": store.archive_runs,
        "unarchive": lambda ids: store.archive_runs(ids, archived=False),
        "tag": lambda ids: store.tag_runs(ids, add=arguments.add, remove=arguments.remove),
    }


def as_json(record: RunRecord) -> dict[str, Any]:
    names = [field.name for field in fields(record) if not field.name.startswith("_")]
    return {name: getattr(record, name) for name in [*names, "summary"]}
