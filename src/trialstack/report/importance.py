"""Which hyperparameters made the difference between the trials of a search.

A random forest learns the trials' ranks from their hyperparameters; how much worse it predicts
trials that it has not seen when one hyperparameter is shuffled among them is that one's importance.
Ranks, because a few awful scores would otherwise be all that is explained.

Reference: Breiman, L. (2001). Random forests. Machine Learning 45, 5-32 (section 10). Intervals
    by resampling the trials, as in Ishwaran, H. and Lu, M. (2019). Standard errors and confidence
    intervals for variable importance in random forest regression. Statistics in Medicine 38,
    558-582.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.report.differences import names_of
from trialstack.report.search import Trial

FloatArray = NDArray[np.float64]

FEWEST_TRIALS = 20
RESAMPLES = 20
TREES = 8
"""Of the forest of a resample."""
MOST_ROWS = 300
"""Trials of a resample, and most that it is judged by: more cost time and change little."""
SHUFFLES = 4
INTERVAL = (10.0, 90.0)
"""Percentiles of the resamples."""
TELLING = 0.1
"""Share of the ranks' variance from which on a forest has something to say."""


@dataclass(frozen=True)
class HyperparameterImportance:
    """What one hyperparameter explains.

    Attributes:
        name: Its name.
        mean: Mean over the resamples of the error that shuffling it adds, as a share of the
            variance of the ranks; about 0 if it says nothing.
        low: Lower end of the interval that holds four fifths of the resamples.
        high: Its upper end.
    """

    name: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Importances:
    """What was found.

    Attributes:
        ranking: The most important first; empty if there is a `reason`.
        explained: Share of the variance of unseen trials' ranks that the forest explains; below 0
            if it is worse than their mean.
        trials: How many trials it is based on.
        reason: Why nothing can be said; empty if something can.
    """

    ranking: tuple[HyperparameterImportance, ...]
    explained: float
    trials: int
    reason: str = ""

    @property
    def is_telling(self) -> bool:
        """Whether the forest predicts ranks well enough for its importances to mean something."""
        return bool(self.ranking) and self.explained >= TELLING


def hyperparameter_importances(trials: Sequence[Trial]) -> Importances:
    """The importance of every hyperparameter that varies.

    Args:
        trials: Of one search; those without a score are left out.
    """
    scored = [trial for trial in trials if trial.score is not None]
    rows = [trial.hyperparameters for trial in scored]
    names = [name for name in names_of(rows) if len({repr(row.get(name)) for row in rows}) > 1]
    count = len(scored)
    if reason := _too_little(count, len({trial.score for trial in scored}), names):
        return Importances((), 0.0, count, reason)
    X = np.column_stack([_column([row.get(name) for row in rows]) for name in names])
    ranks = _ranks(np.array([trial.score for trial in scored], np.float64))
    added, explained = _resampled(X, ranks)
    low, high = np.percentile(added, INTERVAL, axis=0)
    found = [
        HyperparameterImportance(name, float(added[:, k].mean()), float(low[k]), float(high[k]))
        for k, name in enumerate(names)
    ]
    ranking = sorted(found, key=lambda one: -one.mean)
    return Importances(tuple(ranking), float(explained.mean()), count)


def _too_little(count: int, scores: int, names: Sequence[str]) -> str:
    if count < FEWEST_TRIALS:
        trials = f"{count} trial{'s have' if count != 1 else ' has'} a score"
        return f"{trials}; fewer than {FEWEST_TRIALS} say nothing that chance could not"
    if not names:
        return "no hyperparameter varies"
    return "all trials have the same score" if scores == 1 else ""


def _resampled(X: FloatArray, ranks: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Added error and explained variance of forests on resampled trials.

    Returns:
        Shapes `(resamples, hyperparameters)` and `(resamples,)`, both as shares of the variance.
    """
    rng = np.random.default_rng(0)  # the same search has the same report
    count, width = X.shape
    added, explained = np.empty((RESAMPLES, width)), np.empty(RESAMPLES)
    for b in range(RESAMPLES):
        seen = rng.integers(0, count, min(count, MOST_ROWS))
        unseen = np.setdiff1d(np.arange(count), seen)
        unseen = rng.permutation(unseen)[:MOST_ROWS]
        forest = _forest(X[seen], ranks[seen], rng)
        shuffled = [X[unseen]]
        for k in range(width):
            for _ in range(SHUFFLES):
                copy = X[unseen].copy()
                copy[:, k] = rng.permutation(copy[:, k])
                shuffled.append(copy)
        rows = np.concatenate(shuffled)
        said = np.mean([tree.predict(rows) for tree in forest], axis=0)
        said = said.reshape(len(shuffled), len(unseen))
        errors = np.mean((said - ranks[unseen]) ** 2, axis=1) / ranks.var()
        explained[b] = 1.0 - errors[0]
        added[b] = errors[1:].reshape(width, SHUFFLES).mean(axis=1) - errors[0]
    return added, explained


def _forest(X: FloatArray, ranks: FloatArray, rng: np.random.Generator) -> list[Any]:
    """A small random forest: the trees alone, as scikit-learn's forests take three times as long.

    Args:
        X: Shape `(trials, hyperparameters)`; NaN where a trial lacks one.
        ranks: Shape `(trials,)`.
        rng: Draws each tree's trials.
    """
    from sklearn.tree import DecisionTreeRegressor

    forest = []
    for _ in range(TREES):
        drawn = rng.integers(0, len(X), len(X))
        seed = int(rng.integers(2**31))
        tree = DecisionTreeRegressor(min_samples_leaf=2, max_features=0.6, random_state=seed)
        forest.append(tree.fit(X[drawn], ranks[drawn]))
    return forest


def _column(values: Sequence[object]) -> FloatArray:
    """Values as numbers, which is all that a tree needs: text by its place in alphabetical order.

    Of a hyperparameter that a trial does not have: NaN, which the trees split off.
    """
    known = sorted({value for value in values if isinstance(value, str)})
    places = {text: float(place) for place, text in enumerate(known)}
    if known:  # numbers among text: before it
        return np.array(
            [places.get(v, -1.0) if v is not None else np.nan for v in map(_text, values)]
        )
    return np.array([np.nan if value is None else float(value) for value in values])  # type: ignore[arg-type]


def _text(value: object) -> str | None:
    return value if isinstance(value, str | None) else str(value)


def _ranks(scores: FloatArray) -> FloatArray:
    """Ranks from 0 to 1; equal scores share theirs."""
    from scipy.stats import rankdata

    ranks: FloatArray = (rankdata(scores) - 1.0) / (len(scores) - 1.0)
    return ranks
