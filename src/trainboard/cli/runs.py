"""List the runs of a store, newest first."""

from __future__ import annotations

import argparse
import json
import math
import sys
from contextlib import closing, suppress
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from trainboard.cli.serve import STORE_HELP
from trainboard.storage.errors import StoreUnavailable

if TYPE_CHECKING:
    from rich.table import Table

    from trainboard.storage import RunRecord
    from trainboard.storage.spool_lag import Lag

COLUMNS = ("Run", "Project", "Group", "Status", "Started", "Id")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", nargs="?", metavar="STORE", help=STORE_HELP)
    parser.add_argument("--json", action="store_true", help="print everything known of each run as JSON")


def run(arguments: argparse.Namespace) -> int:
    from trainboard.storage import open_store
    from trainboard.storage.spool_lag import lagging
    from trainboard.storage.spools import adopt_orphans

    with closing(open_store(arguments.store)) as store:
        # A store that cannot be written to can still be read, without what killed programs left behind.
        with suppress(StoreUnavailable):
            adopt_orphans(store)
        show = show_json if arguments.json else show_table
        show(store.runs())
        say_behind(lagging(store))
    return 0


def say_behind(lags: list[Lag]) -> None:
    """Say, beside the runs, that some of what was logged is still to come."""
    late = [f"{lag.run} by {lag.size:,} bytes" for lag in lags if lag.is_late]
    if late:
        print(f"Still in spools: {', '.join(map(printable, late))}.", file=sys.stderr)


def show_json(records: list[RunRecord]) -> None:
    print(json.dumps([as_json(record) for record in records], indent=2, default=str))


def show_table(records: list[RunRecord]) -> None:
    from rich.console import Console

    # Names are text: what looks like markup or an emoji's name in them is left as it is.
    console = Console(markup=False, emoji=False, highlight=False)
    console.print(as_table(records) if records else "No runs yet.")


def as_table(records: list[RunRecord]) -> Table:
    from rich.table import Column, Table

    # Where the terminal is narrow, the id gives way: it is folded, and still whole.
    columns = (Column(name, no_wrap=name != "Id", overflow="fold") for name in COLUMNS)
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for record in records:
        started = datetime.fromtimestamp(record.created_at).strftime("%Y-%m-%d %H:%M")
        words = (record.name, record.project, record.group or "", record.status, started, record.id)
        table.add_row(*map(printable, words))
    return table


def printable(text: str) -> str:
    """Text a program logged, with nothing in it that a terminal would obey."""
    return "".join(character if character.isprintable() else "�" for character in text)


def as_json(record: RunRecord) -> dict[str, Any]:
    """A run as JSON can say it: NaN and infinities, for which it has no numbers, become text."""
    names = [field.name for field in fields(record) if not field.name.startswith("_")]
    return strict({name: getattr(record, name) for name in [*names, "summary"]})


def strict(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): strict(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [strict(inner) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
