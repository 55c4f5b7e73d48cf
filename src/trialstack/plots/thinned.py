"""Lines of very many points, of which a picture shows fewer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOST_POINTS = 10_000
"""Of a line that is drawn as it is."""

COLUMNS = 1000
"""Of a picture: about as many as it has pixels across."""

SEEN = 0.004
"""Share of a line's height that can be seen."""


def thinned(
    x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The points of a line that can be seen: the first of each column, and what stands out of it.

    Args:
        x: Ascending or descending, shape `(points,)`.
        y: Shape `(points,)`.

    Returns:
        The first and the last point, the first one of each column, and its lowest and highest if
        they can be told apart, in their order; all points if there are no more than 10,000.

    Example:
        >>> x = np.linspace(0, 1, 100_000)
        >>> few, heights = thinned(x, np.sin(500 * x))
        >>> len(few) <= 3001, float(few[0]), float(few[-1]), bool(heights.max() > 0.9999)
        (True, 0.0, 1.0, True)
    """
    if len(x) <= MOST_POINTS:
        return x, y
    low, high = x.min(), x.max()
    column = ((x - low) * ((COLUMNS - 1) / ((high - low) or 1.0))).astype(np.intp)
    by_height = np.lexsort((y, column))
    ends = np.flatnonzero(np.diff(column[by_height]))
    lowest = by_height[np.concatenate([[0], ends + 1])]
    highest = by_height[np.concatenate([ends, [len(x) - 1]])]
    with np.errstate(invalid="ignore"):  # NaN is the highest, and stands out of nothing
        apart = y[highest] - y[lowest] > SEEN * (np.nanmax(y) - np.nanmin(y))
    kept = np.zeros(len(x), bool)
    kept[[0, -1]] = kept[np.flatnonzero(np.diff(column)) + 1] = True
    kept[lowest[apart]] = kept[highest[apart]] = True
    return x[kept], y[kept]
