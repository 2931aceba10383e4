"""Train four small networks, two in PyTorch and two in Keras, and watch them live."""

from __future__ import annotations

import argparse
import sys
import threading
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

from trainboard.cli import demo_training
from trainboard.cli.serve import add_page_arguments, has_screen

if TYPE_CHECKING:
    from rich.console import Console

    from trainboard.storage import Store

DEFAULT_STORE = "trainboard-demo.db"
DEFAULT_EPOCHS = 10
NEEDED = {"torch": "torch", "keras": "keras", "tensorflow": "tensorflow", "sklearn": "scikit-learn"}
HOST = "127.0.0.1"
REFRESH = 0.25
PATIENCE = 30.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="end after training, with a summary")
    parser.add_argument(
        "--store", default=DEFAULT_STORE, help=f"where the runs go; ./{DEFAULT_STORE} if left out"
    )
    parser.add_argument("--epochs", type=int, default=DEFAULT_EPOCHS, help=f"{DEFAULT_EPOCHS} if left out")
    add_page_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    missing = [package for module, package in NEEDED.items() if find_spec(module) is None]
    if missing:
        print(f"The demo trains with {', '.join(missing)}: pip install 'trainboard[demo]'", file=sys.stderr)
        return 2

    from rich.console import Console

    from trainboard.storage import open_store

    console = Console(markup=False, highlight=False, soft_wrap=True)
    with (
        closing(open_store(arguments.store, create=True)) as store,
        dashboard(store, arguments.port) as address,
    ):
        console.print(f"trainboard is at {address}")
        if not arguments.once and not arguments.no_open and has_screen():
            webbrowser.open(address)
        all_is_well = train(store, arguments.epochs, console)
        if not answers(address):
            console.print(f"The dashboard at {address} does not answer.", style="red")
            all_is_well = False
        console.print(
            f"The runs are in {arguments.store}. To see them again: trainboard serve {arguments.store}"
        )
        if not arguments.once:
            with suppress(KeyboardInterrupt):
                console.print(f"Still serving at {address}. Ctrl-C ends.")
                threading.Event().wait()
    return 0 if all_is_well else 1


@contextmanager
def dashboard(store: Store, port: int) -> Iterator[str]:
    """Serve ``store`` from a thread of this process; yields the address once it answers.

    A port in use is replaced by the next free one (0 means any). Raises ``OSError`` if there is none.
    """
    from trainboard.dashboard.server import Server, address_of, bind

    answering = threading.Event()
    with bind(HOST, port) as listener:
        server = Server(store, listener, started=answering.set)
        thread = threading.Thread(target=server.run, name="dashboard", daemon=True)
        thread.start()
        try:
            answering.wait(PATIENCE)
            yield address_of(HOST, listener.getsockname()[1], None)
        finally:
            server.should_exit = True
            thread.join(PATIENCE)


def train(store: Store, epochs: int, console: Console) -> bool:
    """Run the four programs to their end, showing how far they are; say whether all went well."""
    from trainboard.storage.spools import adopt_orphans

    try:
        with demo_training.running(store.url, epochs) as trainings:
            return watch(store, trainings, epochs, console)
    finally:
        # A program that was ended in a hurry may have left its last words in its spool.
        adopt_orphans(store)


def watch(store: Store, trainings: list[demo_training.Training], epochs: int, console: Console) -> bool:
    """Show how far the programs are until the last one ends, and then how they ended."""
    from trainboard.cli import demo_display

    with demo_display.bars(trainings, epochs, console) as show:
        while any(training.process.poll() is None for training in trainings):
            show(store)
            time.sleep(REFRESH)
        show(store)
    console.print(demo_display.summary(store, trainings))
    for training in filter(lambda training: training.failed, trainings):
        console.print(f"{training.framework}, seed {training.seed}, failed. It said:", style="red")
        console.print(training.last_words())
    return demo_display.all_finished(store, trainings)


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
            return answer.status == 200
    except urllib.error.URLError:
        return False
