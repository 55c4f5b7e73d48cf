"""Which models to average, out of many, by what they say of rows that none was fitted on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trialstack.evaluation.checks import Labels

SMALLEST = 1e-7
"""Probability that a loss is finite for, as Keras has it."""


def greedy_selection(
    probabilities: NDArray[np.floating], y: Labels, rounds: int
) -> NDArray[np.int64]:
    """How often each model is to be taken into a mean, one at a time and always the best one.

    A model may be taken again, which gives it more weight, so few good models are enough. The
    loss is the cross-entropy: unlike an AUC it differs for every mean even where rows are few. Of
    all rounds, the mean with the smallest loss is kept.

    Args:
        probabilities: Shape `(models, rows, classes)`, the most trusted model first: of equal
            ones, it is taken.
        y: Class index of each row, shape `(rows,)`.
        rounds: Models taken at most, repetitions included.

    Returns:
        Shape `(models,)`; the sum is from 1 to `rounds`.

    Reference:
        Caruana, R., Niculescu-Mizil, A., Crew, G. and Ksikes, A. (2004). Ensemble selection from
        libraries of models. ICML, sections 2 and 2.1.

    Example:
        Two models that are each sure of one row and wrong about none are better together:

        >>> sure_of_0 = [[0.9, 0.1], [0.5, 0.5]]
        >>> sure_of_1 = [[0.5, 0.5], [0.1, 0.9]]
        >>> greedy_selection(np.array([sure_of_0, sure_of_1]), np.array([0, 1]), 2).tolist()
        [1, 1]
    """
    of_true_class = probabilities[:, np.arange(len(y)), y].astype(np.float64)
    total = np.zeros(len(y))
    taken: list[int] = []
    losses: list[float] = []
    for size in range(1, rounds + 1):
        means = np.maximum((total + of_true_class) / size, SMALLEST)
        loss = -np.log(means).mean(axis=1)
        best = int(np.argmin(loss))
        total += of_true_class[best]
        taken.append(best)
        losses.append(float(loss[best]))
    kept = taken[: int(np.argmin(losses)) + 1]
    return np.bincount(kept, minlength=len(probabilities))
