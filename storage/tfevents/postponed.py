"""Files with which something went wrong: told once, and left alone for longer each time."""

from __future__ import annotations

import logging
import time

from .followed import FileKey
from .pieces import TreeFile
from .tree import as_text

log = logging.getLogger(__name__)

_FIRST_S, _LONGEST_S = 1.0, 60.0


class Postponed:
    """When to try files again, by what the monotonic clock shows."""

    def __init__(self) -> None:
        self._until: dict[FileKey, float] = {}
        self._delays: dict[FileKey, float] = {}

    def is_waiting(self, file: TreeFile) -> bool:
        return self._until.get(file.key, 0.0) > time.monotonic()

    def add(self, file: TreeFile, error: Exception) -> None:
        """The file could not be read or stored; what nobody expected is logged with its traceback."""
        reason = (isinstance(error, OSError) and error.strerror) or f"{error}" or type(error).__name__
        if file.tree.unreadable.get(file.found.path) != reason:
            expected = isinstance(error, OSError)
            log.warning(
                "%s cannot be read: %s", as_text(file.found.path), reason, exc_info=not expected and error
            )
        file.tree.unreadable[file.found.path] = reason
        delay = self._delays.get(file.key, _FIRST_S)
        self._until[file.key] = time.monotonic() + delay
        self._delays[file.key] = min(2 * delay, _LONGEST_S)

    def forget(self, file: TreeFile) -> None:
        """The file could be read and stored."""
        if self._delays.pop(file.key, None) is not None:
            file.tree.unreadable.pop(file.found.path, None)
