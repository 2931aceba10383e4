"""The server killed at random moments while an unmodified Visdom client draws: what is lost or repeated.

``python -m benchmarks visdom_kill --trials 100`` prints the table. A call counts once it returned.
"""

from __future__ import annotations

import contextlib
import json
import logging
import random
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from .measure import table
from .server import Server

LATEST_KILL = 1.0
"""Seconds after its first call within which a client loses its server."""

_PICTURE = np.zeros((3, 8, 8))
DRAW: dict[str, Callable[[Any, int], str]] = {
    "windows": lambda vis, n: vis.text(str(n), win=f"window {n}"),
    "points": lambda vis, n: vis.line(
        X=np.array([n]), Y=np.array([0.5]), win="line", name="a", update="append"
    ),
    "texts": lambda vis, n: vis.text(str(n), win="text", append=n > 0),
    "images": lambda vis, n: vis.image(
        _PICTURE, win="image", opts={"store_history": True, "caption": str(n)}
    ),
}


def report(trials: int) -> str:
    """``trials`` kills of one server, which finds more in its store each time."""
    tally = {what: Counter[str]() for what in DRAW}
    with tempfile.TemporaryDirectory() as folder, Server(_new_store(Path(folder))) as server:
        for trial in range(trials):
            returned = _draw_until_killed(server, f"trial {trial}")
            server.start()
            stored = _stored(_client(server, f"trial {trial}"))
            for what, counts in tally.items():
                numbers = stored.get(what, [])
                counts["returned"] += len(returned[what])
                counts["lost"] += len(set(returned[what]) - set(numbers))
                counts["repeated"] += len(numbers) - len(set(numbers))
    header = ("", "Calls that returned", "Lost", "Repeated")
    rows = [
        (what, f"{counts['returned']:,}", str(counts["lost"]), str(counts["repeated"]))
        for what, counts in tally.items()
    ]
    return table(f"Visdom's client: {trials:,} kills of the server at random moments", header, rows)


def _draw_until_killed(server: Server, env: str) -> dict[str, list[int]]:
    returned: dict[str, list[int]] = {what: [] for what in DRAW}
    vis = _client(server, env)
    killer = threading.Timer(random.uniform(0, LATEST_KILL), server.kill)
    killer.start()
    with contextlib.suppress(ConnectionError):
        for n in count():
            for what, draw in DRAW.items():
                draw(vis, n)
                returned[what].append(n)
    killer.join()
    return returned


def _stored(vis: Any) -> dict[str, list[int]]:
    panes = json.loads(vis.get_window_data())
    found = {"windows": [int(pane["content"]) for name, pane in panes.items() if name.startswith("window ")]}
    if "line" in panes:
        found["points"] = panes["line"]["content"]["data"][0]["x"]
    if "text" in panes:
        found["texts"] = [int(number) for number in panes["text"]["content"].split("<br>")]
    if "image" in panes:
        found["images"] = [int(image["caption"]) for image in panes["image"]["content"]]
    return found


def _client(server: Server, env: str) -> Any:
    import visdom

    logging.getLogger(visdom.__name__).setLevel(logging.ERROR)
    port = urlsplit(server.url).port
    assert port is not None
    return visdom.Visdom(
        server="http://127.0.0.1", port=port, env=env, raise_exceptions=True, use_incoming_socket=False
    )


def _new_store(folder: Path) -> Path:
    from trainboard.storage import open_store

    path = folder / "visdom.db"
    open_store(path, create=True).close()
    return path
