"""What a browser asks of the projector, checked and bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from starlette.exceptions import HTTPException

from .. import asked
from .clouds import Place

if TYPE_CHECKING:
    from starlette.requests import Request

METHODS = ("pca", "tsne", "umap", "custom")
METRICS = ("cosine", "euclidean")
SCALES = ("auto", "numbers", "names")
MOST_POINTS = 50_000
MOST_OF_METHOD = {"pca": MOST_POINTS, "custom": MOST_POINTS, "tsne": 10_000, "umap": 20_000}
MAX_TEXT = 500


class View(NamedTuple):
    """How a cloud is looked at; the same view of the same cloud is always the same picture."""

    method: str
    most: int
    spherize: bool
    dimensions: int
    perplexity: float
    neighbours: int
    distance: float
    metric: str

    @property
    def settings(self) -> dict[str, float | str]:
        """What the maps take of it."""
        return self._asdict()

    def told(self) -> View:
        """Without what the method does not use, so that it is made once."""
        if self.method in ("pca", "custom"):
            return self._replace(dimensions=3, perplexity=0, neighbours=0, distance=0, metric="")
        if self.method == "tsne":
            return self._replace(neighbours=0, distance=0, metric="")
        return self._replace(perplexity=0)


def place(request: Request, index: str = "index") -> Place:
    """Which embedding: ``?run=&tag=&rank=&index=&metadata=``."""
    run, tag = asked.text(request, "run"), asked.text(request, "tag")
    rank, metadata = asked.place(request, "rank", "0"), words(request, "metadata")
    return Place(run, tag, rank, asked.place(request, index), metadata)


def view(request: Request) -> View:
    """How: ``?method=&most=&spherize=&dimensions=&perplexity=&neighbours=&distance=&metric=``."""
    method = one_of(request, "method", METHODS)
    most = int(asked.number(request, "most", MOST_OF_METHOD[method]))
    return View(
        method,
        min(max(most, 2), MOST_OF_METHOD[method]),
        request.query_params.get("spherize") == "1",
        2 if request.query_params.get("dimensions") == "2" else 3,
        min(max(asked.number(request, "perplexity", 30.0), 2.0), 200.0),
        int(min(max(asked.number(request, "neighbours", 15), 2), 200)),
        min(max(asked.number(request, "distance", 0.1), 0.0), 0.99),
        one_of(request, "metric", METRICS),
    ).told()


def components(request: Request) -> list[int]:
    """Which components are seen on the axes, from 0: ``?components=1,2,3``."""
    numbers = request.query_params.get("components", "1,2,3").split(",")[:3]
    if not all(number.isdecimal() and 1 <= int(number) <= 10 for number in numbers):
        raise HTTPException(400, "'components' are up to three numbers from 1 to 10.")
    return [int(number) - 1 for number in numbers]


def one_of(request: Request, name: str, allowed: tuple[str, ...]) -> str:
    found = request.query_params.get(name, allowed[0])
    if found not in allowed:
        raise HTTPException(400, f"{name!r} must be one of {', '.join(allowed)}, not {found[:100]!r}.")
    return found


def words(request: Request, name: str) -> str:
    """A text of a bounded length, empty if it is not given."""
    return request.query_params.get(name, "")[:MAX_TEXT]
