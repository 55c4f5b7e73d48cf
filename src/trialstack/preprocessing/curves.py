"""Piecewise-linear curves, one a column, whose corners are quantiles of the training rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trialstack.preprocessing.prepared import Matrix

Numbers = NDArray[np.float64]
"""One a knot."""


@dataclass(frozen=True, eq=False)
class Knots:
    """Where the curve of a column bends.

    Attributes:
        at: Values of the column, ascending and distinct, at least one.
        share: Of the training rows that are below each (of equal values, half), from 0 to 1.
    """

    at: Numbers
    share: Numbers

    @property
    def starts(self) -> Numbers:
        """Where each piece begins, one fewer than there are knots."""
        return self.at[:-1]

    @property
    def widths(self) -> Numbers:
        """Of the pieces."""
        return np.diff(self.at)

    def padded(self, pieces: int) -> Knots:
        """The same with more pieces, all of them above the last knot."""
        more = np.arange(1, pieces - len(self.widths) + 1)
        return Knots(
            np.append(self.at, self.at[-1] + more), np.append(self.share, np.ones(len(more)))
        )


def knots_of(values: NDArray[np.float32], pieces: int) -> Knots:
    """Knots at evenly spaced quantiles.

    Args:
        values: Of one column, none missing, shape `(rows,)`.
        pieces: At most; quantiles that are equal become one knot.

    Example:
        >>> knots = knots_of(np.array([1.0, 2.0, 3.0, 4.0, 9.0], np.float32), 4)
        >>> knots.at.tolist(), knots.share.tolist()
        ([1.0, 2.0, 3.0, 4.0, 9.0], [0.0, 0.25, 0.5, 0.75, 1.0])
        >>> knots = knots_of(np.array([0.0, 0.0, 0.0, 0.0, 8.0], np.float32), 4)
        >>> knots.at.tolist(), knots.share.tolist()  # four of the quantiles are 0
        ([0.0, 8.0], [0.375, 1.0])
    """
    shares = np.linspace(0.0, 1.0, pieces + 1)
    quantiles = np.quantile(values, shares, method="linear").astype(np.float32)
    at, place, count = np.unique(quantiles, return_inverse=True, return_counts=True)
    return Knots(at.astype(np.float64), np.bincount(place, shares) / count)


def normal_heights(knots: Knots, pieces: int) -> Numbers:
    """What a normal variable has at the knots' shares, the ends half a piece from 0 and 1.

    Args:
        knots: Of a column.
        pieces: That were asked for.
    """
    from scipy.special import ndtri

    inside = np.clip(knots.share, 0.5 / pieces, 1.0 - 0.5 / pieces)
    return np.asarray(ndtri(inside), dtype=np.float64)


def uniform_heights(knots: Knots, pieces: int) -> Numbers:
    """The knots' shares, brought from 0 to 1 to the square root of 3 on either side of 0.

    So they have variance 1, as the other encodings'.
    """
    return np.asarray((2.0 * knots.share - 1.0) * np.sqrt(3.0))


@dataclass(frozen=True, eq=False)
class Spread:
    """Middle and width of each column, which outliers do not move.

    Attributes:
        middle: Median, shape `(columns,)`.
        width: Between the quartiles; of a column whose quartiles are equal, half its range, and
            of one that never changes, 1.
    """

    middle: Numbers
    width: Numbers

    @classmethod
    def of(cls, X: Matrix) -> Spread:
        """The spread of some rows.

        Example:
            >>> spread = Spread.of(np.array([[0, 0], [2, 0], [4, 0], [6, 8]], np.float32))
            >>> spread.middle.tolist(), spread.width.tolist()
            ([3.0, 0.0], [3.0, 2.0])
        """
        low, middle, high = np.quantile(X, [0.25, 0.5, 0.75], axis=0)
        half = (X.max(axis=0) - X.min(axis=0)) / 2.0
        width = np.where(high > low, high - low, np.where(half > 0, half, 1.0))
        return cls(middle.astype(np.float64), width.astype(np.float64))
