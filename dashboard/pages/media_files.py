"""``GET /api/v1/media/{kind}/{digest}``: the bytes of a record, which never change under their address."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .. import asked
from ..cards import audio, image, raw, sound, trace, video
from ..cards.record import ROUTE, File, digest, read, steps
from .step_slider import spread

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
PARTS: Mapping[str, Callable[[Any, int], File | None]] = {"image": image.mask, "audio": sound.part}
"""What else browsers get of a record: parts of it by number, or None where there is no such part."""
_LAST_STEP = 2.0**62
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def routes(store: Store) -> list[BaseRoute]:
    """``?run=&tag=&rank=&index=`` name a record; one range of its bytes is served, if asked.

    With ``part=`` it is what belongs to a record: a mask of an image, the picture of a sound.
    """

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
        if "part" in request.query_params:
            found = await asyncio.to_thread(_part, kind, record.value, asked.place(request, "part"))
        return _respond(request, found)

    async def picture(request: Request) -> Response:
        """``?run=&tag=&rank=&step=``: the image at a step, by its address, and all steps there are."""
        run, tag = asked.text(request, "run"), asked.text(request, "tag")
        rank, step = asked.place(request, "rank", "0"), int(asked.number(request, "step", _LAST_STEP))
        return JSONResponse(await asyncio.to_thread(_picture, store, run, tag, rank, step))

    return [Route(ROUTE, media), Route("/api/v1/picture", picture)]


def _part(kind: str, value: Any, number: int) -> File:
    found = PARTS[kind](value, number) if kind in PARTS else None
    if found is None:
        raise HTTPException(404, f"This {kind} has no such part.")
    return found


def _picture(store: Store, run: str, tag: str, rank: int, step: int) -> dict[str, Any]:
    shown = read(store, "image", run, tag, step, rank)
    if shown is None or image.file(shown.record.value) is None:
        raise HTTPException(404, "There is no image at or before this step.")
    width, height = image.size(shown.record.value.png)
    if width * height > image.MAX_PIXELS:
        raise HTTPException(413, f"The image at step {shown.record.step:,} has too many pixels to show.")
    every = spread(steps(store, "image", run, tag, rank).tolist())
    source = shown.url(shown.record.value.png)
    return {"src": source, "width": width, "height": height, "step": shown.record.step, "steps": every}


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
