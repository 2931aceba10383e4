"""Folders for runs, called like these as far as can be: TensorBoard calls a run what its folder is called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from ..series import RunRecord

_LONGEST = 200  # bytes; file systems take 255 in a name
_UNSAFE = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|\ud800-\udfff]')


def safe_path(name: str) -> PurePosixPath:
    """A relative path within a folder like a name; ``/`` in it makes folders. It may be empty."""
    parts = (_UNSAFE.sub("_", part).strip() for part in name.split("/"))
    kept = (part.encode()[:_LONGEST].decode(errors="ignore") for part in parts if part not in ("", ".", ".."))
    return PurePosixPath(*kept)


def run_folders(runs: Iterable[RunRecord], taken: Mapping[str, PurePosixPath]) -> dict[str, PurePosixPath]:
    """For each run, by id, a folder of its own: of several with one name the oldest gets it.

    The others get the beginning of their id after it. ``taken`` are folders given out before.
    """
    folders = dict(taken)
    used = {str(folder).casefold() for folder in folders.values()}
    for run in sorted(runs, key=lambda run: (run.created_at, run.id)):
        if run.id in folders:
            continue
        name = safe_path(run.name)
        candidates = (name, *(name.with_name(f"{name.name}-{safe_path(run.id[:n]).name}") for n in (8, 400)))
        folder = next(path for path in candidates if path.name and str(path).casefold() not in used)
        folders[run.id] = folder
        used.add(str(folder).casefold())
    return folders
