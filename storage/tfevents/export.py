"""The way out of a store as logs that TensorBoard shows."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..store import Store
    from .target import Exported


def export_tensorboard(
    store: Store,
    directory: str | os.PathLike[str],
    runs: Iterable[str] | None = None,
    tags: Iterable[str] | None = None,
) -> Exported:
    """Write runs (by id; all, if left out) to folders below ``directory``, each called like its run.

    ``tags`` are those wanted, or patterns of them with ``*`` and ``?``. What an export of the same runs
    wrote there is replaced. Raises ``RunNotFound``, ``BadChange`` where other logs are in the way or
    nothing can be written, and ``StoreUnavailable``.
    """
    from .export_store import Export  # TensorBoard's protobufs take a second to load

    with Export(store, directory, runs, tags) as export:
        export.write_new()
        return export.counts
