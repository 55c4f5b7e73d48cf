"""A series of numbers as a line of text, one character a number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Series = Sequence[float] | NDArray[np.float64]

BLOCKS = "▁▂▃▄▅▆▇█"
MISSING = "×"
WHISKER = 1.5
"""Interquartile ranges beyond the quartiles; what lies further out is drawn at the edge."""


def sparkline(values: Series, low: float, high: float) -> str:
    """Draws one block a value.

    Args:
        values: Shape `(n,)`; NaN is drawn as a cross.
        low: What the lowest block stands for, and all below it.
        high: What the highest block stands for, and all above it.

    Example:
        >>> sparkline([0.0, 0.5, float("nan"), 1.0, 7.0], 0.0, 1.0)
        '▁▅×██'
    """
    span = high - low
    marks = []
    for value in values:
        if np.isnan(value):
            marks.append(MISSING)
            continue
        share = (value - low) / span if span > 0 else 1.0
        marks.append(BLOCKS[min(max(int(share * len(BLOCKS)), 0), len(BLOCKS) - 1)])
    return "".join(marks)


def spread(values: Series, better_is_high: bool) -> tuple[float, float]:
    """The range that a sparkline of scores needs: few bad ones must not press all others flat.

    The good end is the best value; the bad end is the worst one within Tukey's whisker.

    Args:
        values: Shape `(n,)`, at least one that is no NaN.
        better_is_high: Which end is the good one.

    Reference:
        Tukey, Exploratory Data Analysis (1977), section 2C: fences at 1.5 times the spread of the
        quartiles.

    Example:
        >>> spread([0.9, 0.91, 0.92, 0.93, 0.1], better_is_high=True)
        (0.9, 0.93)
    """
    known = np.asarray([value for value in values if not np.isnan(value)])
    first, third = np.quantile(known, [0.25, 0.75])
    fence = WHISKER * (third - first)
    if better_is_high:
        return float(known[known >= first - fence].min()), float(known.max())
    return float(known.min()), float(known[known <= third + fence].max())


def binned(values: Series, width: int) -> NDArray[np.float64]:
    """Means of neighbours, so that a long series fits; NaN only where a whole bin has no number.

    Args:
        values: Shape `(n,)`.
        width: Most values of the result.

    Returns:
        Shape `(min(n, width),)`.

    Example:
        >>> binned([1.0, 3.0, 5.0, float("nan")], 2)
        array([2., 5.])
    """
    parts = _bins(values, width)
    return np.asarray([np.nan if np.isnan(part).all() else np.nanmean(part) for part in parts])


def last_of_bins(values: Series, width: int) -> NDArray[np.float64]:
    """As `binned`, with the last of the neighbours in place of their mean.

    Example:
        >>> last_of_bins([1.0, 3.0, 5.0, 6.0], 2)
        array([3., 6.])
    """
    return np.asarray([part[-1] for part in _bins(values, width)])


def _bins(values: Series, width: int) -> list[NDArray[np.float64]]:
    series = np.asarray(values, dtype=np.float64)
    return np.array_split(series, min(width, len(series)))


def best_so_far(values: Series, better_is_high: bool) -> NDArray[np.float64]:
    """The best value up to each place; NaN until there is one.

    Example:
        >>> best_so_far([float("nan"), 0.5, 0.4, float("nan"), 0.7], better_is_high=True)
        array([nan, 0.5, 0.5, 0.5, 0.7])
    """
    series = np.asarray(values, dtype=np.float64)
    running = np.fmax if better_is_high else np.fmin
    best: NDArray[np.float64] = running.accumulate(series)
    return best
