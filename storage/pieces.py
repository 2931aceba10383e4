"""What windows gather piece by piece: the parts of a text, the images of a history.

The bytes of an image are kept as a blob, once however often it is shown.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, exists, insert, select

from .engine import in_groups, insert_new
from .schema import blobs, pieces, records

_DATA_URI = re.compile(r"data:([\w.+/-]*);base64,")


def append_pieces(
    connection: Connection, run_id: str, window_id: str, first: int, contents: Sequence[Any]
) -> None:
    """Append pieces to a window that has ``first`` of them already."""
    rows: list[dict[str, Any]] = []
    for number, content in enumerate(contents, first):
        kept, blob = _without_bytes(content)
        name = blob and hashlib.blake2b(blob, digest_size=20).hexdigest()
        if name:
            connection.execute(insert_new(connection, blobs), {"hash": name, "data": blob})
        place = {"run_id": run_id, "window_id": window_id, "number": number}
        rows.append({**place, "content": kept, "blob": name})
    connection.execute(insert(pieces), rows)


def read_pieces(connection: Connection, run_id: str, window_id: str) -> list[Any]:
    """The pieces of a window, in order, as they were given; images whose bytes are gone are left out."""
    mine = (pieces.c.run_id == run_id) & (pieces.c.window_id == window_id)
    rows = connection.execute(select(pieces).where(mine).order_by(pieces.c.number)).all()
    names = list({row.blob for row in rows if row.blob})
    found: dict[str, bytes] = {}
    for group in in_groups(names):
        query = select(blobs.c.hash, blobs.c.data).where(blobs.c.hash.in_(group))
        found |= {row.hash: row.data for row in connection.execute(query)}
    whole = (row for row in rows if row.blob is None or row.blob in found)
    return [_with_bytes(row.content, found[row.blob]) if row.blob else row.content for row in whole]


def drop_pieces(connection: Connection, run_id: str, window_ids: Sequence[str]) -> None:
    """Remove the pieces of windows, and the blobs that nothing else refers to."""
    mine = (pieces.c.run_id == run_id) & pieces.c.window_id.in_(window_ids)
    named = connection.scalars(select(pieces.c.blob).where(mine, pieces.c.blob.is_not(None)).distinct()).all()
    connection.execute(delete(pieces).where(mine))
    used = exists().where(records.c.blob == blobs.c.hash) | exists().where(pieces.c.blob == blobs.c.hash)
    for group in in_groups(named):
        connection.execute(delete(blobs).where(blobs.c.hash.in_(group), ~used))


def _without_bytes(content: Any) -> tuple[Any, bytes | None]:
    """An image's content with its bytes beside it, if its data URI is made again of them exactly."""
    source = content.get("src") if isinstance(content, dict) else None
    if not isinstance(source, str) or (match := _DATA_URI.match(source)) is None:
        return content, None
    try:
        data = base64.b64decode(source[match.end() :], validate=True)
    except binascii.Error:
        return content, None
    if _data_uri(match[1], data) != source:
        return content, None
    return {**content, "src": match[1]}, data


def _with_bytes(content: dict[str, Any], data: bytes) -> dict[str, Any]:
    return {**content, "src": _data_uri(content["src"], data)}


def _data_uri(media: str, data: bytes) -> str:
    return f"data:{media};base64,{base64.b64encode(data).decode()}"
