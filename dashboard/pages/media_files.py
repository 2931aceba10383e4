"""``GET /api/v1/media/{kind}/{digest}``: the bytes of a record, which never change under their address."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from .. import asked
from ..cards import audio, image, raw, trace, video
from ..cards.record import ROUTE, File, digest

if TYPE_CHECKING:
    from ...storage import Store

FILES: Mapping[str, Callable[[Any], File | None]] = {
    "image": image.file,
    "audio": audio.file,
    "video": video.file,
    "trace": trace.file,
    "raw": raw.file,
}
"""The kinds that browsers get as files, and what makes one of a record, or None of a damaged record."""
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def routes(store: Store) -> list[BaseRoute]:
    """The route, which needs ``?run=&tag=&rank=&index=`` and serves one range of the bytes, if asked."""

    async def media(request: Request) -> Response:
        kind = request.path_params["kind"]
        if kind not in FILES:
            raise HTTPException(404, f"There are no files of kind {kind!r}.")
        run, tag = asked.text(request, "run"), asked.text(request, "tag")
        rank, index = asked.place(request, "rank", "0"), asked.place(request, "index")
        try:
            record = await asyncio.to_thread(store.record_at, run, tag, kind, index, rank=rank)
        except IndexError as error:
            raise HTTPException(404, f"No such {kind}.") from error
        found = FILES[kind](record.value)
        if found is None:
            raise HTTPException(415, f"The bytes of this {kind} are damaged.")
        if digest(found.content) != request.path_params["digest"]:
            raise HTTPException(404, f"No such {kind}.")
        return _respond(request, found)

    return [Route(ROUTE, media)]


def _respond(request: Request, found: File) -> Response:
    headers = {
        "cache-control": "private, max-age=31536000, immutable",
        "etag": f'"{request.path_params["digest"]}"',
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; sandbox",
        "accept-ranges": "bytes",
    }
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    size = len(found.content)
    part = _RANGE.fullmatch(request.headers.get("range", ""))
    if part is None or part.group() == "bytes=-":
        return Response(found.content, media_type=found.media_type, headers=headers)
    first, last = _span(part, size)
    if first > last:
        return Response(status_code=416, headers={**headers, "content-range": f"bytes */{size}"})
    headers["content-range"] = f"bytes {first}-{last}/{size}"
    return Response(found.content[first : last + 1], 206, headers, found.media_type)


def _span(part: re.Match[str], size: int) -> tuple[int, int]:
    """The first and the last byte asked for: "10-19", "10-" to the end, or "-10", the last ten."""
    first, last = part.groups()
    if not first:
        return max(size - int(last), 0), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1
