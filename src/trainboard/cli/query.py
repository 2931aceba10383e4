"""Ask a store in SQL, read only: SELECT from runs, series, scalars and records."""

from __future__ import annotations

import argparse
import csv
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainboard.cli.printing import counted, print_json, print_table
from trainboard.cli.run_selection import named
from trainboard.cli.serve import STORE_HELP
from trainboard.storage.errors import BadChange, MissingExtra, TrainboardError

if TYPE_CHECKING:
    from trainboard.storage.sql import Answer

SECONDS = 60.0
ROWS = 100_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sql", metavar="SQL", help="one SELECT; - reads it from the standard input")
    parser.add_argument("--store", metavar="STORE", help=STORE_HELP)
    parser.add_argument(
        "--run",
        action="append",
        default=[],
        metavar="RUN",
        help="only this run in scalars; can be repeated",
    )
    parser.add_argument(
        "--tag",
        action="append",
        default=[],
        metavar="TAG",
        help="only this tag in scalars; can be repeated",
    )
    parser.add_argument(
        "--limit", type=int, default=ROWS, metavar="N", help=f"give at most N rows; {ROWS:,} if left out"
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=SECONDS,
        metavar="S",
        help=f"give up after S seconds; {SECONDS:g} if left out",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print columns, rows and whether there were more")
    form.add_argument("--csv", action="store_true", help="print the rows as CSV, with a header")
    form.add_argument("--parquet", metavar="FILE", help="write the rows to a Parquet file")


def run(arguments: argparse.Namespace) -> int:
    from trainboard.storage import open_store

    statement = sys.stdin.read() if arguments.sql == "-" else arguments.sql
    with closing(open_store(arguments.store)) as store:
        known = store.runs(archived=True) if arguments.run else []
        answer = store.query(
            statement,
            runs=[named(known, word).id for word in arguments.run],
            tags=arguments.tag,
            seconds=arguments.timeout,
            limit=arguments.limit,
        )
    show(answer, arguments)
    if answer.truncated:
        rows = counted(len(answer.rows), "row")
        print(f"trainboard: there are more than these {rows}; --limit gives more.", file=sys.stderr)
    return 0


def show(answer: Answer, arguments: argparse.Namespace) -> None:
    if arguments.parquet:
        write_parquet(answer, Path(arguments.parquet))
    elif arguments.json:
        rows = [list(map(plain, row)) for row in answer.rows]
        print_json({"columns": answer.columns, "rows": rows, "truncated": answer.truncated})
    elif arguments.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(answer.columns)
        writer.writerows(map(plain, row) for row in answer.rows)
    elif answer.rows:
        print_table(
            answer.columns, [["" if value is None else str(value) for value in row] for row in answer.rows]
        )
    else:
        print("No rows.")


def plain(value: Any) -> Any:
    """Bytes as hexadecimal digits, all else as it is."""
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else value


def write_parquet(answer: Answer, path: Path) -> None:
    """Raises ``MissingExtra`` without pyarrow, ``BadChange`` where the file cannot be written."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra("Parquet needs pyarrow: pip install 'trainboard[parquet]'.") from error
    if len(set(answer.columns)) < len(answer.columns):
        raise BadChange("A Parquet file needs columns of different names: rename them with AS.")
    columns: list[Any] = [list(column) for column in zip(*answer.rows, strict=True)]
    try:
        table = pyarrow.table(dict(zip(answer.columns, columns or [[] for _ in answer.columns], strict=True)))
        pyarrow.parquet.write_table(table, path)
    except (pyarrow.ArrowException, OSError) as error:
        raise TrainboardError(f"'{path}' cannot be written: {error}") from error
    print(f"{path}: {counted(len(answer.rows), 'row')}.")
