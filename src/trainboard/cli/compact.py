"""Remove deleted runs for good, and make the store smaller; delete old runs first where asked to."""

from __future__ import annotations

import argparse
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from trainboard.cli.printing import counted, print_json, size
from trainboard.cli.run_selection import print_runs
from trainboard.cli.serve import STORE_HELP
from trainboard.storage.errors import BadChange, RunIsLive

if TYPE_CHECKING:
    from trainboard.storage import RunRecord, Store
    from trainboard.storage.compact import Compacted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", nargs="?", metavar="STORE", help=STORE_HELP)
    parser.add_argument(
        "--keep-days", type=float, metavar="N", help="first delete runs that ended more than N days ago"
    )
    parser.add_argument(
        "--keep-last", type=int, metavar="N", help="first delete all but the N newest runs of each project"
    )
    parser.add_argument("--project", metavar="NAME", help="apply these two to one project only")
    parser.add_argument("--dry-run", action="store_true", help="only say which runs would be removed")
    parser.add_argument("--json", action="store_true", help="print what was done as JSON")


def run(arguments: argparse.Namespace) -> int:
    from trainboard.storage import open_store
    from trainboard.storage.compact import compact
    from trainboard.storage.retention import beyond
    from trainboard.storage.spools import adopt_orphans

    check_limits(arguments)
    with closing(open_store(arguments.store)) as store:
        # What a dead program left for a run must be in the store before the run can be removed.
        adopt_orphans(store)
        found = beyond(store.runs(arguments.project, archived=True), arguments.keep_days, arguments.keep_last)
        if arguments.dry_run:
            tell_plan(store, found, arguments.json)
            return 0
        for record in found:
            with suppress(RunIsLive):  # it was resumed just now
                store.delete_runs([record.id])
        tell(compact(store), arguments.json)
    return 0


def check_limits(arguments: argparse.Namespace) -> None:
    limits = (arguments.keep_days, arguments.keep_last)
    if any(limit is not None and not limit >= 0 for limit in limits):
        raise BadChange("--keep-days and --keep-last take numbers from 0 on.")
    if arguments.project and limits == (None, None):
        raise BadChange("--project says where --keep-days and --keep-last apply: give one of them.")


def tell_plan(store: Store, found: list[RunRecord], as_json: bool) -> None:
    deleted = store.runs(deleted=True)
    if as_json:
        plan = {"would_delete": found, "would_remove": [*deleted, *found]}
        print_json({what: [record.id for record in records] for what, records in plan.items()})
    elif deleted or found:
        print_runs([*found, *deleted])
        runs = counted(len(found) + len(deleted), "run")
        print(f"{runs} would be removed for good, {len(deleted)} of which are deleted already.")
    else:
        print("No run would be removed.")


def tell(done: Compacted, as_json: bool) -> None:
    if as_json:
        print_json(vars(done))
        return
    removed = f"{counted(len(done.removed), 'run')} and {counted(done.blobs, 'blob')}"
    print(f"Removed {removed}; {size(done.bytes_freed)} freed.")
    if done.live:
        print(f"{counted(len(done.live), 'deleted run')} still written to: left for another time.")
    if not done.shrunk:
        print(
            "The file keeps its size until `trainboard compact` runs while no program logs: it was made by "
            "an older trainboard. What is logged next uses its free space."
        )
