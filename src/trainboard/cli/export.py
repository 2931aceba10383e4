"""Write runs out: as logs that TensorBoard shows, or their numbers as CSV, Parquet or JSON lines."""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from trainboard.cli.printing import counted, print_json
from trainboard.cli.run_selection import named
from trainboard.cli.serve import STORE_HELP
from trainboard.storage.errors import BadChange

if TYPE_CHECKING:
    from trainboard.storage import Store
    from trainboard.storage.tfevents.target import Exported

TABLES = ("csv", "parquet", "jsonl")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", metavar="OUT", help="a folder for tensorboard, else a file")
    parser.add_argument(
        "--to", choices=("tensorboard", *TABLES), required=True, help="what to write; tables hold scalars"
    )
    parser.add_argument("--store", metavar="STORE", help=STORE_HELP)
    parser.add_argument(
        "--runs", nargs="+", metavar="RUN", help="only these runs, by id, the beginning of one, or name"
    )
    parser.add_argument(
        "--tags", nargs="+", metavar="TAG", help="only these tags; * and ? stand for any characters"
    )
    parser.add_argument(
        "--follow", action="store_true", help="go on writing what comes, until Ctrl-C; for tensorboard"
    )
    parser.add_argument("--json", action="store_true", help="print what was written as JSON")


def run(arguments: argparse.Namespace) -> int:
    from trainboard.storage import open_store

    if arguments.follow and arguments.to != "tensorboard":
        raise BadChange("Only logs for TensorBoard can follow runs: leave out --follow.")
    with closing(open_store(arguments.store)) as store:
        known = store.runs(archived=True) if arguments.runs else []
        runs = [named(known, word).id for word in arguments.runs] if arguments.runs else None
        if arguments.to == "tensorboard":
            export_logs(store, runs, arguments)
        else:
            export_table(store, runs, arguments)
    return 0


def export_logs(store: Store, runs: list[str] | None, arguments: argparse.Namespace) -> None:
    from rich.console import Console

    from trainboard.storage.tfevents.export_store import Export

    with Export(store, arguments.out, runs, arguments.tags) as export:
        with Console(stderr=True).status("Exporting …") as status:
            export.write_new(lambda counts: status.update(f"Exporting: {counted(counts.points, 'point')}"))
            if not arguments.follow:
                status.stop()
        report(export.counts, arguments)
        if arguments.follow:
            print("Following; Ctrl-C ends it.", flush=True)
            try:
                export.follow()
            except KeyboardInterrupt:
                report(export.counts, arguments)


def report(counts: Exported, arguments: argparse.Namespace) -> None:
    if arguments.json:
        print_json(asdict(counts))
        return
    written = f"{counted(counts.points, 'point')} and {counted(counts.records, 'record')}"
    print(f"{arguments.out}: {counted(counts.runs, 'run')}, {written}.", flush=True)
    for number, what in (
        (counts.rounded, "are shown by TensorBoard as float32; the files hold them in double precision"),
        (counts.superseded, "gave way to a later one of the same step, and are not shown"),
        (counts.late, "came after a later step was written, and are not shown until a new export"),
        (counts.unreadable, "are damaged in the store, and were left out"),
    ):
        if number:
            print(f"  {number:,} {what}.", flush=True)


def export_table(store: Store, runs: list[str] | None, arguments: argparse.Namespace) -> None:
    from trainboard.storage.export_table import write_table

    rows = write_table(store, Path(arguments.out), arguments.to, runs, arguments.tags)
    if arguments.json:
        print_json({"rows": rows})
    else:
        print(f"{arguments.out}: {counted(rows, 'row')}.")
