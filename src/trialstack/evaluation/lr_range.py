"""The learning-rate range test: which learning rate a model's own loss curve speaks for.

A model is trained while its learning rate grows a little with every epoch. The loss hardly moves
at first, then it falls, is lowest somewhere, and rises when the steps become too large.

Reference:
    Smith, L. N. (2017). Cyclical learning rates for training neural networks. WACV.
    https://arxiv.org/abs/1506.01186
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstack.errors import InputError
from trialstack.evaluation.rate_schedule import RateSchedule

__all__ = ["RangeTest", "RateSchedule", "range_test", "smooth"]

FloatArray = NDArray[np.float64]

SMOOTHED_DECADES = 0.25
"""Width of the smoothing: five epochs of the default schedule. "About ten times" is coarser."""
ABOUT = math.sqrt(10.0)
"""About a tenth is from a tenth divided by this to a tenth times this: half a decade each way."""
LEAST_FALL = 0.01
"""Share of its first value that a loss has to lose; one that loses less never falls."""
LEAST_SLOPE = 0.05
"""Share of the whole fall that a curve would lose in a decade of where it "still falls"."""


@dataclass(frozen=True, eq=False)
class RangeTest:
    """A swept training, and what follows from it.

    Attributes:
        schedule: Of the learning rate.
        losses: Loss of each training and epoch, shape `(trainings, epochs)`; NaN from the epoch on
            in which a training diverged.
        loss: Median over the trainings, shape `(epochs,)`; NaN where it is not finite.
        smoothed: Of `loss` up to its first NaN, which it is from there on.
        minimum: Epoch of the lowest smoothed loss; None where no loss is finite.
        suggestion: Learning rate to train with, to two significant digits; None = none.
        reason: Why it is this one, or why there is none: one sentence.
    """

    schedule: RateSchedule
    losses: FloatArray
    loss: FloatArray
    smoothed: FloatArray
    minimum: int | None
    suggestion: float | None
    reason: str

    @property
    def rates(self) -> FloatArray:
        """The learning rate of every epoch, shape `(epochs,)`."""
        return self.schedule.rates

    def sentence(self) -> str:
        """The suggestion with its reason, or that there is none and why."""
        if self.suggestion is None:
            return f"no learning rate is suggested: {self.reason}"
        return f"suggested learning rate {self.suggestion:g}: {self.reason}"


def range_test(schedule: RateSchedule, losses: Sequence[ArrayLike]) -> RangeTest:
    """Reads the curves of a sweep and suggests a learning rate.

    The rule: the smoothed loss is lowest at some rate; of the rates about ten times below that, the
    one at which it falls most steeply, to what it has not been before. There is no suggestion where
    a sweep does not show that: the loss never falls, it still falls at the end, it was lowest near
    the beginning, or it is level about ten times below.

    Args:
        schedule: How the learning rate grew.
        losses: Of each training one value an epoch; one that diverged may be shorter. The curve
            that is read is their median, epoch by epoch.

    Raises:
        InputError: There is no training, or one has more epochs than the schedule.

    Reference:
        A tenth, "where the loss still falls", is the rule of the circles tutorial; "about" is half
        a decade each way here. fastai's `lr_find` gives both parts of it as suggestions of their
        own, `minimum` (a tenth of the best rate) and `steep`.

    Example:
        >>> schedule = RateSchedule(1e-3, 10.0, 40)
        >>> loss = [0.7] * 10 + [0.7 - 0.03 * step for step in range(20)] + [1.0] * 10
        >>> test = range_test(schedule, [loss])
        >>> test.suggestion, test.reason
        (0.063, 'the steepest fall about ten times below the lowest loss, at 0.63')
    """
    curves = _table(schedule, losses)
    # A training that has diverged is above all others: the median feels it as infinite.
    median = np.median(np.where(np.isfinite(curves), curves, np.inf), axis=0)
    loss = np.where(np.isfinite(median), median, np.nan)
    smoothed, slope = smooth(schedule, loss)
    finite = int(np.isfinite(smoothed).sum())
    minimum = int(np.argmin(smoothed[:finite])) if finite else None
    chosen, reason = _choose(schedule, smoothed[:finite], slope[:finite])
    suggestion = None if chosen is None else float(f"{schedule.rate(chosen):.2g}")
    return RangeTest(schedule, curves, loss, smoothed, minimum, suggestion, reason)


def smooth(schedule: RateSchedule, loss: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Smooths a loss curve, and gives its slope.

    A straight line is fitted to the epochs of a quarter of a decade around each one: its middle is
    the smoothed loss (the mean of those epochs), its slope the slope. Nothing is shifted to higher
    rates, as a running average of the past would do. Beyond an end the last value goes on.

    Args:
        schedule: How the learning rate grew.
        loss: Shape `(epochs,)`; what comes after the first value that is not finite is left out.

    Returns:
        The smoothed loss, and its change per tenfold learning rate, each of shape `(epochs,)`,
        with NaN for what is left out.

    Reference:
        Savitzky, A. and Golay, M. J. E. (1964). Smoothing and differentiation of data by
        simplified least squares procedures. Analytical Chemistry 36(8); polynomials of degree 1.

    Example:
        >>> smoothed, slope = smooth(RateSchedule(), [5.0, 5.0, 5.0, 4.0, 3.0, 2.0, 1.0])
        >>> smoothed.round(2).tolist()
        [5.0, 4.8, 4.4, 3.8, 3.0, 2.2, 1.6]
        >>> float(slope[4].round(2))  # one an epoch, twenty epochs a decade
        -20.0
    """
    from scipy.signal import savgol_filter

    values = np.asarray(loss, dtype=np.float64)
    smoothed, slope = np.full(len(values), np.nan), np.full(len(values), np.nan)
    broken = np.flatnonzero(~np.isfinite(values))
    finite = int(broken[0]) if len(broken) else len(values)
    if finite:
        half = round(SMOOTHED_DECADES * schedule.epochs_a_decade / 2)
        window = 2 * max(half, 1) + 1
        settings = {"delta": 1 / schedule.epochs_a_decade, "mode": "nearest"}
        slope[:finite] = savgol_filter(values[:finite], window, 1, deriv=1, **settings)
        smoothed[:finite] = savgol_filter(values[:finite], 2 * half + 1, min(half, 1), **settings)
    return smoothed, slope


def _table(schedule: RateSchedule, losses: Sequence[ArrayLike]) -> FloatArray:
    """One row a training; NaN from the first value on that is not finite."""
    if not len(losses):
        raise InputError("range test: no loss came; give those of at least one training")
    table = np.full((len(losses), schedule.epochs), np.nan)
    for row, values in zip(table, losses, strict=True):
        known = np.asarray(values, dtype=np.float64)
        if len(known) > schedule.epochs:
            raise InputError(
                f"range test: {len(known)} losses came for {schedule.epochs} epochs; give one each"
            )
        row[: len(known)] = known
        row[np.logical_or.accumulate(~np.isfinite(row))] = np.nan
    return table


def _choose(
    schedule: RateSchedule, smoothed: FloatArray, slope: FloatArray
) -> tuple[int | None, str]:
    """The epoch whose rate is suggested, and why; or None, and why not."""
    if not len(smoothed):
        return None, "the loss is not finite at the first rate: begin lower"
    minimum = int(np.argmin(smoothed))
    lowest = schedule.rate(minimum)
    fall = smoothed[0] - smoothed[minimum]
    if fall <= LEAST_FALL * abs(smoothed[0]):
        values = f"{smoothed[0]:.4g} at first, {smoothed[minimum]:.4g} at best"
        return None, f"the loss never falls: {values}"
    if minimum == schedule.epochs - 1:
        return None, f"the loss still falls at the last rate, {lowest:.2g}: end higher"
    tenth = minimum - schedule.epochs_a_decade
    if tenth < 0:
        return None, f"the loss is lowest at {lowest:.2g} already: begin lower"
    width = math.log10(ABOUT) * schedule.epochs_a_decade
    first, last = max(math.ceil(tenth - width), 0), math.floor(tenth + width)
    nearest_first = sorted(range(first, last + 1), key=lambda epoch: abs(epoch - tenth))
    # Where the loss comes down from a bump it does not still fall.
    best_so_far = np.minimum.accumulate(smoothed)
    falling = [epoch for epoch in nearest_first if smoothed[epoch] == best_so_far[epoch]]
    # To a hundredth, so that noise does not choose within an even fall.
    shares = (slope[falling] / fall).round(2)
    if not len(shares) or shares.min() > -LEAST_SLOPE:
        return None, f"the loss is level about ten times below its lowest, at {lowest:.2g}"
    reason = f"the steepest fall about ten times below the lowest loss, at {lowest:.2g}"
    return falling[int(np.argmin(shares))], reason
