"""How sure a classifier is: its rows by predicted probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstack.evaluation.calibration_error import bins_of, outcomes
from trialstack.evaluation.checks import check_names, check_predictions

BINS = 20


@dataclass(frozen=True, eq=False)
class ScoreHistogram:
    """Rows in bins of predicted probability, told apart by what is true.

    Attributes:
        label: The class whose probability it is; empty where each row's most probable class was
            looked at.
        edges: Of all bins, shape `(bins + 1,)`.
        counts: Of two classes, name of the true class -> rows in each bin, shape `(bins,)`; of
            more, `"right"` and `"wrong"` -> the same.
    """

    label: str
    edges: NDArray[np.float64]
    counts: Mapping[str, NDArray[np.int64]]


def score_histogram(
    y: ArrayLike, probabilities: ArrayLike, classes: Sequence[str], bins: int = BINS
) -> ScoreHistogram:
    """How many rows were given which probability.

    Two classes: the probability of class 1, for rows of either class. A good model has them at
    opposite ends. More: the probability of each row's most probable class, for rows that it is
    right and wrong for.

    Args:
        y: Class indices, shape `(rows,)`.
        probabilities: Shape `(rows, classes)`.
        classes: Names of the classes, in the order of the columns.
        bins: Number of bins of equal width.

    Raises:
        DataError: See `check_predictions`; or the number of names does not fit.

    Example:
        >>> p = [[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]]
        >>> histogram = score_histogram([0, 0, 1, 1], p, ["no", "yes"], bins=2)
        >>> {name: counts.tolist() for name, counts in histogram.counts.items()}
        {'no': [2, 0], 'yes': [1, 1]}
    """
    labels, matrix = check_predictions(y, probabilities)
    check_names(matrix, classes)
    p, came_true = outcomes(labels, matrix)
    binary = len(classes) == 2
    names = [str(name) for name in classes] if binary else ["wrong", "right"]
    index = bins_of(p, bins)
    return ScoreHistogram(
        label=names[1] if binary else "",
        edges=np.linspace(0, 1, bins + 1),
        counts={
            name: np.bincount(index[came_true == truth], minlength=bins)
            for name, truth in zip(names, (False, True), strict=True)
        },
    )
