"""What can go wrong with a store, each with the HTTP status that says so."""

from __future__ import annotations


class TrainboardError(Exception):
    """Anything trainboard refuses to do. The message names the thing and says what to do."""

    http_code = 500


class StoreNotFound(TrainboardError, FileNotFoundError):
    """There is no store at this place."""

    http_code = 404


class NotAStore(TrainboardError, ValueError):
    """There is something at this place, and it is not a trainboard store."""

    http_code = 422


class StoreTooNew(TrainboardError, RuntimeError):
    """The store was written by a newer trainboard than this one."""

    http_code = 409


class StoreUnavailable(TrainboardError, ConnectionError):
    """The store exists and cannot be read or written now: locked, read-only, full, or unreachable."""

    http_code = 503


class StoreConflict(StoreUnavailable):
    """Two transactions met, and this one gave way: nothing was written, and trying again will do."""


class StoreGone(StoreUnavailable):
    """The store's file was deleted or replaced while it was open; nothing was written."""

    http_code = 410


class SpoolGap(TrainboardError, ValueError):
    """Bytes of a spool were fed that do not follow what the store already has of it."""

    http_code = 409


class StoreRefused(TrainboardError, PermissionError):
    """A server does not let this program write to it."""

    http_code = 401


class TooLarge(TrainboardError, ValueError):
    """More in one piece than a server takes."""

    http_code = 413


class ProtocolMismatch(TrainboardError, RuntimeError):
    """A program and a server are of versions that do not understand one another."""

    http_code = 426


class RunNotFound(TrainboardError, LookupError):
    """The store has no such run."""

    http_code = 404


class SeriesNotFound(TrainboardError, LookupError):
    """The run has no such series."""

    http_code = 404


class BadChange(TrainboardError, ValueError):
    """What was asked to be changed cannot be so."""

    http_code = 422


class BadFilter(TrainboardError, ValueError):
    """A filter of runs that makes no sense; ``position`` is the index of the character where."""

    http_code = 422

    def __init__(self, what: str, position: int) -> None:
        super().__init__(f"The filter is wrong at character {position + 1}: {what}.")
        self.position = position


class RunIsLive(TrainboardError, ValueError):
    """The run is still being written to."""

    http_code = 409


class MissingExtra(TrainboardError, ImportError):
    """What was asked for needs a package that is not installed."""

    http_code = 501


class LogsNotFound(TrainboardError, FileNotFoundError):
    """There are no logs to follow at that place."""

    http_code = 404
