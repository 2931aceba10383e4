"""Verify a store, and repair what can be repaired."""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from trainboard.cli.printing import counted, print_json, printable
from trainboard.cli.serve import STORE_HELP
from trainboard.storage.errors import StoreUnavailable
from trainboard.storage.faults import Fault
from trainboard.storage.location import resolve_url, sqlite_path

FAULTY = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", nargs="?", metavar="STORE", help=STORE_HELP)
    parser.add_argument(
        "--repair",
        action="store_true",
        help="rebuild what can be rebuilt and set damaged parts aside; of a corrupt SQLite file, make a new "
        "one of all that can be read",
    )
    parser.add_argument("--json", action="store_true", help="print the faults as JSON")


def run(arguments: argparse.Namespace) -> int:
    path = sqlite_path(resolve_url(arguments.store))
    try:
        found, left = checked(arguments.store, arguments.repair)
    except StoreUnavailable as error:
        if path is None or not is_corruption(str(error)):
            raise
        return salvaged(path, arguments, [Fault(str(error), repairable=False)])
    if path and any(is_corruption(fault.what) for fault in found):
        return salvaged(path, arguments, found)
    tell(found, left, arguments)
    return FAULTY if left else 0


def checked(store: str | None, repair: bool) -> tuple[list[Fault], list[Fault]]:
    """The faults of a store, and those left where it is repaired; of a corrupt file nothing is."""
    from trainboard.storage import open_store
    from trainboard.storage.check import check
    from trainboard.storage.repair import repair as put_right

    with closing(open_store(store)) as opened:
        found = list(check(opened))
        if not repair or any(is_corruption(fault.what) for fault in found):
            return found, found
        put_right(opened)
        return found, list(check(opened))


def is_corruption(said: str) -> bool:
    return any(words in said for words in ("malformed", "not a database", "file is corrupt"))


def salvaged(path: Path, arguments: argparse.Namespace, found: list[Fault]) -> int:
    """Copy what can be read of a corrupt file to a new one, if that was asked for."""
    from trainboard.storage.salvage import copy_readable

    if not arguments.repair:
        tell(found, found, arguments)
        return FAULTY
    new = path.with_name(path.name + ".repaired")
    rows = copy_readable(path, new)
    lost = [
        Fault(f"{table}: {counted(lost, 'row')} cannot be read", lost=lost, repairable=False)
        for table, (_, lost) in rows.items()
        if lost
    ]
    later, left = checked(str(new), repair=True)
    tell([*found, *lost, *later], left, arguments)
    if not arguments.json:
        print(f"What could be read is in {new}; {path} is as it was. Stop its programs, then swap them.")
    return FAULTY


def tell(found: list[Fault], left: list[Fault], arguments: argparse.Namespace) -> None:
    if arguments.json:
        print_json({"found": [asdict(fault) for fault in found], "left": [asdict(fault) for fault in left]})
        return
    for fault in found:
        print(printable(sentence(fault)))
    if not found:
        print("No fault found.")
    elif not arguments.repair:
        print(f"{counted(len(found), 'fault')}. `trainboard check --repair` puts right what can be.")
    elif left:
        print(f"{counted(len(found), 'fault')}, of which these cannot be put right:")
        print("\n".join(printable(sentence(fault)) for fault in left))
    else:
        print(f"{counted(len(found), 'fault')}, put right; what is lost was set aside.")


def sentence(fault: Fault) -> str:
    where = [f"run {fault.run}"] if fault.run else []
    where += [f"'{fault.tag}'"] if fault.tag else []
    lost = f" ({counted(fault.lost, 'value')} lost)" if fault.lost else ""
    return ", ".join(where) + (": " if where else "") + fault.what + lost
