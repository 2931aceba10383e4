"""Show a store in TensorBoard's own pages, live, without writing logs."""

from __future__ import annotations

import argparse
from contextlib import closing
from typing import TYPE_CHECKING, Any

from trainboard.cli.serve import STORE_HELP
from trainboard.storage.location import without_password

if TYPE_CHECKING:
    from trainboard.storage import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", nargs="?", metavar="STORE", help=STORE_HELP)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; 127.0.0.1 if left out")
    parser.add_argument(
        "--port", type=int, metavar="N", help="port to listen on; 6006 or the next free one if left out"
    )


def run(arguments: argparse.Namespace) -> int:
    from trainboard.storage import open_store

    with closing(open_store(arguments.store)) as store:
        server = make_server(store, arguments.host, arguments.port)
        server.print_serving_message()
        server.serve_forever()
    return 0


def make_server(store: Store, host: str, port: int | None) -> Any:
    """TensorBoard's server, on a store. Raises TensorBoard's own error where the port is taken."""
    from tensorboard import program
    from tensorboard.backend.application import TensorBoardWSGIApp

    from trainboard.storage.tfevents.provider import StoreProvider

    tensorboard = program.TensorBoard()
    tensorboard.configure(logdir=without_password(store.url), host=host, port=port)
    app = TensorBoardWSGIApp(
        tensorboard.flags, tensorboard.plugin_loaders, StoreProvider(store), tensorboard.assets_zip_provider
    )
    return tensorboard.server_class(app, tensorboard.flags)
