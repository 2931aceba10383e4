"""What is told of an error to who asked: what went wrong, but no path, no other run's id, no traceback."""

from __future__ import annotations

import logging

from starlette.responses import JSONResponse

from ..storage.errors import (
    BadChange,
    BadFilter,
    ProtocolMismatch,
    RunIsLive,
    RunNotFound,
    SeriesNotFound,
    SpoolGap,
    StoreGone,
    StoreTooNew,
    StoreUnavailable,
    TooLarge,
    TrainboardError,
)

_SAID_AS_IT_IS = (BadChange, BadFilter, ProtocolMismatch, RunIsLive, SpoolGap, TooLarge)
_SAID: tuple[tuple[type[TrainboardError], str], ...] = (
    (RunNotFound, "There is no such run."),
    (SeriesNotFound, "There is no such series."),
    (StoreGone, "The store was deleted or moved away; it is used again as soon as it is back."),
    (StoreUnavailable, "The store cannot be used now; the server's log says why."),
    (StoreTooNew, "The store needs a newer trainboard; the server's log says more."),
)
_UNKNOWN = "The server failed to answer; its log says why."

NO_SUCH_FILE = JSONResponse({"error": "Not Found", "message": "There is no such file."}, 404)

_log = logging.getLogger("trainboard.dashboard")


def told(error: TrainboardError) -> str:
    """A sentence for the one who asked; the error's own, with its paths, goes to the log."""
    if isinstance(error, _SAID_AS_IT_IS):
        return str(error)
    if error.http_code >= 500:
        _log.warning("%s", error)
    return next((said for kind, said in _SAID if isinstance(error, kind)), _UNKNOWN)
