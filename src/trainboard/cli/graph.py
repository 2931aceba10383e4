"""Tell of the graph in a file, and with --store keep it as a run; nothing in the file is run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from trainboard.cli.printing import counted, print_json, printable
from trainboard.cli.serve import STORE_HELP

if TYPE_CHECKING:
    from trainboard.storage.kinds.graph import Graph

BAD_FILE = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", type=Path, help="model.onnx, graph.pbtxt or graph.pb, program.pt2"
    )
    parser.add_argument("--store", metavar="STORE", help=f"keep it as a run: {STORE_HELP}")
    parser.add_argument("--project", help="project of that run")
    parser.add_argument("--json", action="store_true", help="print the whole graph as JSON")


def run(arguments: argparse.Namespace) -> int:
    from trainboard.loggers.graph_file import read
    from trainboard.storage.kinds.graph import as_json

    try:
        graph = read(arguments.file)
    except (OSError, ValueError, ImportError) as error:
        print(f"trainboard: {printable(str(error))}", file=sys.stderr)
        return BAD_FILE
    if arguments.store:
        keep(arguments, graph)
    if arguments.json:
        print_json(as_json(graph))
    else:
        parameters = sum(node.parameters for node in graph.nodes)
        print(
            f"{printable(graph.name)}: {counted(len(graph.nodes), 'operation')}, {parameters:,} parameters."
        )
        if graph.partial:
            print(f"Incomplete: {printable(graph.partial)}")
    return 0


def keep(arguments: argparse.Namespace, graph: Graph) -> None:
    """Log the graph as a run named after its file."""
    import trainboard

    with trainboard.init(arguments.project, arguments.file.stem, store=arguments.store) as run:
        run.log({"graph": graph}, step=0)
