"""How sure the average precision is, the area under the precision-recall curve in steps."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trialstack.evaluation.checks import Labels, Probabilities, scored_classes
from trialstack.evaluation.intervals import (
    ROUNDING,
    Interval,
    around,
    logit_interval,
    wilson_interval,
)


def average_precision_interval(
    y: Labels, probabilities: Probabilities, level: float = 0.95
) -> Interval:
    """Interval of the average precision, symmetric on the logit scale.

    Its standard error tells how much the score would change if each row weighed a little more
    (`average_precision_influences`): to a few per cent that of a bootstrap by class, and without
    drawing anything. Where there is no such change (a model that ranks without error, or all rows
    alike) or a class has one row only, Wilson's interval for as many rows as are positive stands
    in; of several classes, the mean of their intervals.

    Args:
        y: Class indices, shape `(rows,)`.
        probabilities: Shape `(rows, classes)`; of two classes the second is scored, of more the
            mean of each that occurs against the rest.
        level: Of confidence, between 0 and 1.

    Returns:
        An interval that contains the average precision.

    Reference:
        Efron, B. (1982). The Jackknife, the Bootstrap and Other Resampling Plans. SIAM, chapter 6
        (the infinitesimal jackknife).
        Boyd, K., Eng, K. H. and Page, C. D. (2013). Area under the precision-recall curve: point
        estimates and confidence intervals. ECML PKDD (the logit scale; Wilson's interval takes
        the place of their binomial one).

    Example:
        >>> p1 = np.array([0.1, 0.2, 0.6, 0.5, 0.8, 0.9])
        >>> y = np.array([0, 0, 0, 1, 1, 1])
        >>> low, high = average_precision_interval(y, np.column_stack([1 - p1, p1]))
        >>> f"{low:.3f} to {high:.3f}"
        '0.432 to 0.994'
    """
    scored = scored_classes(y, probabilities.shape[1])
    influences = np.array(
        [average_precision_influences(y == k, probabilities[:, k]) for k in scored]
    )
    areas = influences.sum(axis=1)
    area = min(1.0, float(areas.mean()))
    error = _stratified_error(influences.mean(axis=0), y)
    if error > ROUNDING and area < 1:
        return logit_interval(area, error, level)
    sizes = [int(np.count_nonzero(y == k)) for k in scored]
    each = [
        wilson_interval(min(1.0, one) * size, size, level)
        for one, size in zip(areas.tolist(), sizes, strict=True)
    ]
    low, high = np.mean(each, axis=0)
    return around(area, float(low), float(high))


def average_precision_influences(
    positive: NDArray[np.bool_], scores: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How the average precision changes with the weight of each row; their sum is itself.

    With the weights `w` (all 1), `F` and `A` the weights of positive and of all rows that score no
    less than row `i`, and `P` that of all positive rows, which stays,

        AP = sum over positive i of w_i F_i / (A_i P)

    Args:
        positive: Which rows are of the class, shape `(rows,)`; one at least.
        scores: Higher means more likely positive, shape `(rows,)`.

    Returns:
        Derivatives `d AP / d w`, shape `(rows,)`.

    Example:
        >>> y = np.array([False, True, True])
        >>> average_precision_influences(y, np.array([0.4, 0.3, 0.8])).round(4).tolist()
        [-0.1111, 0.3889, 0.5556]
    """
    order = np.argsort(-scores)
    falling, is_case = -scores[order], positive[order]
    first = np.searchsorted(falling, falling, side="left")
    last = np.searchsorted(falling, falling, side="right") - 1
    alarms = last + 1.0
    found = np.cumsum(is_case)[last]
    # A row counts in the precision at its own score and at all below, as an alarm and, if it is
    # positive, as one that is right.
    as_alarm = _sum_from(first, is_case * found / alarms**2)
    as_found = _sum_from(first, is_case / alarms)
    influences = np.empty(len(scores))
    influences[order] = is_case * (found / alarms + as_found) - as_alarm
    return influences / np.count_nonzero(positive)


def _sum_from(first: NDArray[np.intp], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each row, the sum of the values from its first tie to the last row."""
    return np.asarray(np.cumsum(values[::-1])[::-1][first])


def _stratified_error(influences: NDArray[np.float64], y: Labels) -> float:
    """Standard error of a score under sampling within each class; NaN where one has one row."""
    members = [influences[y == k] for k in np.unique(y)]
    if min(map(len, members)) < 2:
        return float("nan")
    return math.sqrt(sum(len(rows) * float(np.var(rows, ddof=1)) for rows in members))
