"""The graph of a program that ``torch.export`` saved, read from the JSON in its archive.

An archive (``.pt2``) holds weights and example inputs as pickles, too. Unpickling runs what a pickle says,
so they are left alone, and PyTorch is not needed.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

from ..storage.kinds.graph import Edge, Graph, Node

MOST_BYTES = 256 << 20
_PROGRAM = re.compile(r"(^|/)(models/[^/]+\.json|serialized_exported_program\.json)$")
_LONGEST_ATTRIBUTE = 200
_DTYPES = {
    **{1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32", 8: "float64"},
    **{9: "complex32", 10: "complex64", 11: "complex128", 12: "bool", 13: "bfloat16", 28: "uint16"},
}
"""As PyTorch numbers them in its schema of exported programs."""


def capture(path: Path) -> Graph:
    """Return the operations of the program at a path, in the scopes of the modules that called them.

    Parameters are counted where they are first used, of buffers none; lengths that may vary are None.
    Raises OSError, or ValueError for a file that is no archive of a program.
    """
    program = _read(path)
    try:
        drawing = _Drawing(program["graph_module"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path.name} is no program that this version can read: {error!r:.200}") from error
    return Graph(drawing.nodes, list(drawing.edges.values()), "torch", path.stem)


def _read(path: Path) -> Any:
    try:
        with zipfile.ZipFile(path) as archive:
            found = [one for one in archive.infolist() if _PROGRAM.search(one.filename)]
            if not found:
                raise ValueError(f"{path.name} holds no exported program")
            with archive.open(found[0]) as member:
                content = member.read(MOST_BYTES + 1)  # whatever the archive says of its size
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"{path.name} cannot be opened as an exported program: {error}") from error
    if len(content) > MOST_BYTES:
        raise ValueError(f"the program in {path.name} is more than {MOST_BYTES >> 20} MiB")
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the program in {path.name} is not JSON") from error


class _Drawing:
    """A graph in the making."""

    def __init__(self, module: Mapping[str, Any]) -> None:
        self.nodes: list[Node] = []
        self.edges: dict[tuple[str, str, str], Edge] = {}
        self._values: Mapping[str, Any] = module["graph"]["tensor_values"]
        self._parameters = dict(_parameters(module["signature"]["input_specs"]))
        self._counted: dict[str, str] = {}
        self._sources: dict[str, str] = {}
        self._names: Counter[str] = Counter()
        for name in _tensors(module["graph"]["inputs"]):
            if name not in self._parameters:
                self._sources[name] = self._add("", name, "Input", [name])
        for node in module["graph"]["nodes"]:
            self._draw(node)
        for name in _tensors(module["graph"]["outputs"]):
            self._connect([name], self._add("", "output", "Output", [name]))

    def _draw(self, node: Mapping[str, Any]) -> None:
        op = _operation(str(node["target"]))
        inputs = [name for one in node["inputs"] for name in _tensors(one["arg"])]
        outputs = list(_tensors(node["outputs"]))
        owned = [name for name in inputs if self._parameters.get(name)]
        scope = _scope(str((node.get("metadata") or {}).get("nn_module_stack") or ""))
        id = self._add(scope, op, op, outputs, owned, dict(_attributes(node["inputs"])))
        self._connect(inputs, id)
        self._sources.update((name, id) for name in outputs)

    def _add(
        self,
        scope: str,
        name: str,
        op: str,
        outputs: Iterable[str],
        owned: Iterable[str] = (),
        attributes: dict[str, str] | None = None,
    ) -> str:
        path = f"{scope}/{name}" if scope else name
        self._names[path] += 1
        id = path if self._names[path] == 1 else f"{path}#{self._names[path]}"
        counted_by = {one: self._counted.setdefault(one, id) for one in owned}
        known = [self._values[one] for one in outputs if one in self._values]
        self.nodes.append(
            Node(
                id=id,
                name=id.rpartition("/")[2],
                op=op,
                scope=scope,
                shapes=[_shape(value) for value in known],
                dtypes=[_DTYPES.get(value["dtype"], str(value["dtype"])) for value in known],
                parameters=sum(self._size(one) for one, by in counted_by.items() if by == id),
                attributes=attributes or {},
                shares=next((by for by in counted_by.values() if by != id), None),
            )
        )
        return id

    def _connect(self, names: Iterable[str], target: str) -> None:
        for name in names:
            if name in self._sources:
                label = _label(_shape(self._values[name])) if name in self._values else ""
                edge = Edge(self._sources[name], target, label)
                self.edges.setdefault((edge.source, edge.target, edge.label), edge)

    def _size(self, name: str) -> int:
        return prod(size or 0 for size in _shape(self._values[name])) if name in self._values else 0


def _parameters(specs: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, bool]]:
    """The names of what is no input of a user, and whether each is a parameter."""
    for spec in specs:
        for kind, told in spec.items():
            if kind != "user_input" and isinstance(told, Mapping) and "name" in (told.get("arg") or {}):
                yield str(told["arg"]["name"]), kind == "parameter"


def _tensors(argument: Any) -> Iterator[str]:
    """The names of the tensors in an argument, whether it is one, may be one, or is a list of them."""
    if isinstance(argument, list):
        for one in argument:
            yield from _tensors(one)
    elif isinstance(argument, dict):
        for kind in ("as_tensor", "as_tensors", "as_optional_tensor", "as_optional_tensors"):
            yield from _tensors(argument.get(kind))
        if isinstance(argument.get("name"), str):
            yield argument["name"]


def _operation(target: str) -> str:
    """``torch.ops.aten.conv2d.default`` is ``conv2d``."""
    parts = target.removeprefix("torch.ops.").split(".")
    return parts[1] if len(parts) > 1 and target.startswith("torch.ops.") else parts[-1]


def _scope(stack: str) -> str:
    """The path of the innermost module of a stack, ``key,path,type;…`` from the outside in."""
    parts = stack.rpartition(";")[2].split(",")
    path = parts[1] if len(parts) > 1 else ""
    return path.removeprefix("L['self']").strip(".").replace(".", "/")


def _shape(value: Mapping[str, Any]) -> list[int | None]:
    return [size.get("as_int") for size in value["sizes"]]


def _label(shape: list[int | None]) -> str:
    return "x".join("N" if size is None else str(size) for size in shape) or "scalar"


def _attributes(inputs: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for one in inputs:
        for kind, value in one["arg"].items():
            if kind in ("as_int", "as_ints", "as_float", "as_floats", "as_bool", "as_bools", "as_string"):
                yield str(one["name"]), str(value)[:_LONGEST_ATTRIBUTE]
