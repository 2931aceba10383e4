"""What is wrong with a model's layers, in plain words: each rule with its threshold.

A layer is judged by all its parameters together: a bias before a normalisation has no gradient, and a
bias that began at zero moves by large ratios, which says nothing of the layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .history import History
from .words import said

Level = Literal["error", "warning", "note"]
Mask = NDArray[np.bool_]

SUSTAINED = 3
"""What does not show at once must have lasted for so many looks in a row, up to the newest."""
VANISHING = 1e-6
"""A layer's gradient is this share or less of the greatest layer's of the same step."""
EXPLODED = 100.0
"""A layer's gradient is so many times its own median or more …"""
LARGE = 1.0
"""… and at least so long: gradients that began near zero may grow."""
DEAD = 0.95
"""So many of a layer's outputs, or more, are zero."""
USUAL_RATIOS = (1e-4, 1e-2)
"""A step usually changes weights by so much of their norm; beyond, a note."""
FAR = 10.0
"""So many times beyond the usual ratios is a warning."""
_NAMED = 3
_FEWEST_FOR_MEDIAN = 5


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: ``title`` in a few words, ``text`` with where and how much, ``hint`` what to
    try. ``since`` is the first step that was looked at and showed it; ``until`` the last, None if it lasts.
    ``quantity`` is the heat map that shows it, ``layer`` a layer to look at there."""

    rule: str
    level: Level
    title: str
    text: str
    hint: str
    since: int
    until: int | None
    quantity: str
    layer: str
    layers: int

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def find(history: History) -> list[Finding]:
    """All that is wrong, the worst first."""
    if not history.steps:
        return []
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        found = [
            *_not_finite(history),
            *_exploding(history),
            *_vanishing(history),
            *_dead(history),
            *_ratios(history),
        ]
    order = ("error", "warning", "note")
    return sorted(found, key=lambda one: (one.until is not None, order.index(one.level), one.since))


class _Rule(NamedTuple):
    """What a finding says; ``looks`` is for how many looks it must have lasted."""

    quantity: str
    level: Level
    title: str
    words: str
    hint: str
    looks: int = SUSTAINED


def _not_finite(history: History) -> Iterator[Finding]:
    for source, layers in history.layers.items():
        # A mask of attention puts -inf into outputs.
        is_output = source == "activations"
        counted = history.counts(source, "nans") if is_output else history.not_finite(source)
        title = f"{_SOURCES.get(source, source)} are not finite"
        words = f"{said(float(counted.sum()))} NaN or infinite values"
        rule = _Rule("nonfinite", "error", title, words, _HINTS["nonfinite"], looks=1)
        yield from _told(history, list(layers), counted > 0, rule)


def _exploding(history: History) -> Iterator[Finding]:
    names, norms = _by_layer(history, "gradients", "norm", np.fmax)
    if not names or norms.shape[1] < _FEWEST_FOR_MEDIAN:
        return
    usual = _median(norms)
    bad = (norms >= EXPLODED * usual[:, None]) & (norms >= LARGE)
    worst = np.nanmax(np.where(bad, norms / usual[:, None], 0.0))
    words = f"up to {said(float(worst))} times their usual length"
    rule = _Rule("gradients", "warning", "Gradients explode", words, _HINTS["exploding"], looks=1)
    yield from _told(history, names, bad, rule)


def _vanishing(history: History) -> Iterator[Finding]:
    names, norms = _by_layer(history, "gradients", "norm", np.fmax)
    if len(names) < 2:
        return
    greatest = np.fmax.reduce(norms, axis=0)
    bad = (norms <= VANISHING * greatest) & (greatest > 0)
    words = "less than a millionth of the greatest layer's"
    rule = _Rule("gradients", "warning", "Gradients vanish", words, _HINTS["vanishing"])
    yield from _told(history, names, bad, rule)


def _dead(history: History) -> Iterator[Finding]:
    names, shares = _by_layer(history, "activations", "zero_fraction", None)
    words = f"{DEAD:.0%} or more of the outputs are zero"
    rule = _Rule("dead", "warning", "Units are dead", words, _HINTS["dead"])
    yield from _told(history, names, shares >= DEAD, rule)


def _ratios(history: History) -> Iterator[Finding]:
    low, high = USUAL_RATIOS
    names, least = _by_layer(history, "updates", "ratio", np.fmin)
    _, most = _by_layer(history, "updates", "ratio", np.fmax)
    for size, than, bad, far in (
        ("large", "more", least > high, least > high * FAR),
        ("small", "less", most < low, most < low / FAR),
    ):
        words = f"a step changes weights by {than} of their norm than the usual {low:g} to {high:g}"
        note = _Rule("updates", "note", f"Updates are {size}", words, _HINTS[size])
        lasting = _lasting(far, SUSTAINED)[:, None]
        yield from _told(history, names, far & lasting, note._replace(level="warning"))
        yield from _told(history, names, bad & ~lasting, note)


def _told(history: History, names: Sequence[str], bad: Mask, rule: _Rule) -> Iterator[Finding]:
    """What lasts as one finding, and, where one look is enough, what is over as another."""
    lasting = _lasting(bad, rule.looks)
    if lasting.any():
        yield _finding(history, names, bad, np.flatnonzero(lasting).tolist(), rule, _begin)
    past = bad.any(1) & ~lasting
    if rule.looks == 1 and past.any():
        over = rule._replace(level="note" if rule.level == "warning" else rule.level)
        found = _finding(history, names, bad, np.flatnonzero(past).tolist(), over, np.argmax)
        newest = int(np.flatnonzero(bad[past].any(0))[-1])
        yield replace(found, until=history.steps[newest][1])


def _finding(
    history: History,
    names: Sequence[str],
    bad: Mask,
    rows: Sequence[int],
    rule: _Rule,
    begin: Callable[[Mask], Any],
) -> Finding:
    begins = [int(begin(bad[row])) for row in rows]
    first = rows[int(np.argmin(begins))]
    where = _named(names, [first, *(row for row in rows if row != first)])
    return Finding(
        f"{rule.quantity}: {rule.title}",
        rule.level,
        rule.title,
        f"{where}: {rule.words}",
        rule.hint,
        history.steps[min(begins)][0],
        None,
        rule.quantity,
        names[first],
        len(rows),
    )


def _lasting(bad: Mask, looks: int) -> Mask:
    """Which rows were bad in each of the newest ``looks`` columns."""
    if bad.shape[1] < looks:
        return np.zeros(len(bad), bool)
    return np.asarray(bad[:, -looks:].all(1))


def _begin(bad: Mask) -> int:
    """Where the stretch of bad columns that lasts to the end begins."""
    good = np.flatnonzero(~bad)
    return int(good[-1]) + 1 if len(good) else 0


def _by_layer(
    history: History, source: str, measure: str, merge: np.ufunc | None
) -> tuple[list[str], NDArray[np.float32]]:
    """Layers x columns; NaN also where values were not finite, which is told of by itself.

    With ``merge``, the parameters of a layer are one row, under the first's name.
    """
    names = list(history.layers.get(source, ()))
    table = history.measure(source, measure)
    table[history.not_finite(source) > 0] = np.nan
    if merge is None or not names:
        return names, table
    owners: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        owners.setdefault(name[: max(name.rfind("."), name.rfind("/"), 0)] or name, []).append(row)
    merged = np.stack([merge.reduce(table[rows], axis=0) for rows in owners.values()])
    return [names[rows[0]] for rows in owners.values()], merged


def _median(norms: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of each row; NaN of a row without a number."""
    known = ~np.isnan(norms).all(1)
    medians = np.full(len(norms), np.nan, np.float32)
    medians[known] = np.nanmedian(norms[known], axis=1)
    return medians


def _named(names: Sequence[str], rows: Sequence[int]) -> str:
    told = ", ".join(names[row] for row in rows[:_NAMED])
    return f"{told} and {len(rows) - _NAMED} more" if len(rows) > _NAMED else told


_SOURCES: Mapping[str, str] = {
    "weights": "Weights",
    "gradients": "Gradients",
    "raw_gradients": "Gradients before clipping",
    "updates": "Updates",
    "activations": "Outputs",
}
_HINTS: Mapping[str, str] = {
    "nonfinite": "The flight recorder names the first layer and step; a lower learning rate, gradient "
    "clipping or bfloat16 in place of float16 are the usual cures.",
    "exploding": "Clip gradients, lower the learning rate, or warm it up.",
    "vanishing": "Look at the initialisation, saturated activations, missing residual connections, or layers "
    "that the loss does not reach.",
    "dead": "A lower learning rate, a leaky activation, or another initialisation of the layer before.",
    "large": "The learning rate may be too high for these layers.",
    "small": "The learning rate may be too low for these layers, or their gradients vanish.",
}
