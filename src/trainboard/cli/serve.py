"""Show a store's runs in the browser, live."""

from __future__ import annotations

import argparse
import gc
import os
import sys
import webbrowser
from contextlib import AbstractContextManager, ExitStack, closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainboard.storage import Store
    from trainboard.storage.tfevents.follower import Follower

DEFAULT_PORT = 6006
VISDOM_PORT = 8097
"""Where Visdom's clients look for a server if they are not told another port."""

STORE_HELP = "path or URL; $TRAINBOARD_STORE or ./trainboard.db if left out"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", nargs="?", metavar="STORE", help=STORE_HELP)
    parser.add_argument(
        "--logdir", metavar="DIR[,DIR…]", help="follow TensorBoard logs in these folders, as import does"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; a token guards all but loopback"
    )
    parser.add_argument("--token", help="what readers must show; made and printed where one is needed")
    parser.add_argument(
        "--write-token",
        help="what programs must show to log here; $TRAINBOARD_WRITE_TOKEN, or made and printed with --token",
    )
    parser.add_argument(
        "--visdom-port", type=port, metavar="PORT", help="serve on this port, too, for Visdom's clients"
    )
    parser.add_argument(
        "--visdom",
        action="store_const",
        dest="visdom_port",
        const=VISDOM_PORT,
        help=f"short for --visdom-port {VISDOM_PORT}, which is that of clients with default arguments",
    )
    parser.add_argument(
        "--visdom-base-url", default="", metavar="PATH", help="the base_url of Visdom's clients, such as /vis"
    )
    parser.add_argument(
        "--visdom-readonly", action="store_true", help="let programs draw, and nobody change it on the page"
    )
    add_page_arguments(parser)


def add_page_arguments(parser: argparse.ArgumentParser) -> None:
    """What every verb that shows the dashboard takes."""
    parser.add_argument(
        "--port",
        type=port,
        default=DEFAULT_PORT,
        help=f"first port to try, {DEFAULT_PORT} if left out; 0 is any",
    )
    parser.add_argument("--no-open", action="store_true", help="do not open a browser")


def port(text: str) -> int:
    """A TCP port from the command line."""
    if text.isdecimal() and int(text) < 1 << 16:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port; ports go from 0 to 65535")


def run(arguments: argparse.Namespace) -> int:
    from trainboard.storage import open_store
    from trainboard.storage.mounts import network_warning

    with ExitStack() as stack:
        # Looking for garbage takes a fifth of the start, and finds none.
        gc.disable()
        stack.callback(gc.enable)
        # Logs are to be followed, and Visdom's clients expect a server, before anything is stored.
        create = bool(arguments.logdir) or arguments.visdom_port is not None
        store = stack.enter_context(closing(open_store(arguments.store, create=create)))
        follower = None
        if arguments.logdir:
            follower = stack.enter_context(following_logs(store, arguments.logdir))
        if unsafe := network_warning(store.url):
            print(f"trainboard: {unsafe}.", file=sys.stderr)
        # After the store is open: a wrong path should be said at once, and this import takes a second.
        from trainboard.dashboard.server import serve

        ready = webbrowser.open if not arguments.no_open and has_screen() else bool
        tokens = {
            "token": arguments.token,
            "write_token": arguments.write_token or os.environ.get("TRAINBOARD_WRITE_TOKEN"),
        }
        try:
            serve(
                store,
                arguments.host,
                arguments.port,
                **tokens,
                visdom_port=arguments.visdom_port,
                visdom_base_url=arguments.visdom_base_url,
                visdom_read_only=arguments.visdom_readonly,
                logs_read=lambda: follower and follower.share,
                ready=ready,
            )
        except OSError as error:
            also = "" if arguments.visdom_port is None else f" and {arguments.visdom_port}"
            where = f"{arguments.host}, port {arguments.port}{also}"
            print(f"trainboard: cannot listen on {where}: {error.strerror or error}", file=sys.stderr)
            return 2
        return 0


def following_logs(store: Store, logdir: str) -> AbstractContextManager[Follower]:
    """Follow logs in a thread, by the follower that is yielded. Raises ``LogsNotFound``."""
    from trainboard.cli.import_logs import logdirs
    from trainboard.storage.tfevents.following import following, open_follower

    return following(open_follower(store, logdirs(logdir)))


def has_screen() -> bool:
    """Whether a browser opened here would be seen: not over SSH, in CI or on a server."""
    if sys.platform in ("darwin", "win32"):
        return "SSH_CONNECTION" not in os.environ
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
