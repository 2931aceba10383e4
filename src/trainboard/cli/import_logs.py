"""Take TensorBoard logs into a store, and with --follow all that is added to them; and tables of scalars."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainboard.cli.printing import counted, print_json, printable, size
from trainboard.cli.serve import STORE_HELP

if TYPE_CHECKING:
    from trainboard.storage import Store
    from trainboard.storage.tfevents.follower import Progress

LOGDIR_HELP = "folder of TensorBoard logs, or several with commas between; or an address such as s3://…"
_TOLD = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "logdir", metavar="DIR[,DIR…]", type=logdirs, help=f"{LOGDIR_HELP}; or a table of scalars, FILE.csv"
    )
    parser.add_argument("--store", metavar="STORE", help=STORE_HELP)
    parser.add_argument("--project", help="project of the runs; the name of their folder if left out")
    parser.add_argument("--follow", action="store_true", help="go on until Ctrl+C")
    parser.add_argument("--json", action="store_true", help="print what was read as JSON")


def logdirs(text: str) -> list[str]:
    """Folders from the command line."""
    found = [each for each in text.split(",") if each]
    if not found:
        raise argparse.ArgumentTypeError("name a folder of logs")
    return found


def run(arguments: argparse.Namespace) -> int:
    from trainboard.storage import open_store
    from trainboard.storage.tfevents.following import follow, open_follower, read_all

    tables = [each for each in arguments.logdir if each.lower().endswith(".csv")]
    with closing(open_store(arguments.store, create=True)) as store:
        for table in tables:
            import_table(store, Path(table), arguments)
        folders = [each for each in arguments.logdir if each not in tables]
        if not folders:
            return 0
        follower = open_follower(store, folders, arguments.project)
        with progress_bar() as told:
            read_all(follower, told)
            if arguments.follow:
                try:
                    follow(follower, threading.Event(), told)
                except KeyboardInterrupt:
                    pass
        unreadable = {path: why for tree in follower.trees for path, why in tree.unreadable.items()}
        report(follower.progress, unreadable, arguments.json)
    return 0


def import_table(store: Store, path: Path, arguments: argparse.Namespace) -> None:
    from trainboard.storage.import_table import import_csv

    done = import_csv(store, path, arguments.project)
    if arguments.json:
        print_json(asdict(done))
        return
    print(f"{printable(str(path))}: {counted(done.runs, 'run')}, {counted(done.points, 'point')}.")
    if done.left_out:
        print(f"trainboard: no numbers in {printable(', '.join(done.left_out))}", file=sys.stderr)


@contextmanager
def progress_bar() -> Iterator[Callable[[Progress], None]]:
    """A bar on stderr, if that is a terminal, moved by what it is told."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading logs", total=None)

        def told(progress: Any) -> None:
            words = f"{counted(progress.runs, 'run')}, {counted(progress.points, 'point')}"
            bar.update(task, completed=progress.bytes, total=progress.total_bytes, description=words)

        yield told


def report(progress: Progress, unreadable: dict[str, str], as_json: bool) -> None:
    """What was read, on stdout; what could not be, on stderr."""
    if as_json:
        print_json(asdict(progress) | {"unreadable": unreadable})
        return
    files = f"{counted(progress.files, 'file')}, {size(progress.total_bytes)}"
    read = f"{counted(progress.points, 'new point')} and {counted(progress.records, 'new record')}"
    print(f"{counted(progress.runs, 'run')} in {files}: {read}.")
    problems = [*progress.damage, *(f"{path}: {why}" for path, why in unreadable.items())]
    for problem in problems[:_TOLD]:
        print(f"trainboard: not read: {printable(problem)}", file=sys.stderr)
    if len(problems) > _TOLD:
        print(f"trainboard: and {len(problems) - _TOLD} more; --json tells all", file=sys.stderr)
