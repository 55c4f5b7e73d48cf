"""Bootstrap: what a score would have been with other rows from the same source.

Rows are drawn with replacement within each class (stratified), so that every resample has as many
rows of each class as the data. A resample is then a vector of counts, one for each row, and all
resamples' scores come at once from running sums of counts in the order of the model's outputs:
nothing is sorted twice.

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
MOST_DRAWN_ROWS = 20_000_000
"""Beyond this many rows drawn in all, times the classes that they are scored for, there are fewer
resamples: of one class 2000 up to 10,000 rows, 200 for 100,000, whose intervals are narrow."""

SEED = 0
BLOCK_ELEMENTS = 200_000
"""Counts worked on at a time (1.6 MB, about what a processor's own memory holds) ..."""

BLOCK_RESAMPLES = 16
"""... but so many resamples at least, whose counts of a row stand side by side ..."""

MOST_BLOCK_ELEMENTS = 10 * BLOCK_ELEMENTS
"""... as long as these are no more than that."""


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
        resamples: How many; see `resamples_of`.
        seed: Of the drawing.

    Returns:
        Shape `(resamples, models)`. The mean is over the classes that occur in `y`.
    """
    occurring = np.unique(y)
    blocks = [
        [np.mean([_auc(y == k, p[:, k], counts) for k in occurring], axis=0) for p in models]
        for counts in resampled_counts(y, resamples or resamples_of(len(y), len(occurring)), seed)
    ]
    return np.concatenate(blocks, axis=1).T


def resamples_of(rows: int, classes: int = 1) -> int:
    """How many resamples are drawn: 2000, and fewer where that would take long.

    Args:
        rows: Number of rows.
        classes: How many are scored, each against the rest.

    Example:
        >>> resamples_of(143), resamples_of(20_000), resamples_of(100_000, classes=10)
        (2000, 1000, 200)
    """
    return min(RESAMPLES, max(FEWEST_RESAMPLES, MOST_DRAWN_ROWS // (rows * classes)))


def resampled_counts(
    strata: NDArray[np.int64], resamples: int, seed: int
) -> Iterator[NDArray[np.float64]]:
    """Blocks of shape `(rows, resamples of the block)`: how often each row was drawn.

    Args:
        strata: Every resample has as many rows of each value as there are, shape `(rows,)`.
        resamples: How many in all blocks.
        seed: Of the drawing.
    """
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(strata == k) for k in np.unique(strata)]
    for size in blocks_of(resamples, len(strata)):
        counts = np.empty((len(strata), size))
        for rows in members:
            drawn = rng.integers(len(rows), size=(size, len(rows)))
            drawn += len(rows) * np.arange(size)[:, np.newaxis]  # one range of bins a resample
            bins = np.bincount(drawn.ravel(), minlength=size * len(rows))
            counts[rows] = bins.reshape(size, len(rows)).T
        yield counts


def blocks_of(resamples: int, rows: int) -> Iterator[int]:
    """Sizes of the blocks in which resamples are drawn and scored."""
    side_by_side = min(BLOCK_RESAMPLES, MOST_BLOCK_ELEMENTS // rows)
    block = max(BLOCK_ELEMENTS // rows, side_by_side, 1)
    for start in range(0, resamples, block):
        yield min(block, resamples - start)


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
