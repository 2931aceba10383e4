"""Copy a store to a file, as it is now, while programs go on logging to it."""

from __future__ import annotations

import argparse
import json
from contextlib import closing

from trainboard.cli.printing import size
from trainboard.cli.serve import STORE_HELP


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", metavar="OUT", help="the file to make; it must not exist")
    parser.add_argument("--store", metavar="STORE", help=STORE_HELP)
    parser.add_argument("--json", action="store_true", help="print what was made as JSON")


def run(arguments: argparse.Namespace) -> int:
    from trainboard.storage import open_store
    from trainboard.storage.backup import backup

    with closing(open_store(arguments.store)) as store:
        path = backup(store, arguments.out)
    length = path.stat().st_size
    if arguments.json:
        print(json.dumps({"path": str(path), "bytes": length}))
    else:
        print(f"{path}: {size(length)}. Open it like any store: trainboard serve {path}")
    return 0
