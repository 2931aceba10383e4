"""Notices when a PyTorch model executes other modules than before, or the same on other shapes.

While the model runs, a hook that PyTorch calls for every module notes which one it was and the shape
that came out. Nothing else happens as long as the hash of these notes is a known one.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.nn.modules.module import register_module_forward_hook
from torch.utils.hooks import RemovableHandle

from ..storage.kinds.event import Event
from ..storage.kinds.graph import Graph
from .graph_changes import GraphChanges, Shape
from .guard import Guard
from .torch_graph import NextPass, capture_next, hooked, inner
from .torch_hook import OwnHook
from .warn import warn

MOST_EVENTS = 20
MOST_TRIES = 20
_MOST_KNOWN = 100_000
_FOLLOWING = "following the graph"

Call = tuple[torch.nn.Module, Shape]


class TorchFollow:
    """Follows one model until ``close()``, or until it has changed ``MOST_EVENTS`` times.

    ``tell`` gets an event when a sequence of modules is executed that never was before, and once when
    a length of a shape turns out to vary, that of the batch excepted. ``draw`` gets the graph of each
    of these, recorded the next time that it is executed; of the first one only if ``draw_first``.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        tell: Callable[[Event], None],
        draw: Callable[[Graph], None],
        *,
        draw_first: bool,
    ) -> None:
        self._model = inner(model)
        self._tell = tell
        self._draw = draw
        self._draws_first = draw_first
        self._guard = Guard()
        self._depth = 0
        self._error_before: BaseException | None = None
        self._calls: list[Call] = []
        self._calls_before: list[Call] = []
        self._known: dict[int, int] = {}
        self._shapes: dict[int, dict[str, Shape]] = {}
        self._sequence = 0
        self._wanted: set[int] = set()
        self._events = self._tries = 0
        self._noting: RemovableHandle | None = None
        self._recording: NextPass | None = None
        self._called = hooked(model)
        self._hooks = [
            self._called.register_forward_pre_hook(OwnHook(self._start)),
            self._called.register_forward_hook(OwnHook(self._finish), always_call=True),
        ]
        if draw_first:
            self._record()

    def close(self) -> None:
        self._leave()
        if self._recording is not None:
            self._recording.close()

    def _leave(self) -> None:
        for hook in self._hooks:
            hook.remove()
        self._stop_noting()

    def _start(self, model: torch.nn.Module, args: Any) -> None:
        self._depth += 1
        if self._depth == 1 and not torch.compiler.is_compiling():
            self._error_before = sys.exc_info()[1]
            self._calls_before, self._calls = self._calls, []
            self._noting = register_module_forward_hook(self._note)

    def _note(self, module: torch.nn.Module, args: Any, output: Any) -> None:
        with self._guard(_FOLLOWING):
            if type(output) is tuple and output:
                output = output[0]
            self._calls.append((module, output.shape if isinstance(output, torch.Tensor) else None))

    def _finish(self, model: torch.nn.Module, args: Any, output: Any) -> None:
        self._depth -= 1
        if self._depth or self._noting is None:
            return
        self._stop_noting()
        if sys.exc_info()[1] is not self._error_before:
            return
        with self._guard(_FOLLOWING):
            self._compare()

    def _stop_noting(self) -> None:
        if self._noting is not None:
            self._noting.remove()
            self._noting = None

    def _compare(self) -> None:
        fingerprint = hash(tuple(self._calls))
        sequence = self._known.get(fingerprint)
        if sequence is None:
            sequence = self._meet(_named(self._model, self._calls))
            if len(self._known) < _MOST_KNOWN:
                self._known[fingerprint] = sequence
        self._sequence = sequence
        if self._wanted and self._tries and self._recording is None and self._events < MOST_EVENTS:
            self._record()

    def _meet(self, nodes: dict[str, Shape]) -> int:
        """Tell what is new in a pass that was not seen before; the number of its sequence of modules."""
        sequence = hash(tuple(nodes))
        is_first, known = not self._shapes, self._shapes.get(sequence)
        self._shapes[sequence] = nodes if known is None else _widened(known, nodes)
        before = _named(self._model, self._calls_before) if known is None else known
        changes = GraphChanges.between(before, nodes)
        if is_first or known is None or changes.shapes:
            if self._draws_first or not is_first:
                self._wanted.add(sequence)
                self._tries = MOST_TRIES
            if not is_first:
                self._change(changes)
        return sequence

    def _change(self, changes: GraphChanges) -> None:
        name = type(self._model).__name__
        self._tell(changes.event(name))
        self._events += 1
        if self._events == MOST_EVENTS:
            warn(f"the graph of {name} has changed {MOST_EVENTS} times and is not followed any longer")
            self._leave()

    def _record(self) -> None:
        self._recording = capture_next(self._called, self._recorded)

    def _recorded(self, graph: Graph) -> None:
        self._recording = None
        self._tries -= 1
        if graph.partial or self._sequence in self._wanted:
            self._wanted.discard(self._sequence)
            self._draw(graph)
        elif self._tries:
            self._record()


def _named(model: torch.nn.Module, calls: Iterable[Call]) -> dict[str, Shape]:
    """Shapes by module path; a module's second call is ``fc#2``, one that is not the model's has its type."""
    paths = {module: path.replace(".", "/") for path, module in model.named_modules()}
    count: Counter[str] = Counter()
    nodes: dict[str, Shape] = {}
    for module, shape in calls:
        name = paths.get(module) or type(module).__name__
        count[name] += 1
        nodes[name if count[name] == 1 else f"{name}#{count[name]}"] = shape
    return nodes


def _widened(known: dict[str, Shape], nodes: dict[str, Shape]) -> dict[str, Shape]:
    """``known`` with None for every length that ``nodes`` has otherwise."""
    return {name: _common(known[name], shape) for name, shape in nodes.items()}


def _common(one: Shape, other: Shape) -> Shape:
    if one is None or other is None or len(one) != len(other):
        return other
    return tuple(a if a == b else None for a, b in zip(one, other, strict=True))
