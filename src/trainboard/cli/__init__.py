"""The `trainboard` command: one module a verb, joined here."""

from __future__ import annotations

import argparse
import importlib.metadata
import sys
from collections.abc import Sequence

from trainboard.cli import (
    backup,
    check,
    compact,
    demo,
    export,
    graph,
    import_logs,
    query,
    runs,
    serve,
    sync,
    tensorboard,
)
from trainboard.storage.errors import TrainboardError

VERBS = {
    "serve": serve,
    "demo": demo,
    "runs": runs,
    "query": query,
    "export": export,
    "tensorboard": tensorboard,
    "sync": sync,
    "import": import_logs,
    "graph": graph,
    "backup": backup,
    "check": check,
    "compact": compact,
}
BAD_USE = 2
INTERRUPTED = 130


def main(words: Sequence[str] | None = None) -> int:
    """Run the verb that ``words`` (the command line, if left out) name; return the exit status.

    What is wrong with a store or an address ends as one line on stderr and status 2.
    """
    parser = command_line()
    given = list(sys.argv[1:] if words is None else words)
    if given and given[0].partition("=")[0] == "--logdir":
        given.insert(0, "serve")  # as people who know TensorBoard type it
    arguments = parser.parse_args(runs.with_default_action(given))
    if arguments.verb is None:
        parser.print_help()
        return 0
    try:
        return VERBS[arguments.verb].run(arguments)
    except TrainboardError as error:
        print(f"trainboard: {error}", file=sys.stderr)
        return BAD_USE
    except KeyboardInterrupt:
        return INTERRUPTED


def command_line() -> argparse.ArgumentParser:
    """The parser of every verb, each described by its module's docstring."""
    parser = argparse.ArgumentParser(
        "trainboard", description="Watch models train, live, on your own machine."
    )
    parser.add_argument("--version", action="version", version=importlib.metadata.version("trainboard"))
    verbs = parser.add_subparsers(title="commands", dest="verb", metavar="COMMAND")
    for name, module in VERBS.items():
        summary = (module.__doc__ or "").splitlines()[0]
        module.add_arguments(verbs.add_parser(name, help=summary, description=module.__doc__))
    return parser
