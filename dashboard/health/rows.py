"""Which layers a heat map has as rows: a tree by scope, folded so that it can be taken in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ...storage.patterns import compile_pattern, search, time_limit

MAX_ROWS = 300
OPENED_ROWS = 40
"""Scopes of scopes are opened by themselves, the outer ones first, while there are at most so many rows.
A scope of nothing but parameters is a layer, and stays closed."""
SEARCH_SECONDS = 1.0
DEPTH = 12
"""So many scopes within one another are told apart; what is deeper belongs to the name."""


class Row(NamedTuple):
    """A layer, or a scope of several. ``members`` are the numbers of its layers; an open scope's own
    row shows none, for they have rows of their own below it."""

    path: str
    label: str
    depth: int
    is_open: bool | None
    members: list[int]


@dataclass
class _Scope:
    path: str
    label: str
    leaf: int | None = None
    below: dict[str, _Scope] = field(default_factory=dict)

    def leaves(self) -> list[int]:
        own = [] if self.leaf is None else [self.leaf]
        return own + [leaf for scope in self.below.values() for leaf in scope.leaves()]


def matching(names: Sequence[str], pattern: str) -> list[int]:
    """The numbers of the names in which a regular expression is found. Raises ``BadPattern``."""
    compile_pattern(pattern)
    with time_limit(SEARCH_SECONDS):
        return [at for at, name in enumerate(names) if search(pattern, name)]


def between(names: Sequence[str], chosen: Sequence[int], first: str, last: str) -> list[int]:
    """Those of the ``chosen`` that lie, in the model's order, between two layers or scopes, with both.

    A name that is not among these stands for the innermost scope of it that is: parameters and outputs
    of a layer are called by different names. A name that is nowhere chooses all.
    """
    starts, stops = _of_scope(names, first), _of_scope(names, last)
    if not starts or not stops:
        return list(chosen)
    low, high = min(starts + stops), max(starts + stops)
    return [number for number in chosen if low <= number <= high]


def _of_scope(names: Sequence[str], path: str) -> list[int]:
    while path:
        below = (f"{path}.", f"{path}/")
        found = [at for at, name in enumerate(names) if name == path or name.startswith(below)]
        if found:
            return found
        path = path[: max(path.rfind("."), path.rfind("/"), 0)]
    return []


def fold(
    names: Sequence[str], chosen: Sequence[int], opened: frozenset[str], closed: frozenset[str]
) -> tuple[list[Row], int]:
    """The rows of the ``chosen`` layers, in their order, and how many more there would be.

    Scopes in ``opened`` are open, those in ``closed`` are not, the others as there is room.
    """
    root = _tree(names, chosen)
    is_open = _opened(root, opened, closed)
    rows: list[Row] = []
    _list(root, 0, is_open, rows)
    return rows[:MAX_ROWS], max(len(rows) - MAX_ROWS, 0)


def _tree(names: Sequence[str], chosen: Sequence[int]) -> _Scope:
    root = _Scope("", "")
    for number in chosen:
        scope, path = root, ""
        for part in re.split("([./])", names[number], maxsplit=DEPTH):
            path += part
            if part not in ("", ".", "/"):
                scope = scope.below.setdefault(part, _Scope(path, part))
        if scope is root:  # a name without a letter
            scope = root.below.setdefault(names[number], _Scope(names[number], names[number]))
        scope.leaf = number
    for scope in list(root.below.values()):
        root.below[scope.label] = _joined(scope)
    return root


def _joined(scope: _Scope) -> _Scope:
    """A scope that holds one thing only is one with it."""
    while scope.leaf is None and len(scope.below) == 1:
        (inner,) = scope.below.values()
        scope = _Scope(inner.path, inner.path[len(scope.path) - len(scope.label) :], inner.leaf, inner.below)
    scope.below = {name: _joined(inner) for name, inner in scope.below.items()}
    return scope


def _opened(root: _Scope, opened: frozenset[str], closed: frozenset[str]) -> set[str]:
    is_open = {""}
    rows = len(root.below)
    waiting = [scope for scope in root.below.values() if scope.below]
    while waiting:
        scope = waiting.pop(0)
        if scope.path in closed:
            continue
        holds_scopes = any(inner.below for inner in scope.below.values())
        room = MAX_ROWS if rows == 1 else OPENED_ROWS  # one row alone would tell nothing
        if scope.path in opened or (holds_scopes and rows + len(scope.below) <= room):
            is_open.add(scope.path)
            rows += len(scope.below)
            waiting += [inner for inner in scope.below.values() if inner.below]
    return is_open


def _list(scope: _Scope, depth: int, is_open: set[str], rows: list[Row]) -> None:
    for inner in scope.below.values():
        if not inner.below:
            rows.append(Row(inner.path, inner.label, depth, None, inner.leaves()))
        elif inner.path in is_open:
            rows.append(Row(inner.path, inner.label, depth, True, [] if inner.leaf is None else [inner.leaf]))
            _list(inner, depth + 1, is_open, rows)
        else:
            rows.append(Row(inner.path, inner.label, depth, False, inner.leaves()))
