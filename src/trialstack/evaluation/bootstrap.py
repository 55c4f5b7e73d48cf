"""Bootstrap of the AUC: what it would have been with other rows from the same source.

Rows are drawn with replacement within each class (stratified), so that every resample has as many
rows of each class as the data. A resample is then a vector of counts, one for each row, and all
resamples' AUCs come at once from the counts in the order of the scores: nothing is sorted twice.

Reference:
    Efron, B. and Tibshirani, R. J. (1993). An Introduction to the Bootstrap. Chapman and Hall.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from trialstack.evaluation.checks import Labels, Probabilities

RESAMPLES = 2000
SEED = 0
BLOCK_ELEMENTS = 4_000_000
"""Counts held in memory at a time (32 MB); more rows mean fewer resamples a block."""


def bootstrap_auc(
    y: Labels,
    models: Sequence[Probabilities],
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> NDArray[np.float64]:
    """One-vs-rest macro AUC of each model in each resample.

    All models see the same resamples, so that differences between columns are paired.

    Args:
        y: Class indices, shape `(rows,)`.
        models: Probabilities of each model, of shape `(rows, classes)`.
        resamples: How many.
        seed: Of the drawing.

    Returns:
        Shape `(resamples, models)`. The mean is over the classes that occur in `y`.
    """
    occurring = np.unique(y)
    blocks = [
        np.stack(
            [np.mean([_auc(y == k, p[:, k], counts) for k in occurring], axis=0) for p in models],
            axis=1,
        )
        for counts in _resampled_counts(y, resamples, seed)
    ]
    return np.concatenate(blocks)


def _resampled_counts(y: Labels, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Blocks of shape `(resamples of the block, rows)`: how often each row was drawn."""
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(y == k) for k in np.unique(y)]
    block = max(1, BLOCK_ELEMENTS // len(y))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        counts = np.empty((size, len(y)))
        for rows in members:
            drawn = rng.integers(len(rows), size=(size, len(rows)))
            drawn += len(rows) * np.arange(size)[:, np.newaxis]  # one range of bins a resample
            bins = np.bincount(drawn.ravel(), minlength=size * len(rows))
            counts[:, rows] = bins.reshape(size, len(rows))
        yield counts


def _auc(
    positive: NDArray[np.bool_], scores: NDArray[np.float64], counts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """AUC of each row of `counts`: pairs won, ties one half, over all pairs."""
    order = np.argsort(scores)
    group_starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
    counts = counts[:, order]
    above = np.add.reduceat(counts * positive[order], group_starts, axis=1)
    below = np.add.reduceat(counts * ~positive[order], group_starts, axis=1)
    wins = above * (np.cumsum(below, axis=1) - below / 2)
    # Stratified: every resample has as many positive rows as the data.
    pairs = np.count_nonzero(positive) * np.count_nonzero(~positive)
    return np.asarray(wins.sum(axis=1) / pairs)
