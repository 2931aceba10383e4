"""The files of a tree of logs: which runs there are, and what each of them keeps in which file.

A run is a folder that holds an event file, named by its path below the top, as TensorBoard has it. Two
differences: hidden files are left out, because rsync keeps what has not arrived yet in these, and a folder
that several links lead to is one run.
"""

from __future__ import annotations

import logging
import os
import re
import stat
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from ..errors import LogsNotFound, MissingExtra

log = logging.getLogger(__name__)

FileKind = Literal["events", "projector", "profile"]
PROJECTOR_CONFIG = "projector_config.pbtxt"
TOP = "."
_PROFILE = re.compile(r"(?:(.*)/)?plugins/profile/([^/]+/[^./][^/]*\.(?:json\.gz|json|pb))")


@dataclass(frozen=True)
class FoundFile:
    """A file of a run. ``path`` is the one to read it by, ``name`` its path in the run's folder, as text.

    ``identity`` tells it from another that takes its place, where the file system can tell.
    """

    run: str
    name: str
    path: str
    kind: FileKind
    size: int
    modified: float
    identity: str


class Tree(Protocol):
    """A tree of files. ``location`` is its address, ``unreadable`` what could not be looked into."""

    location: str
    unreadable: dict[str, str]

    def files(self) -> Iterator[FoundFile]: ...

    def read(self, path: str, start: int, stop: int) -> bytes: ...

    def next_data(self, path: str, position: int, size: int) -> int:
        """Where the next bytes may be that are not zero; ``size`` if there is only a hole."""
        ...


def open_tree(location: str) -> Tree:
    """The tree at a path, or at an address that fsspec knows (``s3://…``).

    Raises ``LogsNotFound`` if there is no folder, and ``MissingExtra`` without fsspec.
    """
    if "://" in location and not location.startswith("file://"):
        return RemoteTree(location)
    return LocalTree(location.removeprefix("file://"))


def told_by_path(path: str) -> tuple[str, str, FileKind] | None:
    """The run, the name and the kind of the file at a path below the top; None for one that is no log."""
    folder, _, name = path.rpartition("/")
    if "tfevents" in name and not name.startswith("."):
        return folder or TOP, as_text(name), "events"
    if name == PROJECTOR_CONFIG:
        return folder or TOP, name, "projector"
    if match := _PROFILE.fullmatch(path):
        return match[1] or TOP, as_text(f"plugins/profile/{match[2]}"), "profile"
    return None


def as_text(path: str) -> str:
    """A path that may be any bytes, as text that a store can hold."""
    return path.encode("utf-8", "backslashreplace").decode()


class LocalTree:
    """A folder of this machine. Links are followed, each folder is looked into once."""

    def __init__(self, location: str) -> None:
        self.location = os.path.realpath(os.path.expanduser(location))
        self.unreadable: dict[str, str] = {}
        if not os.path.isdir(self.location):
            raise LogsNotFound(f"There is no folder '{location}'; give the one your logs are in.")

    def files(self) -> Iterator[FoundFile]:
        waiting = deque([(self.location, "")])
        seen: set[tuple[int, int]] = set()
        while waiting:
            folder, below = waiting.popleft()
            links: list[tuple[str, str]] = []
            try:
                about = os.stat(folder)
                if (about.st_dev, about.st_ino) in seen:
                    continue
                seen.add((about.st_dev, about.st_ino))
                with os.scandir(folder) as entries:
                    for entry in sorted(entries, key=lambda one: one.name):
                        path = f"{below}/{entry.name}" if below else entry.name
                        if entry.is_dir():
                            (links if entry.is_symlink() else waiting).append((entry.path, path))
                        elif (told := told_by_path(path)) and (found := self._found(entry, told)):
                            yield found
                self.unreadable.pop(folder, None)
            except OSError as error:
                self._refused(folder, error)
            waiting.extend(links)

    def _found(self, entry: os.DirEntry[str], told: tuple[str, str, FileKind]) -> FoundFile | None:
        try:
            about = entry.stat()
        except OSError as error:
            self._refused(entry.path, error)
            return None
        if not stat.S_ISREG(about.st_mode):
            return None
        identity = f"{about.st_dev}:{about.st_ino}"
        run, name, kind = told
        return FoundFile(run, name, entry.path, kind, about.st_size, about.st_mtime, identity)

    def _refused(self, path: str, error: OSError) -> None:
        if path not in self.unreadable:
            log.warning("%s cannot be read: %s", as_text(path), error.strerror or error)
        self.unreadable[path] = error.strerror or str(error)

    def read(self, path: str, start: int, stop: int) -> bytes:
        with open(path, "rb", buffering=0) as file:
            return os.pread(file.fileno(), stop - start, start)

    def next_data(self, path: str, position: int, size: int) -> int:
        with open(path, "rb", buffering=0) as file:
            try:
                return os.lseek(file.fileno(), position, os.SEEK_DATA)
            except OSError:  # ENXIO: a hole up to the end
                return size


class RemoteTree:
    """A tree on anything that fsspec knows: S3, Google's storage, the memory of this program."""

    def __init__(self, location: str) -> None:
        try:
            import fsspec
        except ImportError as error:
            raise MissingExtra(f"'{location}' needs fsspec: pip install 'trainboard[remote]'.") from error
        self.location = location.rstrip("/")
        self.unreadable: dict[str, str] = {}
        try:
            self._files, self._root = fsspec.url_to_fs(self.location)
        except (ImportError, ValueError) as error:
            raise LogsNotFound(f"'{location}' cannot be opened: {error}") from error

    def files(self) -> Iterator[FoundFile]:
        self._files.invalidate_cache()
        root = self._root.rstrip("/")
        try:
            found: dict[str, dict[str, Any]] = self._files.find(root, detail=True)
        except OSError as error:
            self.unreadable[self.location] = str(error)
            return
        for path, about in sorted(found.items()):
            told = told_by_path(path.removeprefix(root).lstrip("/"))
            if told and about.get("type", "file") == "file":
                run, name, kind = told
                size, modified = int(about.get("size") or 0), _modified(about)
                yield FoundFile(run, name, path, kind, size, modified, "")

    def read(self, path: str, start: int, stop: int) -> bytes:
        return self._files.cat_file(path, start=start, end=stop)

    def next_data(self, path: str, position: int, size: int) -> int:
        return position


def _modified(about: dict[str, Any]) -> float:
    """When a file was changed, in seconds since the epoch; 0 where its file system does not tell."""
    for name in ("mtime", "LastModified", "updated", "last_modified", "created"):
        told = about.get(name)
        if isinstance(told, datetime):
            return told.timestamp()
        if isinstance(told, int | float):
            return float(told)
    return 0.0
