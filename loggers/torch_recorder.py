"""Records what a PyTorch forward pass really does, as the nodes and edges of a graph.

Module hooks tell which module is running; a ``TorchFunctionMode`` sees every operator, method and
functional call in between. Tensors tie them together by identity, so any control flow is recorded
as it happened, loops unrolled.
"""

from __future__ import annotations

import inspect
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import Any, NamedTuple

import torch
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from ..storage.kinds.graph import Edge, Graph, Node
from .guard import Guard
from .torch_calls import call_attributes, is_leaf, module_attributes, op_name, shape_label, tensors_in
from .torch_flops import FlopCount

MOST_NODES = 20_000
_RECORDING = "recording the graph"


class _Read(NamedTuple):
    """A tensor given to a call, the node it came from, and how often it had been written to."""

    tensor: torch.Tensor
    source: str | None
    version: int | None


class _Running(NamedTuple):
    """A module that is running.

    ``path`` is its place in the graph, ``error`` what was being handled as it was called, ``reads``
    what it was given if it is drawn as one node, None if it is a scope. ``began`` is when, in seconds.
    """

    module: torch.nn.Module
    path: str
    error: BaseException | None
    reads: list[_Read] | None
    began: float = 0.0


class Recorder(TorchFunctionMode):
    """Records one forward pass of ``model``, between entering and leaving it as a context manager.

    Call ``begin`` with the pass's arguments, then ``end`` with its output or ``fail`` with its
    error, then take ``graph()``. With ``part_identities`` a layer that returns its very input
    returns an alias of it instead, which tells the two apart; the pass must then be ours alone.
    """

    def __init__(self, model: torch.nn.Module, *, part_identities: bool) -> None:
        super().__init__()
        self._model = model
        self._paths = {module: path for path, module in model.named_modules()}
        self._part_identities = part_identities
        self._guard = Guard()
        self._flops = FlopCount()
        self._entered = ExitStack()
        self._running = [_Running(model, "", None, None)]
        self._nodes: list[Node] = []
        self._edges: dict[tuple[str, str, str], Edge] = {}
        self._sources = WeakTensorKeyDictionary()
        self._names: Counter[str] = Counter()
        self._counted: dict[int, str] = {}
        self._failed_in: str | None = None
        self._partial: str | None = None

    def __enter__(self) -> Recorder:
        with ExitStack() as entered:
            for module in self._paths:
                if module is not self._model and not isinstance(module, torch.jit.ScriptModule):
                    before = module.register_forward_pre_hook(self._enter_module, with_kwargs=True)
                    entered.callback(before.remove)
                    after = module.register_forward_hook(
                        self._leave_module, with_kwargs=True, always_call=True
                    )
                    entered.callback(after.remove)
            # What is compiled hides its operations: for this one pass it runs as it was written.
            if hasattr(torch.compiler, "set_stance"):
                entered.enter_context(torch.compiler.set_stance("force_eager"))
            entered.enter_context(self._flops)
            super().__enter__()
            self._entered = entered.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._entered.close()

    def begin(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Draw an Input node for every tensor among the arguments, named as ``forward`` names it."""
        for name, value in self._arguments(args, kwargs).items():
            tensors = tensors_in(value)
            for index, tensor in enumerate(tensors):
                node = self._unique(name if len(tensors) == 1 else f"{name}.{index}")
                self._draw(node, "Input", [], [tensor])

    def end(self, output: Any) -> None:
        """Draw an Output node for every tensor that the pass returned."""
        for read in self._read(output):
            self._draw(self._unique("output"), "Output", [read], [read.tensor])

    def fail(self, error: BaseException) -> None:
        """Keep what was drawn up to ``error``, and say where it was raised."""
        where = self._failed_in or type(self._model).__name__
        self._partial = f"{type(error).__name__} in {where}: {error}"

    def graph(self) -> Graph:
        return Graph(
            nodes=self._nodes,
            edges=list(self._edges.values()),
            framework="torch",
            name=type(self._model).__name__,
            partial=self._partial,
        )

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if self._running[-1].reads is not None:
            return func(*args, **kwargs)
        reads: list[_Read] = []
        with self._guard(_RECORDING):
            reads = self._read((args, kwargs))
        self._flops.take()
        began = time.perf_counter()
        result = func(*args, **kwargs)
        took = time.perf_counter() - began
        with self._guard(_RECORDING):
            outputs = _fresh(reads, result) or _mutated(reads)
            if outputs:
                op = op_name(func)
                node = self._unique(_join(self._running[-1].path, op))
                owned = self._count(node, (read.tensor for read in reads))
                self._draw(node, op, reads, outputs, owned, call_attributes(args, kwargs), took)
        return result

    def _enter_module(self, module: torch.nn.Module, args: Any, kwargs: Any) -> None:
        if self._running[-1].reads is not None:
            return
        with self._guard(_RECORDING):
            path = self._unique(self._place(module))
            reads = self._read((args, kwargs)) if is_leaf(module) else None
            self._flops.take()
            self._running.append(_Running(module, path, sys.exc_info()[1], reads, time.perf_counter()))

    def _leave_module(self, module: torch.nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
        running = self._running[-1]
        if running.module is not module:
            return None
        if sys.exc_info()[1] is not running.error and self._failed_in is None:
            self._failed_in = running.path
        if running.reads is not None:
            with self._guard(_RECORDING):
                output = self._draw_leaf(running, running.reads, output)
        self._running.pop()
        return output

    def _draw_leaf(self, running: _Running, reads: list[_Read], output: Any) -> Any:
        took, module, path = time.perf_counter() - running.began, running.module, running.path
        if self._part_identities and any(output is read.tensor for read in reads) and not _mutated(reads):
            output = output.view_as(output)
        outputs = _fresh(reads, output) or _mutated(reads)
        owned = self._count(path, module.parameters())
        self._draw(path, type(module).__name__, reads, outputs, owned, module_attributes(module), took)
        return output

    def _draw(
        self,
        node: str,
        op: str,
        reads: list[_Read],
        outputs: list[torch.Tensor],
        owned: tuple[int, str | None] = (0, None),
        attributes: dict[str, str] | None = None,
        took: float | None = None,
    ) -> None:
        if len(self._nodes) >= MOST_NODES:
            self._partial = f"only the first {MOST_NODES:,} operations are drawn"
            return
        scope, _, name = node.rpartition("/")
        shapes: list[list[int | None]] = [list(tensor.shape) for tensor in outputs]
        dtypes = [str(tensor.dtype).removeprefix("torch.") for tensor in outputs]
        flops = None if op in ("Input", "Output") else self._flops.take()
        parameters, shares = owned
        # Other devices compute while the program goes on: what passed here is not their time.
        seconds = took if all(tensor.device.type == "cpu" for tensor in outputs) else None
        told = (attributes or {}, flops, seconds, shares)
        self._nodes.append(Node(node, name, op, scope, shapes, dtypes, parameters, *told))
        for read in reads:
            if read.source is not None:
                edge = Edge(read.source, node, shape_label(read.tensor))
                self._edges.setdefault((edge.source, edge.target, edge.label), edge)
        if op != "Output":
            self._trace(node, outputs, _mutated(reads))

    def _trace(self, node: str, outputs: list[torch.Tensor], mutated: list[torch.Tensor]) -> None:
        """From here on ``outputs`` come from ``node``, and so does what it wrote to, seen through views."""
        for tensor in outputs:
            self._sources[tensor] = node
        for tensor in mutated:
            self._sources[tensor] = node
            if tensor._base is not None:
                self._sources[tensor._base] = node

    def _read(self, arguments: Any) -> list[_Read]:
        return [
            _Read(tensor, self._sources.get(tensor), _version(tensor)) for tensor in tensors_in(arguments)
        ]

    def _count(self, node: str, tensors: Iterable[torch.Tensor]) -> tuple[int, str | None]:
        """How many parameters are among ``tensors`` that no node has counted, so that nodes add up.

        And the node that counted the first of the others, None if ``node`` is the first to use them all.
        """
        fresh: dict[int, int] = {}
        shares = None
        for tensor in tensors:
            if isinstance(tensor, torch.nn.Parameter):
                counted_by = self._counted.setdefault(id(tensor), node)
                if counted_by == node:
                    fresh[id(tensor)] = tensor.numel()
                else:
                    shares = shares or counted_by
        return sum(fresh.values()), shares

    def _place(self, module: torch.nn.Module) -> str:
        """Inside the module that is running if ``module`` is a part of it, else where it is at home."""
        running = self._running[-1]
        path, home = self._paths[module], self._paths[running.module]
        if path.startswith(f"{home}.") or not home:
            path = _join(running.path, path[len(home) :].lstrip("."))
        return path.replace(".", "/")

    def _unique(self, path: str) -> str:
        self._names[path] += 1
        return path if self._names[path] == 1 else f"{path}#{self._names[path]}"

    def _arguments(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return dict(inspect.signature(self._model.forward).bind(*args, **kwargs).arguments)
        except (TypeError, ValueError):
            return {**{f"input.{index}": value for index, value in enumerate(args)}, **kwargs}


def _version(tensor: torch.Tensor) -> int | None:
    return None if tensor.is_inference() else tensor._version


def _mutated(reads: list[_Read]) -> list[torch.Tensor]:
    return [read.tensor for read in reads if _version(read.tensor) != read.version]


def _fresh(reads: list[_Read], result: Any) -> list[torch.Tensor]:
    given = {id(read.tensor) for read in reads}
    return [tensor for tensor in tensors_in(result) if id(tensor) not in given]


def _join(scope: str, name: str) -> str:
    return f"{scope}/{name}" if scope else name
