"""Arithmetic over tags, such as ``train/loss - val/loss``: parsed, checked node by node, never executed.

Tags may hold nearly anything, so operators stand between spaces: ``a / b`` divides, ``a/b`` is a tag. A tag
with spaces, brackets or commas is written between backticks.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MAX_CHARACTERS = 12_000
MAX_TERMS = 50

_TOKEN = re.compile(r"\s*(?:`([^`]+)`|([(),])|(\*\*|[-+*/])(?=[\s(`]|$)|([^\s(),`]+))")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: np.divide,
    ast.Pow: np.power,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_INCOMPLETE = "Something is missing: an operator (they stand between spaces), a tag or a bracket."
FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "abs": (1, np.abs),
    "exp": (1, np.exp),
    "log": (1, np.log),
    "log2": (1, np.log2),
    "log10": (1, np.log10),
    "sqrt": (1, np.sqrt),
    "min": (2, np.minimum),
    "max": (2, np.maximum),
}
"""What may be called, with how many arguments."""


class BadFormula(ValueError):
    """A text that is no formula; the message says what is wrong and how it is written."""


@dataclass(frozen=True)
class Formula:
    """A checked formula: the tags it names, in their order, and what it computes of their values."""

    text: str
    tags: tuple[str, ...]
    _body: ast.expr

    def __call__(self, columns: Sequence[Floats]) -> Floats:
        """The value for arrays of one length, float64, one a tag; NaN or infinite where it is not defined."""
        names = {f"t{at}": column for at, column in enumerate(columns)}
        with np.errstate(all="ignore"):
            found = np.asarray(_value(self._body, names), np.float64)
        return np.broadcast_to(found, columns[0].shape).copy()


def parse(text: str) -> Formula:
    """Check a formula. Raises ``BadFormula``."""
    if len(text) > MAX_CHARACTERS:
        raise BadFormula(f"A formula has at most {MAX_CHARACTERS:,} characters.")
    words, tags = _read(text)
    if not tags:
        raise BadFormula("A formula names at least one tag: train/loss - val/loss")
    try:
        # Only names made here, numbers and punctuation are left: nothing else can be in the tree.
        body = ast.parse(" ".join(words), mode="eval").body
        size = _check(body)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise BadFormula(_INCOMPLETE) from error
    if size > MAX_TERMS:
        raise BadFormula(f"A formula has at most {MAX_TERMS} terms.")
    return Formula(text, tuple(tags), body)


def _read(text: str) -> tuple[list[str], list[str]]:
    """The text in words that Python's parser takes, each tag as t0, t1, …; and the tags."""
    words: list[str] = []
    tags: list[str] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise BadFormula(f"A backtick lacks its other half: {text[at:].strip():.40}")
        quoted, bracket, sign, word = found.groups()
        at = found.end()
        if bracket or sign:
            words.append(bracket or sign)
        elif word and _NUMBER.fullmatch(word):
            words.append(_number(word))
        elif word in FUNCTIONS and text[at:].lstrip().startswith("("):
            words.append(word)
        else:
            tag = quoted or word
            if tag not in tags:
                tags.append(tag)
            words.append(f"t{tags.index(tag)}")
    return words, tags


def _number(word: str) -> str:
    if not math.isfinite(float(word)):
        raise BadFormula(f"{word:.40} is too large.")
    return repr(float(word))


def _check(node: ast.expr) -> int:
    """How many numbers and tags there are. Raises ``BadFormula`` for what is no arithmetic."""
    match node:
        case ast.BinOp(left, op, right) if type(op) in _OPERATORS:
            return _check(left) + _check(right)
        case ast.UnaryOp(op, operand) if type(op) in _OPERATORS:
            return _check(operand)
        case ast.Call(ast.Name(name), arguments, []) if name in FUNCTIONS:
            wanted = FUNCTIONS[name][0]
            if len(arguments) != wanted:
                raise BadFormula(f"{name} takes {wanted} value{'s' * (wanted > 1)}, not {len(arguments)}.")
            return sum(map(_check, arguments))
        case ast.Name(name) if name not in FUNCTIONS:
            return 1
        case ast.Constant(value) if type(value) is float:
            return 1
    raise BadFormula("This is no arithmetic: + - * / ** and " + ", ".join(FUNCTIONS) + " may stand in it.")


def _value(node: ast.expr, names: dict[str, Floats]) -> Any:
    match node:
        case ast.BinOp(left, op, right):
            return _OPERATORS[type(op)](_value(left, names), _value(right, names))
        case ast.UnaryOp(op, operand):
            return _OPERATORS[type(op)](_value(operand, names))
        case ast.Call(ast.Name(name), arguments):
            return FUNCTIONS[name][1](*(_value(argument, names) for argument in arguments))
        case ast.Name(name):
            return names[name]
        case ast.Constant(value):
            return value
    raise AssertionError(node)
