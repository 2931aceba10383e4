"""Our own scripts and styles, each as one file: a browser takes 6 at a time of a hundred small ones."""

from __future__ import annotations

import hashlib
from pathlib import Path

from starlette.responses import Response
from starlette.routing import Route

ASSETS = Path(__file__).parent / "assets"
_KEPT = {"cache-control": "private, max-age=31536000, immutable"}
"""The address changes with the content."""


class Bundle:
    """Files one after the other, at an address of their own."""

    def __init__(self, name: str, media_type: str, paths: list[Path]) -> None:
        content = b"\n".join(path.read_bytes() for path in paths)
        path = f"/own/{hashlib.blake2b(content, digest_size=8).hexdigest()}/{name}"
        answer = Response(content, headers=_KEPT, media_type=media_type)
        self.address = path
        self.route = Route(path, answer)


def styles() -> Bundle:
    return Bundle("page.css", "text/css", sorted(ASSETS.glob("*.css")))


def scripts() -> Bundle:
    paths = [ASSETS / "trainboard.js", *sorted((ASSETS / "js").glob("*.js"))]
    return Bundle("page.js", "text/javascript", paths)
