"""Questions as they come from a browser or a program: checked, bounded, and with an error that names both."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.exceptions import HTTPException

from ..storage.run_rows import clean_text
from .cards.scalar import MERGES, Wanted
from .groups import By
from .lines import View

if TYPE_CHECKING:
    from starlette.requests import Request

    from ..storage.points import Axis

MAX_RUNS = 1_000
MAX_SERIES = 5_000
MAX_BUCKETS = 2_500_000
"""Series times pixels of one request; an answer has at most two points a pixel."""

_PAGE = 300
_MIN_WIDTH, _WIDTH, _MAX_WIDTH = 50, 500, 4_000
_MAX_INDEX = 2**62
_MAX_NUMBER = 2**31 - 1
_AXES: dict[str, Axis] = {"step": "step", "relative": "relative", "wall": "wall"}


def number(request: Request, name: str, default: float) -> float:
    """A finite number among the query's parameters."""
    text = request.query_params.get(name)
    try:
        found = default if text is None else float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise HTTPException(400, f"{name!r} must be a number, not {str(text)[:100]!r}.")
    return found


def place(request: Request, name: str, default: str | None = None) -> int:
    """A whole number from 0 among the query's parameters."""
    text = request.query_params.get(name, default) or ""
    if not (text.isascii() and text.isdecimal() and len(text) < 12 and int(text) <= _MAX_NUMBER):
        raise HTTPException(400, f"{name!r} must be a number from 0 to {_MAX_NUMBER}, not {text[:100]!r}.")
    return int(text)


def text(request: Request, name: str) -> str:
    """A text among the query's parameters, as the store would hold it."""
    if name not in request.query_params:
        raise HTTPException(400, f"{name!r} is needed.")
    return clean_text(request.query_params[name])


def run_ids(request: Request, name: str) -> list[str]:
    """Ids of runs, joined by commas, among the query's parameters."""
    ids = [run for run in clean_text(request.query_params.get(name, "")).split(",") if run]
    if len(ids) > MAX_RUNS:
        raise HTTPException(413, f"{len(ids)} runs in one request; {MAX_RUNS} are allowed.")
    return ids


class Page(NamedTuple):
    """Which runs of which project, and how many of them after the place that a page before told."""

    project: str | None
    search: str
    archived: bool
    limit: int
    after: str | None


def page(request: Request) -> Page:
    """A page of runs, as the query's parameters ask for it."""
    given = request.query_params
    limit = min(max(place(request, "limit", str(_PAGE)), 1), MAX_RUNS)
    project, search = clean_text(given.get("project", "")), clean_text(given.get("search", ""))
    return Page(project or None, search, given.get("archived") == "1", limit, given.get("after"))


async def scalars(request: Request) -> tuple[list[Wanted], View]:
    """The body of a request for scalars."""
    asked = await body(request)
    try:
        wanted = view(asked)
        entries = asked["series"]
        check_size(len(entries), wanted.width)
        return [series(**entry) for entry in entries], wanted
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise HTTPException(400, f"This is not a request for scalars: {error!r:.300}.") from error


def view(asked: Mapping[str, Any]) -> View:
    """How lines are wanted. Raises ``KeyError``, ``TypeError``, ``ValueError`` or ``OverflowError``."""
    width = min(max(int(asked.get("width", _WIDTH)), _MIN_WIDTH), _MAX_WIDTH)
    return View(width, _AXES[asked.get("axis", "step")], _window(asked.get("window")))


def by(asked: Any) -> By:
    """How runs are grouped: by "keys", all "but" some, a "pattern", or {} for the group they were given."""
    if not isinstance(asked, dict):
        raise TypeError(f"an object is expected, not {asked!r:.100}")
    told = {name: texts(value) for name, value in asked.items() if name != "pattern"}
    pattern = asked.get("pattern")
    return By(**told, pattern=None if pattern is None else str(pattern))


def texts(given: Any) -> list[str]:
    """A list of texts as the store would hold them. Raises ``TypeError`` if it is none."""
    if not isinstance(given, list):
        raise TypeError(f"a list is expected, not {given!r:.100}")
    return [clean_text(one) for one in given]


def check_size(series: int, width: int) -> None:
    """Refuse an answer that would be too large, naming the limit."""
    if series > MAX_SERIES:
        raise HTTPException(413, f"{series} series in one request; {MAX_SERIES} are allowed.")
    if series * width > MAX_BUCKETS:
        allowed = MAX_BUCKETS // width
        raise HTTPException(413, f"{series} series at {width} pixels; {allowed} of that width are allowed.")


def series(run: str, tag: str, rank: int | str = 0, since: int = 0, formula: bool = False) -> Wanted:
    """One series of a request. Raises ``TypeError`` or ``ValueError``."""
    if isinstance(rank, str):
        if rank not in MERGES:
            raise ValueError(f"rank is a number or one of {', '.join(MERGES)}")
    elif type(rank) is not int or not 0 <= rank <= _MAX_NUMBER:
        raise ValueError("rank is a whole number from 0")
    if type(since) is not int or not 0 <= since < _MAX_INDEX:
        raise ValueError("since is a whole number from 0")
    return Wanted(clean_text(run), clean_text(tag), rank, since, formula is True)


def _window(asked: Any) -> tuple[float, float] | None:
    if asked is None:
        return None
    low, high = map(float, asked)
    if math.isnan(low) or math.isnan(high):
        raise ValueError("a window is two numbers")
    return low, high


async def body(request: Request) -> dict[str, Any]:
    """The body of a request, a JSON object."""
    try:
        asked = await request.json()
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "The request is not JSON.") from error
    if not isinstance(asked, dict):
        raise HTTPException(400, "The request is not a JSON object.")
    return asked
