"""Runs out of a store as logs that TensorBoard shows, in a folder for each; also while they go on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ..errors import BadChange
from ..tag_filter import tag_filter
from .experiments import Experiments
from .export_run import RunExport
from .names import run_folders
from .target import Exported, Together

if TYPE_CHECKING:
    from ..store import Store

_PAUSE_S = 1.0


class Export:
    """An export that can be continued: see ``export_tensorboard``."""

    def __init__(
        self,
        store: Store,
        directory: str | os.PathLike[str],
        runs: Iterable[str] | None = None,
        tags: Iterable[str] | None = None,
    ) -> None:
        self.counts = Exported()
        self._experiments = Experiments(store)
        self._store = store
        self._root = Path(directory)
        self._wanted_runs = None if runs is None else list(runs)
        self._wanted_tag = tag_filter(tags)
        self._folders: dict[str, PurePosixPath] = {}
        self._runs: dict[str, RunExport] = {}
        self._seen: dict[str, tuple[int, str]] = {}
        self._stack = ExitStack()
        for run in self._wanted_runs or ():
            store.run(run)  # says which there are

    def __enter__(self) -> Export:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def write_new(self, told: Callable[[Exported], None] = lambda counts: None) -> bool:
        """Write what came since the last time, a run after the other; tell after each. Whether any did."""
        try:
            return self._write_new(told)
        except OSError as error:
            raise BadChange(
                f"'{error.filename or self._root}' cannot be written: {error.strerror}."
            ) from error

    def follow(self) -> None:
        """Go on writing what comes, once a second, until interrupted."""
        while True:
            self.write_new()
            time.sleep(_PAUSE_S)

    def _write_new(self, told: Callable[[Exported], None]) -> bool:
        found = self._store.runs(archived=True, ids=self._wanted_runs)
        now = {run.id: (run.revision, run.status) for run in found}
        changed = [run for run in found if self._seen.get(run.id) != now[run.id]]
        self._folders = run_folders(changed, self._folders)
        self._experiments.look(found)
        together = Together(self.counts, self._experiments)
        for run in reversed(changed):
            if run.id not in self._runs:
                folder = self._root / self._folders[run.id]
                export = RunExport(self._store, run.id, folder, self._wanted_tag, together)
                self._stack.callback(export.close)
                self._runs[run.id] = export
                self.counts.runs += 1
            self._runs[run.id].write_new()
            told(self.counts)
        self._seen |= {run.id: now[run.id] for run in changed}
        return bool(changed)
