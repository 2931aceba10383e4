"""The events in a trace's bytes, one after the other: however many there are, few are held at once."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from . import xplane

MAX_BYTES = 512 << 20
"""So much of unpacked JSON is looked into."""

MAX_XPLANE = 32 << 20
"""A profile of XLA is a fifth to a third as large as the JSON that says the same."""

MAX_EVENT = 8 << 20
"""Of JSON, so long may be what comes before the events, and each of them."""
_PIECE = 1 << 20
_BEGIN = re.compile(r'\s*\[|\s*\{.*?"traceEvents"\s*:\s*\[', re.DOTALL)
_BETWEEN = re.compile(r"[\s,]+")
_DECODER = json.JSONDecoder()


class BadTrace(ValueError):
    """A trace that cannot be looked into; the message says why, and what still can be done."""


class Content:
    """Iterates over the events of gzipped JSON in Chrome's format, or of a profile of XLA.

    Raises ``BadTrace`` for bytes that are neither. ``tell`` is told which share of gzipped bytes is read.
    Once it is over, ``note`` says in words if that was before the end.
    """

    def __init__(
        self, data: bytes, is_xplane: bool = False, tell: Callable[[float], None] = lambda share: None
    ) -> None:
        self._data = data
        self._is_xplane = is_xplane
        self._tell = tell
        self.note = ""

    def __iter__(self) -> Iterator[Any]:
        return self._xplane() if self._is_xplane else self._json()

    def _xplane(self) -> Iterator[Any]:
        if len(self._data) > MAX_XPLANE:
            limit = MAX_XPLANE >> 20
            raise BadTrace(f"This profile is larger than {limit} MB: too large to be summed up here.")
        try:
            yield from xplane.events(self._data)
        except xplane.BadProfile as error:
            raise BadTrace(f"This profile is damaged: {error}.") from error

    def _json(self) -> Iterator[Any]:
        pieces = self._unpacked()
        text = _begun(pieces)
        at = 0
        while True:
            if between := _BETWEEN.match(text, at):
                at = between.end()
            if text.startswith("]", at):
                break
            try:
                event, at = _DECODER.raw_decode(text, at)
            except RecursionError as error:
                raise BadTrace("This trace is not JSON that can be read.") from error
            except ValueError:
                more = next(pieces, "") if len(text) - at < MAX_EVENT else ""
                if not more:
                    self.note = self.note or "This trace ends early; what is there is shown."
                    return
                text, at = text[at:] + more, 0
            else:
                yield event
        for _ in pieces:
            pass

    def _unpacked(self) -> Iterator[str]:
        """The text, piece by piece."""
        unpacker = zlib.decompressobj(wbits=31)
        data, size = self._data, 0
        try:
            while data and not unpacker.eof:
                piece = unpacker.decompress(data, _PIECE)
                data = unpacker.unconsumed_tail
                self._tell(1 - len(data) / len(self._data))
                size += len(piece)
                if size > MAX_BYTES:
                    self.note = f"Only the first {MAX_BYTES >> 20} MB of this trace are summed up."
                    return
                # What is not ASCII is escaped in all profilers' traces; a letter that two pieces share
                # is in a name, of which a part is lost.
                yield piece.decode("utf-8", "replace")
        except zlib.error as error:
            if not size:
                raise BadTrace("This trace is damaged: its bytes are not gzipped.") from error
        if not unpacker.eof:
            self.note = "This trace ends early; what is there is shown."


def _begun(pieces: Iterator[str]) -> str:
    """The text from the first event on. Raises ``BadTrace`` if there is no list of events."""
    text = ""
    for piece in pieces:
        text += piece
        if found := _BEGIN.match(text):
            return text[found.end() :]
        if len(text) > MAX_EVENT:
            break
    if not text.strip():
        raise BadTrace("This trace is empty.")
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadTrace("This trace is not JSON that can be read.") from error
    raise BadTrace("This is JSON, but not a trace: it has no list of traceEvents.")
