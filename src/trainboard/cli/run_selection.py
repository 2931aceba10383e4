"""Which runs a command is about: named by id, by the beginning of one, by name, or by filters."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from trainboard.cli.printing import counted, print_table, printable
from trainboard.storage.errors import BadChange, RunNotFound

if TYPE_CHECKING:
    from trainboard.storage import RunRecord

COLUMNS = ("Run", "Project", "Group", "Status", "Started", "Id")
SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
STATUSES = ("running", "finished", "crashed", "stopped", "killed")
_NAMED = 5


def add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--where", default="", metavar="FILTER", help="only runs that a filter lets through")
    parser.add_argument("--project", metavar="NAME", help="only runs of this project")
    parser.add_argument("--group", metavar="NAME", help="only runs of this group")
    parser.add_argument("--status", choices=STATUSES, help="only runs with this status")
    parser.add_argument(
        "--older-than",
        type=duration,
        metavar="AGE",
        help="only runs silent for as long as: 12h, 30d, 8w",
    )


def duration(text: str) -> float:
    """Seconds, from the command line: a number and m, h, d or w."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([mhdw])", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no age; 30m, 12h, 30d and 8w are")
    return float(found[1]) * SECONDS[found[2]]


def has_filters(arguments: argparse.Namespace) -> bool:
    given = (getattr(arguments, name) is not None for name in ("project", "group", "status", "older_than"))
    return bool(arguments.where) or any(given)


def filtered(records: Sequence[RunRecord], arguments: argparse.Namespace) -> list[RunRecord]:
    """The runs that all the filters but ``--where`` let through, which the store applies."""
    wanted = {name: getattr(arguments, name) for name in ("project", "group", "status")}
    tests: list[Callable[[RunRecord], bool]] = [
        lambda run, name=name, value=value: getattr(run, name) == value
        for name, value in wanted.items()
        if value is not None
    ]
    if arguments.older_than is not None:
        before = time.time() - arguments.older_than
        tests.append(lambda run: run.updated_at < before and run.status != "running")
    return [run for run in records if all(test(run) for test in tests)]


def named(records: Sequence[RunRecord], word: str) -> RunRecord:
    """The one run with this id, with an id that begins so, or with this name. Raises ``RunNotFound``."""
    for matches in (
        [run for run in records if run.id == word],
        [run for run in records if run.name == word],
        [run for run in records if word and run.id.startswith(word)],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise RunNotFound(f"'{word}' could be {len(matches)} runs: {listed(matches)}. Give an id.")
    have = f"There are {listed(records)}" if records else "There are none"
    raise RunNotFound(f"No run has the id or the name '{word}'. {have}.")


def listed(records: Sequence[RunRecord]) -> str:
    words = [f"{printable(run.name)} ({printable(run.id)})" for run in records[:_NAMED]]
    more = [f"{len(records) - _NAMED} more"] if len(records) > _NAMED else []
    return ", ".join([*words, *more])


def chosen(records: Sequence[RunRecord], arguments: argparse.Namespace, verb: str) -> list[RunRecord]:
    """The runs that the words name, or those that the filters let through, if that is confirmed.

    Raises ``RunNotFound``; returns no run where there is none, or where the answer was no.
    """
    if arguments.runs:
        found = {run.id: run for run in (named(records, word) for word in arguments.runs)}
        return filtered(list(found.values()), arguments)
    if not has_filters(arguments):
        raise BadChange(f"Say which runs to {verb}: by id, by name, or by --project, --status and the like.")
    found_by_filters = filtered(records, arguments)
    return found_by_filters if found_by_filters and confirmed(found_by_filters, arguments.yes, verb) else []


def confirmed(records: Sequence[RunRecord], yes: bool, verb: str) -> bool:
    """Show the runs, and ask; without anyone to ask, ``yes`` must have been said."""
    print_runs(records)
    if yes:
        return True
    question = f"{verb.capitalize()} {counted(len(records), 'run')}?"
    if not sys.stdin.isatty():
        raise BadChange(f"{question} Nobody can answer here: say --yes.")
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def print_runs(records: Sequence[RunRecord]) -> None:
    print_table(COLUMNS, map(_row, records), folded="Id")


def _row(run: RunRecord) -> tuple[str, ...]:
    started = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created_at))
    status = f"{run.status}, archived" if run.archived_at is not None else run.status
    return run.name, run.project, run.group or "", status, started, run.id
