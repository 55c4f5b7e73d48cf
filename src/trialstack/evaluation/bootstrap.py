"""Bootstrap of the AUC: what it would have been with other rows from the same source.

Rows are drawn with replacement within each class (stratified), so that every resample has as many
rows of each class as the data. A resample is then a vector of counts, one for each row, and all
resamples' AUCs come at once from running sums of counts in the order of the scores: nothing is
sorted twice.

Reference:
    Efron, B. and Tibshirani, R. J. (1993). An Introduction to the Bootstrap. Chapman and Hall.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from trialstack.evaluation.checks import Labels, Probabilities

RESAMPLES = 2000
FEWEST_RESAMPLES = 200
MOST_DRAWN_ROWS = 40_000_000
"""Beyond this many rows drawn in all there are fewer resamples: 2000 up to 20,000 rows, 400 for
100,000, whose intervals are narrow anyway."""

SEED = 0
BLOCK_ELEMENTS = 2_000_000
"""Counts held in memory at a time (16 MB); more rows mean fewer resamples a block."""


def bootstrap_auc(
    y: Labels,
    models: Sequence[Probabilities],
    resamples: int | None = None,
    seed: int = SEED,
) -> NDArray[np.float64]:
    """One-vs-rest macro AUC of each model in each resample.

    All models see the same resamples, so that differences between columns are paired.

    Args:
        y: Class indices, shape `(rows,)`.
        models: Probabilities of each model, of shape `(rows, classes)`.
        resamples: How many; by default 2000, and fewer for more than 20,000 rows.
        seed: Of the drawing.

    Returns:
        Shape `(resamples, models)`. The mean is over the classes that occur in `y`.
    """
    if resamples is None:
        resamples = min(RESAMPLES, max(FEWEST_RESAMPLES, MOST_DRAWN_ROWS // len(y)))
    occurring = np.unique(y)
    blocks = [
        [np.mean([_auc(y == k, p[:, k], counts) for k in occurring], axis=0) for p in models]
        for counts in _resampled_counts(y, resamples, seed)
    ]
    return np.concatenate(blocks, axis=1).T


def _resampled_counts(y: Labels, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Blocks of shape `(rows, resamples of the block)`: how often each row was drawn."""
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(y == k) for k in np.unique(y)]
    block = max(1, BLOCK_ELEMENTS // len(y))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        counts = np.empty((len(y), size))
        for rows in members:
            drawn = rng.integers(len(rows), size=(size, len(rows)))
            drawn += len(rows) * np.arange(size)[:, np.newaxis]  # one range of bins a resample
            bins = np.bincount(drawn.ravel(), minlength=size * len(rows))
            counts[rows] = bins.reshape(size, len(rows)).T
        yield counts


def _auc(
    positive: NDArray[np.bool_], scores: NDArray[np.float64], counts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """AUC of each column of `counts`: pairs won, ties one half, over all pairs."""
    positives, negatives = np.flatnonzero(positive), np.flatnonzero(~positive)
    negatives = negatives[np.argsort(scores[negatives])]
    # Row i: how many negative rows are among the i lowest.
    lowest = np.zeros((len(negatives) + 1, counts.shape[1]))
    np.cumsum(counts[negatives], axis=0, out=lowest[1:])
    below = np.searchsorted(scores[negatives], scores[positives], side="left")
    not_above = np.searchsorted(scores[negatives], scores[positives], side="right")
    wins = np.einsum("ij,ij->j", counts[positives], lowest[below] + lowest[not_above]) / 2
    # Stratified: every resample has as many positive rows as the data.
    return np.asarray(wins / (len(positives) * len(negatives)))
