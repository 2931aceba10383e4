"""Send what offline and killed programs left in their spools to a store or a server."""

from __future__ import annotations

import argparse
import json
from contextlib import closing
from pathlib import Path

from trainboard.storage.errors import StoreNotFound
from trainboard.storage.location import is_server, resolve_url, spool_root, sqlite_path, without_password


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        nargs="?",
        metavar="DIR|STORE",
        help="a folder of spools, or the store they were meant for; $TRAINBOARD_STORE or ./trainboard.db if "
        "left out",
    )
    parser.add_argument(
        "--to", metavar="URL", help="store or server that takes them; the one they were meant for if left out"
    )
    parser.add_argument("--json", action="store_true", help="print what was sent and what was left as JSON")


def run(arguments: argparse.Namespace) -> int:
    from trainboard.storage.sinks import open_sink
    from trainboard.storage.spools import adopt_orphans, found_in

    root, meant_for = find_spools(arguments.source)
    target = resolve_url(arguments.to) if arguments.to else meant_for
    if target is None:
        raise StoreNotFound(f"Say where the spools in '{root}' shall go: --to URL.")
    sent: list[str] = []
    if found_in(root):
        with closing(open_sink(target, create=True)) as sink:
            sent = adopt_orphans(sink, root)
    left = [path.name for path in found_in(root)]
    name = without_password(target)
    if arguments.json:
        told_left = {"left": left, "behind": behind(target) if left else []}
        print(json.dumps({"from": str(root), "to": name, "sent": sent} | told_left, indent=2))
    else:
        print(told(sent, left, root, name))
    return 0


def behind(target: str) -> list[dict[str, object]]:
    """What programs of this machine hold in their spools and a store does not yet; a server cannot tell."""
    from trainboard.storage import open_store
    from trainboard.storage.spool_lag import lagging

    if is_server(target):
        return []
    with closing(open_store(target)) as store:
        return [lag.as_json() for lag in lagging(store)]


def find_spools(source: str | None) -> tuple[Path, str | None]:
    """The folder of spools that is meant, and the URL of their store where it is known.

    Raises ``StoreNotFound`` where there is neither such a folder nor such a store.
    """
    if source is not None and Path(source).is_dir():
        return Path(source), None
    url = resolve_url(source)
    root, path = spool_root(url), sqlite_path(url)
    if path and not path.exists() and not root.is_dir():
        raise StoreNotFound(f"Neither a store nor a folder of spools is at '{path}'; give another path.")
    return root, url


def told(sent: list[str], left: list[str], root: Path, target: str) -> str:
    if not sent and not left:
        return f"Nothing to send: no spools in {root}."
    sentence = f"{spools(len(sent))} of {root} sent to {target}."
    return sentence + (f" {spools(len(left))} in use or unreadable, left in place." if left else "")


def spools(count: int) -> str:
    return "1 spool" if count == 1 else f"{count} spools"
