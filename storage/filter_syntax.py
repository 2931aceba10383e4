"""The language that filters runs, ``config.lr > 1e-3 and status = finished``, from text to a tree.

::

    filter     = either | nothing
    either     = both ("or" both)*
    both       = negated (["and"] negated)*
    negated    = "not" negated | "(" either ")" | comparison | word | "text" | /pattern/
    comparison = field (= | != | < | <= | > | >= | ~ | !~) value | field ["not"] in "[" value ("," value)* "]"

A word, a text and a pattern alone search. A field is a word with dots, whose last part may be quoted:
``config."learning rate"``. A value is a number, which may have a unit of time (``2h``), true, false, null, or
a text; one without spaces needs no quotes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .errors import BadFilter

LONGEST = 4_000
_MOST_TERMS = 100
_DEEPEST = 30
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<pattern>/(?:[^/\\]|\\.)+/(?=[\s)\],]|$))
    | (?P<operator><=|>=|!=|!~|==|=|<|>|~)
    | (?P<mark>[()\[\],])
    | (?P<word>(?:[^\s()\[\],"'=<>!~]|!(?![=~]))+(?:(?<=\.)(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'))?)
    | (?P<wrong>\S)
    )""",
    re.VERBOSE | re.DOTALL,
)
_NUMBER = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf(?:inity)?)([smhdw]?)", re.IGNORECASE
)
_KEYWORDS = {"and", "or", "not", "in"}
_CONSTANTS = {"true": True, "false": False, "null": None}

Value = float | str | bool | None


class Token(NamedTuple):
    """A piece of the text; ``position`` is that of its first character."""

    kind: str
    text: str
    position: int


class Field(NamedTuple):
    """What is compared: ``("config", "lr")``, ``("name", None)``."""

    space: str
    key: str | None
    position: int


@dataclass(frozen=True)
class Words:
    """A text to find anywhere."""

    text: str


@dataclass(frozen=True)
class Pattern:
    """A regular expression to find in the name."""

    text: str
    position: int


@dataclass(frozen=True)
class Comparison:
    """A field, one of = < <= > >= ~ in, and the values: several for ``in``, else one."""

    field: Field
    operator: str
    values: tuple[Value, ...]
    position: int


@dataclass(frozen=True)
class Not:
    inner: Node


@dataclass(frozen=True)
class All:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Either:
    parts: tuple[Node, ...]


Node = Words | Pattern | Comparison | Not | All | Either


def parse(text: str) -> Node | None:
    """The tree of a filter, None for an empty one. Raises ``BadFilter``."""
    if len(text) > LONGEST:
        raise BadFilter(f"a filter has at most {LONGEST} characters (this has {len(text)})", 0)
    tokens = list(_tokens(text))
    if len(tokens) == 1:
        return None
    parser = _Parser(tokens)
    tree = parser.either(0)
    parser.expect_end()
    return tree


def parse_field(text: str, position: int = 0) -> Field:
    """``config.lr`` as a field."""
    space, dot, key = text.partition(".")
    if key[:1] in "\"'" and key[:1]:
        key = _unquoted(key)
    return Field(space.lower(), key if dot else None, position)


def _tokens(text: str) -> Sequence[Token]:
    found = []
    end = len(text.rstrip())
    at = 0
    while at < end:
        match = _TOKEN.match(text, at)
        assert match is not None and match.lastgroup is not None
        kind = match.lastgroup
        position = match.start(kind)
        if kind == "wrong":
            what = (
                "this quote is never closed"
                if text[position] in "\"'"
                else f"{text[position]!r} is not understood"
            )
            raise BadFilter(what, position)
        found.append(Token(kind, match.group(kind), position))
        at = match.end()
    return [*found, Token("end", "", end)]


class _Parser:
    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._terms = 0

    def either(self, depth: int) -> Node:
        parts = [self._both(depth)]
        while self._take_word("or"):
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def expect_end(self) -> None:
        if self._next.kind != "end":
            raise BadFilter(f"{self._next.text!r} is not expected here", self._next.position)

    def _both(self, depth: int) -> Node:
        parts = [self._negated(depth)]
        while self._take_word("and") or self._begins_term():
            parts.append(self._negated(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _negated(self, depth: int) -> Node:
        token = self._next
        self._terms += 1
        if depth > _DEEPEST or self._terms > _MOST_TERMS:
            raise BadFilter("this filter has too many parts", token.position)
        if self._take_word("not"):
            return Not(self._negated(depth + 1))
        if self._take_mark("("):
            inner = self.either(depth + 1)
            self._demand(")")
            return inner
        if token.kind not in ("word", "text", "pattern") or self._is_keyword(token):
            what = "the end" if token.kind == "end" else repr(token.text)
            raise BadFilter(f"a condition is expected, not {what}", token.position)
        self._at += 1
        if token.kind == "pattern":
            return Pattern(_bare_pattern(token.text), token.position)
        if token.kind == "word" and (compared := self._compared(parse_field(token.text, token.position))):
            return compared
        return Words(_unquoted(token.text) if token.kind == "text" else token.text)

    def _compared(self, field: Field) -> Node | None:
        token = self._next
        if token.kind == "operator":
            self._at += 1
            operator = token.text.replace("==", "=")
            value_at = self._next.position
            value = self._value()
            if operator in ("!=", "!~"):
                return Not(Comparison(field, operator.replace("!", ""), (value,), value_at))
            return Comparison(field, operator, (value,), value_at)
        negative = self._words_ahead("not", "in")
        if not (negative or self._words_ahead("in")) or self._peek(1 + negative).text != "[":
            return None
        self._at += 2 + negative
        found = Comparison(field, "in", self._list(), token.position)
        return Not(found) if negative else found

    def _list(self) -> tuple[Value, ...]:
        values = [self._value()]
        while self._take_mark(","):
            values.append(self._value())
        self._demand("]")
        return tuple(values)

    def _value(self) -> Value:
        token = self._next
        if token.kind not in ("word", "text", "pattern"):
            what = "the end" if token.kind == "end" else repr(token.text)
            raise BadFilter(f"a value is expected, not {what}", token.position)
        self._at += 1
        if token.kind == "pattern":
            return _bare_pattern(token.text)
        if token.kind == "text":
            return _unquoted(token.text)
        if token.text.lower() in _CONSTANTS:
            return _CONSTANTS[token.text.lower()]
        number = _NUMBER.fullmatch(token.text)
        value = float(number[1]) * _UNITS[number[2].lower()] if number else math.nan
        return token.text if math.isnan(value) else value

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _peek(self, ahead: int) -> Token:
        return self._tokens[min(self._at + ahead, len(self._tokens) - 1)]

    def _words_ahead(self, *words: str) -> bool:
        return all(
            self._peek(at).kind == "word" and self._peek(at).text.lower() == word
            for at, word in enumerate(words)
        )

    def _begins_term(self) -> bool:
        token = self._next
        return (
            token.text == "("
            or self._words_ahead("not")
            or (token.kind in ("word", "text", "pattern") and not self._is_keyword(token))
        )

    def _is_keyword(self, token: Token) -> bool:
        return token.kind == "word" and token.text.lower() in _KEYWORDS

    def _take_word(self, word: str) -> bool:
        return self._words_ahead(word) and self._advance()

    def _take_mark(self, mark: str) -> bool:
        return self._next.kind == "mark" and self._next.text == mark and self._advance()

    def _advance(self) -> bool:
        self._at += 1
        return True

    def _demand(self, mark: str) -> None:
        if not self._take_mark(mark):
            what = "the end" if self._next.kind == "end" else repr(self._next.text)
            raise BadFilter(f"{mark!r} is expected, not {what}", self._next.position)


def _unquoted(text: str) -> str:
    """A backslash stands before a quote or another; anywhere else it is itself, as patterns need it."""
    return re.sub(r"\\([\"'\\])", r"\1", text[1:-1])


def _bare_pattern(text: str) -> str:
    return text[1:-1].replace("\\/", "/")
