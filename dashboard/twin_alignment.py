"""Which layer of one model is which of another: the best order-preserving pairing, as people corrected it.

The method of Needleman and Wunsch (1970): a pair scores by what both are, their parameters and shapes; a
layer that is left alone costs something if it has parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .twin_layers import Layer, parameters_agree, shapes_agree

ROLE, PARAMETERS, OTHER_PARAMETERS, SHAPE, NAME = 3.0, 4.0, -1.0, 2.0, 1.0
ALONE = -2.0

Pair = tuple[int | None, int | None]
"""Places of a layer on each side, None where it stands alone."""


def align(left: Sequence[Layer], right: Sequence[Layer], said: Mapping[str, str | None]) -> list[Pair]:
    """Pair the layers of two models, in the order of the first.

    ``said`` is what a person says: for ids on the left the id on the right, or None for none. What it names
    and is not there is passed over.
    """
    places = {layer.id: place for place, layer in enumerate(right)}
    fixed: dict[int, int | None] = {}
    for place, layer in enumerate(left):
        if layer.id in said:
            other = said[layer.id]
            fixed[place] = None if other is None else places.get(other)
    taken = {other for other in fixed.values() if other is not None}
    free = [place for place in range(len(left)) if place not in fixed]
    others = [place for place in range(len(right)) if place not in taken]
    found = _paired([left[place] for place in free], [right[place] for place in others])
    pairs = {free[one]: others[other] for one, other in found}
    return _in_order(len(left), len(right), {**pairs, **fixed})


def _paired(left: Sequence[Layer], right: Sequence[Layer]) -> list[tuple[int, int]]:
    """The best pairing in order, by dynamic programming from the end."""
    best = [[0.0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for j in range(len(right) - 1, -1, -1):
        best[-1][j] = best[-1][j + 1] + _alone(right[j])
    for i in range(len(left) - 1, -1, -1):
        here, below, alone = best[i], best[i + 1], _alone(left[i])
        here[-1] = below[-1] + alone
        for j in range(len(right) - 1, -1, -1):
            skipped = max(below[j] + alone, here[j + 1] + _alone(right[j]))
            score = _score(left[i], right[j])
            here[j] = skipped if score is None else max(skipped, below[j + 1] + score)
    pairs, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        score = _score(left[i], right[j])
        if score is not None and best[i][j] == best[i + 1][j + 1] + score:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j] + _alone(left[i]):
            i += 1
        else:
            j += 1
    return pairs


def _score(one: Layer, other: Layer) -> float | None:
    """How well two layers fit, None if they cannot be the same."""
    if one.role != other.role:
        return None
    score = ROLE
    if one.parameters or other.parameters:
        score += PARAMETERS if parameters_agree(one, other) else OTHER_PARAMETERS
    if one.shape is not None and shapes_agree(one.shape, other.shape) != "different":
        score += SHAPE
    return score + (NAME if one.name == other.name else 0.0)


def _alone(layer: Layer) -> float:
    return ALONE if layer.parameters else 0.0


def _in_order(left: int, right: int, pairs: Mapping[int, int | None]) -> list[Pair]:
    """All layers, those of the right that stand alone after the one that they follow there."""
    of_right = {other for other in pairs.values() if other is not None}
    rows: list[Pair] = []
    told: set[int] = set()
    for place in range(left):
        other = pairs.get(place)
        if other is not None:
            ahead = [one for one in range(other) if one not in of_right and one not in told]
            rows += [(None, one) for one in ahead]
            told.update(ahead)
        rows.append((place, other))
    return rows + [(None, one) for one in range(right) if one not in of_right and one not in told]
