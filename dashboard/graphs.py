"""The graphs that pages look at: read from the store once, or opened from a file, and kept for a while."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.exceptions import HTTPException

from ..storage.run_rows import clean_text
from .cards import graph as card
from .cards import graph_statistics
from .cards.graph_changes import difference
from .cards.graph_tree import Tree

if TYPE_CHECKING:
    from ..storage import Store
    from ..storage.kinds.graph import Graph
    from .cards.graph_colors import Health

MOST_NODES = 500_000
"""How many nodes are kept in memory, of all graphs together; the newest graph is kept whatever its size."""
FILE = "file:"


class Source(NamedTuple):
    """Which graph: of a run its ``version``-th, or of a file; compared with the run's ``against``-th."""

    run: str
    version: int = -1
    against: int | None = None

    @classmethod
    def asked(cls, asked: Any) -> Source:
        """As a page says it. Raises ``KeyError``, ``TypeError`` or ``ValueError``."""
        against = asked.get("against")
        version = int(asked.get("version", -1))
        return cls(clean_text(str(asked["run"])), version, None if against is None else int(against))


@dataclass(frozen=True)
class Shown:
    """A graph to look at, and what became of its nodes if two versions of it are compared."""

    tree: Tree
    changes: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)


class Graphs:
    """The graphs of a store's runs, and those of files that people opened, which are only kept here."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._kept: OrderedDict[tuple[Any, ...], Shown] = OrderedDict()
        self._lock = threading.Lock()
        self._making = threading.Lock()

    def versions(self, run_id: str) -> list[int]:
        """The steps at which a run logged its graphs."""
        return self.store.record_index(run_id, card.TAG, "graph")[0].tolist()

    def shown(self, source: Source) -> Shown:
        """The graph that is asked for. Raises ``HTTPException``, or what the store raises, if none is."""
        if source.run.startswith(FILE):
            shown = self._known((source.run,))
            if shown is None:
                raise HTTPException(404, "This file is no longer held here; open it again.")
            return shown
        count = len(self.versions(source.run))
        version = source.version % count if count and -count <= source.version < count else -1
        if version < 0:
            raise HTTPException(404, "This run has no such graph.")
        if source.against is None or not 0 <= source.against < version:
            return self._cached((source.run, version), lambda: Shown(Tree(self._read(source.run, version))))
        against = source.against
        return self._cached(
            (source.run, version, against), lambda: self._compared(source.run, against, version)
        )

    def keep(self, name: str, graph: Graph) -> str:
        """Hold the graph of a file; returns what it is asked for by."""
        key = f"{FILE}{name}"
        self._cached((key,), lambda: Shown(Tree(graph)))
        return key

    def health(self, source: Source, tree: Tree) -> Health:
        """For each node ``graph_statistics.health``; nothing of a file, or where nothing was watched."""
        if source.run.startswith(FILE):
            return []
        outputs, gradients = (
            graph_statistics.read(self.store, source.run, one) for one in ("activations", "gradients")
        )
        if not outputs.layers and not gradients.layers:
            return []
        return [graph_statistics.health(node, outputs, gradients) for node in tree.graph.nodes]

    def _read(self, run_id: str, version: int) -> Graph:
        graph = card.read(self.store, run_id, version)
        if graph is None:
            raise HTTPException(404, "This run has no such graph.")
        return graph

    def _compared(self, run_id: str, before: int, after: int) -> Shown:
        found = difference(self._read(run_id, before), self._read(run_id, after))
        return Shown(Tree(found.graph), found.nodes, found.words)

    def _cached(self, key: tuple[Any, ...], make: Callable[[], Shown]) -> Shown:
        found = self._known(key)
        if found is None:
            # A page asks several things of one graph at once, and one that is large fills enough memory.
            with self._making:
                found = self._known(key)
                if found is None:
                    found = make()
                    self._keep(key, found)
        return found

    def _known(self, key: tuple[Any, ...]) -> Shown | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _keep(self, key: tuple[Any, ...], shown: Shown) -> None:
        with self._lock:
            self._kept[key] = shown
            nodes = sum(len(one.tree.graph.nodes) for one in self._kept.values())
            while nodes > MOST_NODES and len(self._kept) > 1:
                nodes -= len(self._kept.popitem(last=False)[1].tree.graph.nodes)
