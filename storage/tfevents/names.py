"""What TensorBoard is to call things: a run what its folder is called, a tag what it is called once."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from pathlib import PurePath, PurePosixPath
from typing import TypeVar

from ..series import RunRecord, SeriesKey

P = TypeVar("P", bound=PurePath)
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


def rank_folder(folder: P, rank: int) -> P:
    """The folder of one rank of a run: the first has the run's own."""
    return folder / f"rank_{rank}" if rank else folder


def shown_tag(key: SeriesKey, taken: Container[tuple[int, str]]) -> str:
    """A series' tag, with its kind after it if it is ``taken``, by rank and tag, by one of another kind.

    TensorBoard shows a tag as one kind only. Scalars keep theirs, and must come before all others.
    """
    is_free = key.kind in ("scalar", "raw") or (key.rank, key.tag) not in taken
    return key.tag if is_free else f"{key.tag}/{key.kind}"
