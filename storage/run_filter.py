"""Filters of runs as conditions of SQL, and what runs are sorted by. What people type is ever a value."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    and_,
    case,
    cast,
    func,
    not_,
    or_,
    select,
    text,
    true,
    type_coerce,
)
from sqlalchemy.exc import DBAPIError

from .errors import BadFilter
from .filter_syntax import All, Comparison, Either, Field, Node, Not, Pattern, Value, Words, parse
from .json_values import number_in, text_in
from .natural_order import natural
from .patterns import BadPattern, compile_pattern, time_limit
from .schema import runs, series
from .series import SILENCE_S, SeriesKey

SECONDS = 5
"""As long as a filter may take."""

_CANCELLED, _NO_PATTERN = "57014", "2201B"
TEXTS = {
    "name": runs.c.name,
    "id": runs.c.run_id,
    "project": runs.c.project,
    "group": runs.c.group_name,
    "notes": runs.c.notes,
    "error": runs.c.error,
}
TIMES = {"created": runs.c.created_at, "updated": runs.c.updated_at, "ended": runs.c.ended_at}
SUMMARIES = {
    "last": series.c.last,
    "min": series.c.minimum,
    "max": series.c.maximum,
    "mean": series.c.mean,
    "min_step": series.c.min_step,
    "max_step": series.c.max_step,
    "count": series.c.count,
}
_OTHERS = ("status", "tag", "archived", "exit_code", "duration", "age")
_KEYED = ("config", "summary", *SUMMARIES)
FIELDS = (*TEXTS, *TIMES, *_OTHERS, *(f"{space}.NAME" for space in _KEYED))
"""What can be compared and sorted by."""

_Compare = Callable[[ColumnElement[Any]], ColumnElement[bool]]


class Filters:
    """Makes conditions for one kind of database at one moment (seconds since the epoch, its own clock)."""

    def __init__(self, dialect: str, moment: float) -> None:
        self._dialect = dialect
        self._moment = moment

    def condition(self, where: str) -> ColumnElement[bool]:
        """Which runs a filter lets through. Raises ``BadFilter``, which names the position."""
        tree = parse(where)
        return true() if tree is None else self._condition(tree)

    def contains(self, word: str) -> ColumnElement[bool]:
        """Whether a run's name, id, group, tags or status contains a word, in any case."""
        texts = (runs.c.name, runs.c.run_id, runs.c.group_name, self.status)
        tagged = cast(runs.c.tags, Text).icontains(json.dumps(word)[1:-1], autoescape=True)
        return or_(tagged, *(one.icontains(word, autoescape=True) for one in texts))

    def sorted_by(self, field: Field, descending: bool) -> list[ColumnElement[Any]]:
        """Texts are in natural order. Runs without a value come last either way, numbers before texts."""
        if field.space in ("config", "summary"):
            columns = [self._number(field), natural(self._text(field), self._dialect)]
        elif field.space in TEXTS or field.space in ("status", "tag"):
            columns = [natural(self._text(field), self._dialect)]
        else:
            columns = [self._number(field)]
        return [(one.desc() if descending else one.asc()).nulls_last() for one in columns]

    @property
    def status(self) -> ColumnElement[str]:
        """The status as readers see it; ``series.run_status`` says the same of one run."""
        silent = runs.c.updated_at < self._moment - SILENCE_S
        stored = runs.c.status
        return case(
            (and_(stored == "running", silent), "killed"),
            (and_(stored == "finishing", silent), "finished"),
            (stored == "finishing", "running"),
            else_=stored,
        )

    def _condition(self, node: Node) -> ColumnElement[bool]:
        match node:
            case Words(words):
                return or_(self.contains(words), runs.c.notes.icontains(words, autoescape=True))
            case Pattern(pattern, position):
                return self._matches(runs.c.name, pattern, position)
            case Not(inner):
                return not_(self._condition(inner))
            case All(parts):
                return and_(*map(self._condition, parts))
            case Either(parts):
                return or_(*map(self._condition, parts))
            case Comparison():
                return func.coalesce(or_(*(self._compared(node, value) for value in node.values)), False)

    def _compared(self, node: Comparison, value: Value) -> ColumnElement[bool]:
        """NULL where the run has no such value, which the caller takes as false."""
        field, operator = node.field, "=" if node.operator == "in" else node.operator
        if operator == "~":
            if not isinstance(value, str):
                raise BadFilter("a pattern is a text: it needs quotes", node.position)
            return self._matches(self._text(field), value, node.position)
        if value is None:
            if operator != "=":
                raise BadFilter("null can only be compared by = and !=", node.position)
            return (self._number(field) if field.space in (*TIMES, *SUMMARIES) else self._text(field)).is_(
                None
            )
        if field.space == "tag" and operator == "=":
            return self._text(field).contains(json.dumps(str(value)), autoescape=True)
        if field.space == "archived":
            return (runs.c.archived_at.is_not(None)) == bool(value)
        if isinstance(value, bool):
            return _by(operator)(self._text(field), json.dumps(value))
        if isinstance(value, str) and field.space in TIMES:
            value = _moment(value, node.position)
        if isinstance(value, str):
            return _by(operator)(self._text(field), value)
        if field.space in TEXTS or field.space == "status":
            raise BadFilter(
                f"{field.space} is a text, so what it is compared with needs quotes", node.position
            )
        return _by(operator)(self._number(field), value)

    def _matches(self, column: ColumnElement[Any], pattern: str, position: int) -> ColumnElement[bool]:
        try:
            compile_pattern(pattern)
        except BadPattern as error:
            raise BadFilter(str(error).rstrip("."), position + 1 + (error.position or 0)) from error
        if self._dialect == "sqlite":
            return func.matches_pattern(pattern, column) == true()
        return column.regexp_match(pattern)

    def _text(self, field: Field) -> ColumnElement[Any]:
        if field.space in TEXTS and field.key is None:
            return TEXTS[field.space]
        if field.space == "status" and field.key is None:
            return self.status
        if field.space == "tag" and field.key is None:
            return type_coerce(runs.c.tags, Text)
        if field.space in ("config", "summary") and field.key:
            return text_in(runs.c[field.space], field.key, self._dialect)
        if field.space in SUMMARIES and field.key:
            raise BadFilter(f"{field.space}.{field.key} is a number", field.position)
        raise _unknown(field)

    def _number(self, field: Field) -> ColumnElement[Any]:
        space, key = field.space, field.key
        if key is None and space in TIMES:
            return TIMES[space]
        if key is None and space == "exit_code":
            return runs.c.exit_code
        if key is None and space == "archived":
            return runs.c.archived_at
        if key is None and space == "age":
            return self._moment - runs.c.created_at
        if key is None and space == "duration":
            return func.coalesce(runs.c.ended_at, runs.c.updated_at) - runs.c.created_at
        if key and space == "config":
            return number_in(runs.c.config, key, self._dialect)
        if key and space == "summary":
            own = number_in(runs.c.summary, key, self._dialect)
            return func.coalesce(own, _of_series(SUMMARIES["last"], key))
        if key and space in SUMMARIES:
            return _of_series(SUMMARIES[space], key)
        raise _unknown(field)


def listed(project: str | None, archived: bool) -> ColumnElement[bool]:
    """Which runs a list shows: those not deleted, of one project or all, archived ones only if wanted."""
    found = runs.c.deleted_at.is_(None)
    if project is not None:
        found &= runs.c.project == project
    return found if archived else found & runs.c.archived_at.is_(None)


@contextmanager
def bounded(connection: Connection) -> Iterator[None]:
    """Queries with filters within the block end after ``SECONDS``: then ``BadFilter`` is raised."""
    on_server = connection.dialect.name == "postgresql"
    if on_server:
        connection.execute(text(f"SET LOCAL statement_timeout = {SECONDS * 1000}"))
    try:
        with time_limit(SECONDS):
            yield
    except DBAPIError as error:
        told = str(error.orig)
        if "user-defined function" in told or getattr(error.orig, "sqlstate", None) == _CANCELLED:
            raise BadFilter(f"it takes longer than {SECONDS} s; a simpler pattern may do", 0) from error
        if getattr(error.orig, "sqlstate", None) == _NO_PATTERN:
            raise BadFilter(f"PostgreSQL does not know this pattern: {told.splitlines()[0]}", 0) from error
        raise
    if on_server:
        connection.execute(text("SET LOCAL statement_timeout TO DEFAULT"))


def _of_series(column: ColumnElement[Any], tag: str) -> ColumnElement[Any]:
    """A number of the scalar of rank 0 with this tag, found by its key."""
    number = SeriesKey(0, "scalar", tag).id
    found = select(column).where(series.c.run_id == runs.c.run_id, series.c.series_id == number)
    return found.correlate(runs).scalar_subquery()


def _by(operator: str) -> Callable[[ColumnElement[Any], Any], ColumnElement[bool]]:
    return {
        "=": lambda column, value: column == value,
        "<": lambda column, value: column < value,
        "<=": lambda column, value: column <= value,
        ">": lambda column, value: column > value,
        ">=": lambda column, value: column >= value,
    }[operator]


def _moment(time: str, position: int) -> float:
    try:
        return datetime.fromisoformat(time).timestamp()
    except (ValueError, OverflowError) as error:
        raise BadFilter(f"{time!r} is no time; 2026-01-31 and 2026-01-31T12:30 are", position) from error


def _unknown(field: Field) -> BadFilter:
    name = field.space if field.key is None else f"{field.space}.{field.key}"
    return BadFilter(f"there is no field {name!r}; there are {', '.join(FIELDS)}", field.position)
