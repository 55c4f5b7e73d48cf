"""The expected calibration error: how far predicted probabilities are from what comes true."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trialstack.evaluation.bootstrap import SEED, blocks_of, resampled_counts, resamples_of
from trialstack.evaluation.checks import Labels, Probabilities
from trialstack.evaluation.intervals import Interval, around, deviation, wilson_interval

BINS = 10


def outcomes(
    y: Labels, probabilities: Probabilities
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """What was said of each row with which probability, and whether it came true.

    Two classes: that the row is of class 1. More: that it is of its most probable class, since
    looking at each class would leave too few rows in a bin.

    Args:
        y: Class indices, shape `(rows,)`.
        probabilities: Shape `(rows, classes)`.

    Returns:
        Probabilities and truth, each of shape `(rows,)`.
    """
    if probabilities.shape[1] == 2:
        return probabilities[:, 1], y == 1
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == y


def bins_of(p: NDArray[np.float64], bins: int = BINS) -> NDArray[np.intp]:
    """Index of each probability's bin: `bins` of equal width, each with its lower edge.

    The last bin has both of its edges.
    """
    edges = np.linspace(0, 1, bins + 1)
    return np.asarray(np.clip(np.searchsorted(edges, p, side="right") - 1, 0, bins - 1))


def calibration_error(y: Labels, probabilities: Probabilities, bins: int = BINS) -> float:
    """Expected calibration error: the mean over rows of `|observed - predicted|` of their bin.

    Args:
        y: Class indices, shape `(rows,)`.
        probabilities: Shape `(rows, classes)`; see `outcomes`.
        bins: Number of bins of equal width.

    Reference:
        Guo, C., Pleiss, G., Sun, Y. and Weinberger, K. Q. (2017). On calibration of modern neural
        networks. ICML, section 2.

    Example:
        >>> p = np.array([[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]])
        >>> round(calibration_error(np.array([0, 0, 1, 1]), p, bins=2), 4)
        0.1
    """
    p, came_true = outcomes(y, probabilities)
    return float(_error(_bin_sums(p, bins) @ (came_true - p), len(y)))


def calibration_error_interval(
    y: Labels,
    probabilities: Probabilities,
    level: float = 0.95,
    resamples: int | None = None,
    seed: int = SEED,
) -> Interval:
    """Interval of the expected calibration error, from a bootstrap and from what chance alone does.

    The error of a few rows is too large, even that of a perfectly calibrated model: chance moves
    what is observed away from what was predicted, in either direction, and each of them counts.
    Resamples have that twice, so that their quantiles are no ends of an interval. The upper end is
    as far above the estimate as the resamples' mean is above their lower quantile. The lower end
    is the upper quantile mirrored at the estimate (the *basic* bootstrap), and at least as far
    below the estimate as the error of a perfectly calibrated model reaches above zero: outcomes are
    drawn from the predicted probabilities themselves (consistency resampling). It is 0 where such
    a model might have the same error. Where all resamples agree, as those of a model that is sure
    and right do, Wilson's interval of a proportion stands in.

    Args:
        y: Class indices, shape `(rows,)`.
        probabilities: Shape `(rows, classes)`; see `outcomes`.
        level: Of confidence, between 0 and 1.
        resamples: How many of either kind; see `resamples_of`.
        seed: Of the drawing.

    Returns:
        An interval that contains the error of these rows.

    Reference:
        Davison, A. C. and Hinkley, D. V. (1997). Bootstrap Methods and their Application.
        Cambridge University Press, section 5.2 (the basic bootstrap).
        Broecker, J. and Smith, L. A. (2007). Increasing the reliability of reliability diagrams.
        Weather and Forecasting 22, 651-661 (consistency resampling).

    Example:
        >>> p1 = np.repeat([0.2, 0.8], 20)
        >>> y = np.repeat([0, 1, 0, 1], [16, 4, 4, 16])
        >>> low, high = calibration_error_interval(y, np.column_stack([1 - p1, p1]))
        >>> low, bool(high < 0.2)
        (0.0, True)
    """
    p, came_true = outcomes(y, probabilities)
    resamples = resamples or resamples_of(len(y))
    sums = _bin_sums(p)
    residuals = came_true - p
    error = float(_error(sums @ residuals, len(y)))
    any_row = np.zeros(len(y), dtype=np.int64)
    weighted = sums * residuals
    resampled = np.concatenate(
        [_error(weighted @ drawn, len(y)) for drawn in resampled_counts(any_row, resamples, seed)]
    )
    if not deviation(resampled) > 0:
        low, high = wilson_interval(error * len(y), len(y), level)
        return around(error, low, high)
    by_chance = _errors_by_chance(p, sums, resamples, seed)
    nearest, farthest = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    low = min(2 * error - farthest, error - np.quantile(by_chance, (1 + level) / 2))
    return around(error, float(low), float(error + resampled.mean() - nearest))


def _errors_by_chance(
    p: NDArray[np.float64], sums: NDArray[np.float64], resamples: int, seed: int
) -> NDArray[np.float64]:
    """Errors of a perfectly calibrated model that says the same, shape `(resamples,)`."""
    rng = np.random.default_rng([seed, 1])
    expected = (sums @ p)[:, np.newaxis]
    return np.concatenate(
        [
            _error(sums @ (rng.random((len(p), size)) < p[:, np.newaxis]) - expected, len(p))
            for size in blocks_of(resamples, len(p))
        ]
    )


def _bin_sums(p: NDArray[np.float64], bins: int = BINS) -> NDArray[np.float64]:
    """The matrix that sums over the rows of each bin, shape `(bins, rows)`."""
    return np.asarray(bins_of(p, bins) == np.arange(bins)[:, np.newaxis], dtype=np.float64)


def _error(sums: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
    """The error from each bin's sum of outcomes less probabilities, shape `(bins, ...)`."""
    return np.asarray(np.abs(sums).sum(axis=0) / rows)
