"""Positions of a cloud's points as one view shows them, at every step from the same place."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .asked import View
from .clouds import CannotDraw, Cloud, Clouds, Place, Sample
from .jobs import Arrays, Job, Jobs, Work
from .linear import Basis, between


@dataclass(frozen=True)
class Projection:
    """Positions N x 3 in about [-1, 1] of the sampled ``rows``, and the variance that each axis shows."""

    rows: NDArray[np.intp]
    places: NDArray[np.float32]
    shares: tuple[float, ...] = ()


class Projections:
    """What the page draws: made at once where that is quick, else by a job."""

    def __init__(self, clouds: Clouds) -> None:
        self._clouds = clouds
        self._jobs = Jobs()

    async def principal(
        self, place: Place, basis: Place, view: View, components: list[int]
    ) -> Projection | Job:
        """The cloud on the principal components of the one at ``basis``."""
        key = self._key(basis, view)
        fitted = self._jobs.made(key)
        if fitted is None:
            return self._jobs.ask(key, partial(self._work, basis, view))
        return await asyncio.to_thread(self._on_components, place, basis, view, fitted, components)

    async def map(self, place: Place, basis: Place, view: View) -> Projection | Job:
        """The cloud's own map, which begins with that of the cloud at ``basis`` and lies upon it."""
        start = None
        if place != basis and (start := self._jobs.made(self._key(basis, view))) is None:
            return self._jobs.ask(self._key(basis, view), partial(self._work, basis, view))
        key = self._key(place, view, None if place == basis else basis)
        made = self._jobs.made(key)
        if made is None:
            return self._jobs.ask(key, partial(self._work, place, view, start))
        cloud = await asyncio.to_thread(self._clouds.read, place)
        sample = await asyncio.to_thread(cloud.sample, view.most, view.spherize)
        return Projection(sample.rows, made["places"].astype(np.float32))

    async def custom(self, place: Place, basis: Place, view: View, ends: list[str]) -> Projection:
        """The cloud on axes between the centroids of points that texts find: from, to, from, to."""
        return await asyncio.to_thread(self._on_axes, place, basis, view, ends)

    def cancel(self, place: Place, basis: Place, view: View) -> bool:
        """End what is being made for this view."""
        keys = {self._key(basis, view), self._key(place, view), self._key(place, view, basis)}
        return any([self._jobs.cancel(key) for key in keys])

    def _key(self, place: Place, view: View, basis: Place | None = None) -> Any:
        return self._clouds.version(), place.bare, view, basis and basis.bare

    def _work(self, place: Place, view: View, start: Arrays | None = None) -> Work:
        cloud = self._clouds.read(place)
        sample = drawable(cloud, view)
        begin = None
        if start is not None and len(start["places"]) == len(sample.rows):
            begin = start["places"].astype(np.float32)
        return Work(view.method, view.settings, sample.vectors, begin)

    def _on_components(
        self, place: Place, basis: Place, view: View, fitted: Arrays, components: list[int]
    ) -> Projection:
        seen = Basis(fitted["centre"], fitted["axes"], float(fitted["scale"][0]))
        sample = drawable(self._clouds.read(place), view)
        _check_alike(sample.vectors.shape[1], len(seen.centre))
        shares = fitted["shares"].tolist()
        shown = tuple(shares[one] if one < len(shares) else 0.0 for one in components)
        return Projection(sample.rows, seen.see(sample.vectors, components), shown)

    def _on_axes(self, place: Place, basis: Place, view: View, ends: list[str]) -> Projection:
        fitted = self._clouds.read(basis)
        base = drawable(fitted, view._replace(most=len(fitted.finite)))
        found = [_rows_of(fitted, base, words) for words in ends]
        seen = between(base.vectors, list(zip(found[::2], found[1::2], strict=True)))
        sample = drawable(self._clouds.read(place), view)
        _check_alike(sample.vectors.shape[1], len(seen.centre))
        return Projection(sample.rows, seen.see(sample.vectors, [0, 1, 2]))


def drawable(cloud: Cloud, view: View) -> Sample:
    """The points of a cloud. Raises ``CannotDraw`` that says why there are none."""
    if not cloud.count:
        raise CannotDraw("This embedding has no points.")
    if not cloud.dimensions:
        raise CannotDraw(f"The {cloud.count:,} points of this embedding have no dimensions.")
    if not len(cloud.finite):
        raise CannotDraw(f"All {cloud.count:,} points of this embedding hold NaN or infinities.")
    return cloud.sample(view.most, view.spherize)


def _rows_of(cloud: Cloud, base: Sample, words: str) -> NDArray[np.intp]:
    """Which of the sampled points a text finds, ``/like this/`` if it is a regular expression."""
    is_pattern = len(words) > 2 and words.startswith("/") and words.endswith("/")
    found = cloud.find(words.strip("/") if is_pattern else words, is_pattern)
    at = np.flatnonzero(np.isin(base.rows, found))
    if not len(at):
        raise CannotDraw(f"No point has {words!r} in its metadata, so it is no end of an axis.")
    return at


def _check_alike(dimensions: int, fitted: int) -> None:
    if dimensions != fitted:
        message = f"This step has {dimensions:,} dimensions, and that of the projection {fitted:,}."
        raise CannotDraw(message)
