"""Show a store in TensorBoard's own pages, live, without writing logs."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from trainboard.cli.serve import STORE_HELP

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

    with closing(open_store(arguments.store)) as store, TemporaryDirectory() as folder:
        server = make_server(store, Path(folder), arguments.host, arguments.port)
        server.print_serving_message()
        server.serve_forever()
    return 0


def make_server(store: Store, folder: Path, host: str, port: int | None) -> Any:
    """TensorBoard's server, on a store. Raises TensorBoard's own error where the port is taken.

    Its projector reads nothing but files: what embeddings there are now are written to ``folder``.
    """
    from tensorboard import program
    from tensorboard.backend.application import TensorBoardWSGIApp

    from trainboard.storage.tfevents.provider import StoreProvider

    tensorboard = program.TensorBoard()
    tensorboard.configure(logdir=str(folder), host=host, port=port)
    provider = StoreProvider(store)
    provider.write_embeddings(folder)
    app = TensorBoardWSGIApp(
        tensorboard.flags, tensorboard.plugin_loaders, provider, tensorboard.assets_zip_provider
    )
    return tensorboard.server_class(app, tensorboard.flags)
