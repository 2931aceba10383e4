"""How much each hyper-parameter matters for a metric: permutation importance of a random forest.

Breiman, "Random forests", Machine Learning, 2001. Both the forest's score and the importances are those of
runs that it was not fitted to, so that a forest that learned nothing says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..storage.errors import MissingExtra

FEWEST = 12
LEAST_SCORE = 0.1
_FOLDS, _TREES, _REPEATS = 4, 50, 5


@dataclass(frozen=True)
class Importance:
    """By how much R² falls, over the folds, where a hyper-parameter is shuffled: ``mean`` and ``deviation``.

    ``score`` is the R² of the forest, at most 1; ``problem`` says why the numbers must not be trusted, or
    why there are none.
    """

    keys: list[str]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    score: float
    problem: str


def importance(keys: list[str], places: Sequence[NDArray[np.float64]], values: Any) -> Importance:
    """Of hyper-parameters, each with its place in every trial, for values; trials without one are left out.

    Raises ``MissingExtra`` without scikit-learn.
    """
    told = np.isfinite(values)
    count = int(told.sum())
    if count < FEWEST or not keys:
        return _none(f"{count} runs have a value; importance needs {FEWEST}, and hyper-parameters that vary.")
    if np.ptp(values[told]) == 0:
        return _none("The metric is the same in all runs.")
    table = np.nan_to_num(np.stack(places, axis=1)[told], nan=-1e9)
    scores, falls = _fitted(table, values[told])
    problem = ""
    if scores.mean() < LEAST_SCORE:
        problem = (
            "The forest explains nothing of runs that it has not seen: there are too few, or it is noise."
        )
    order = np.argsort(-falls.mean(axis=0), kind="stable")
    mean, deviation = falls.mean(axis=0)[order], falls.std(axis=0)[order]
    return Importance([keys[at] for at in order.tolist()], mean, deviation, float(scores.mean()), problem)


def _fitted(
    table: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """R² of each fold, and a row of falls of R² for each of its shuffles."""
    try:
        from sklearn.ensemble import RandomForestRegressor
        from sklearn.inspection import permutation_importance
        from sklearn.model_selection import KFold
    except ImportError as error:
        raise MissingExtra("Importance needs scikit-learn: pip install 'trainboard[hparams]'.") from error
    scores, falls = [], []
    for fitted, held in KFold(_FOLDS, shuffle=True, random_state=0).split(table):
        forest = RandomForestRegressor(_TREES, random_state=0).fit(table[fitted], values[fitted])
        scores.append(forest.score(table[held], values[held]))
        shuffled: Any = permutation_importance(
            forest, table[held], values[held], n_repeats=_REPEATS, random_state=0
        )
        falls.append(shuffled.importances.T)
    return np.array(scores), np.concatenate(falls)


def _none(problem: str) -> Importance:
    return Importance([], np.empty(0), np.empty(0), np.nan, problem)
