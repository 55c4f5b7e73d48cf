"""Plots of a learning-rate range test: the loss by rate, and all curves of the swept training.

The numbers come from `trialstack.evaluation.lr_range`; here they are drawn.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from trialstack.evaluation.lr_range import RangeTest, RateSchedule, range_test
from trialstack.plots.curves import History, learning_curves
from trialstack.plots.style import (
    BLUE,
    GREY,
    ORANGE,
    SKY_BLUE,
    VERMILION,
    LegendEntry,
    legend_below,
    new_figure,
    style_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_range_test", "range_test", "swept_curves"]

LEARNING_RATE = "learning_rate"
"""What Keras' `LearningRateScheduler` calls it among the metrics."""

BAND = (10.0, 90.0)
"""Percentiles of several trainings that the band reaches from and to."""
BAND_ALPHA = 0.3
NO_EPOCH = -1
"""No epoch of a sweep is the best one: nobody keeps its weights."""
HEADROOM, FOOTROOM = 1.3, 0.05
"""Top and bottom of the axis in units of the fall to the lowest loss: what diverges is cut off."""


def draw_range_test(test: RangeTest, title: str = "Learning-rate sweep") -> Figure:
    """Loss against learning rate on a log axis, with the lowest loss and the suggestion marked.

    Raw and smoothed; of several trainings their median, in a band from the 10th to the 90th
    percentile.

    Args:
        test: As `range_test` returns it.
        title: Above the axes; the reason of the suggestion stands below it.
    """
    figure = new_figure(7.6, 4.8)
    axes = figure.subplots()
    axes.set_xscale("log")
    axes.set_xlim(test.schedule.start, test.schedule.stop)
    style_axes(axes, title=title, subtitle=test.reason, x="learning rate", y="training loss")
    entries = [*_curves(axes, test), *_marks(axes, test)]
    _limit_height(axes, test)
    if not np.isfinite(test.smoothed).any():
        axes.text(0.5, 0.5, "no finite loss", transform=axes.transAxes, ha="center", color=GREY)
    if any(label for _, label in entries):
        legend_below(figure, entries, columns=3)
    return figure


def swept_curves(history: History, schedule: RateSchedule, title: str = "") -> Figure:
    """Every metric of a swept training against the epoch, with the learning rate on top.

    Args:
        history: As `learning_curves` takes it; its learning rate gets no panel of its own.
        schedule: How the learning rate grew.
        title: Above all panels.

    Raises:
        DataError: There is no epoch, or something other than numbers.
    """
    values: Any = getattr(history, "history", history)
    metrics = {name: values[name] for name in values if name != LEARNING_RATE}
    figure = learning_curves(metrics, best_epoch=NO_EPOCH, title=title)
    epochs, labels = _decades(schedule)
    for axes in figure.axes:
        top = axes.secondary_xaxis("top", zorder=3)  # above the grid
        top.set_xticks(epochs, labels)
        top.tick_params(labelsize=9, color=GREY, labelcolor=GREY)
        top.set_xlabel("learning rate", fontsize=9.5, color=GREY)
        top.spines["top"].set_color(GREY)
    return figure


def _decades(schedule: RateSchedule) -> tuple[NDArray[np.float64], list[str]]:
    """Epochs at which the learning rate is a power of ten, and these powers."""
    first = math.ceil(round(math.log10(schedule.start), 9))
    last = math.floor(round(math.log10(schedule.stop), 9))
    powers = np.arange(first, last + 1)
    epochs = np.float64(schedule.epochs_a_decade) * (powers - math.log10(schedule.start))
    seen = epochs < schedule.epochs
    return epochs[seen], [f"$10^{{{power}}}$" for power in powers[seen]]


def _curves(axes: Axes, test: RangeTest) -> list[LegendEntry]:
    """The lines, and what the legend says of them."""
    from matplotlib.lines import Line2D

    rates, several = test.rates, len(test.losses) > 1
    finite = np.isfinite(test.loss)
    if not finite.any():
        return []
    entries: list[LegendEntry] = []
    if several:
        # A training that has diverged is above all others, and above the axis.
        losses = np.where(np.isfinite(test.losses), test.losses, np.finfo(np.float32).max)
        low, high = np.percentile(losses[:, finite], BAND, axis=0)
        axes.fill_between(rates[finite], low, high, color=SKY_BLUE, alpha=BAND_ALPHA, lw=0)
        label = f"{BAND[0]:.0f}th to {BAND[1]:.0f}th percentile of {len(losses)} seeds"
        entries.append((Line2D([], [], color=SKY_BLUE, alpha=BAND_ALPHA, lw=8), label))
    raw = axes.plot(rates, test.loss, "o-", ms=2.5, lw=0.8, color=SKY_BLUE, mfc=GREY, mec=GREY)
    smoothed = axes.plot(rates, test.smoothed, lw=2.2, color=BLUE)
    entries.append((raw[0], "median of an epoch" if several else "loss of an epoch"))
    entries.append((smoothed[0], "smoothed"))
    return entries


def _marks(axes: Axes, test: RangeTest) -> list[LegendEntry]:
    """Lowest loss, suggestion, and where it ended."""
    entries: list[LegendEntry] = []
    if test.minimum is not None:
        rate, loss = test.schedule.rate(test.minimum), test.smoothed[test.minimum]
        (dot,) = axes.plot(rate, loss, "o", ms=8, color=ORANGE, mec="black", mew=0.8, zorder=4)
        entries.append((dot, f"lowest: {rate:.2g}"))
    if test.suggestion is not None:
        rate = test.suggestion
        known = np.isfinite(test.smoothed)
        loss = np.interp(math.log10(rate), np.log10(test.rates[known]), test.smoothed[known])
        axes.axvline(rate, color=VERMILION, lw=1.2, ls="--", zorder=1)
        (star,) = axes.plot(rate, loss, "*", ms=15, color=VERMILION, mec="white", mew=0.8, zorder=5)
        entries.append((star, f"suggested: {rate:.2g}"))
    diverged = np.flatnonzero(np.isnan(test.loss))
    if len(diverged):
        line = axes.axvline(test.schedule.rate(int(diverged[0])), color=GREY, lw=1.2, ls=":")
        entries.append((line, "the loss is not finite"))
    return entries


def _limit_height(axes: Axes, test: RangeTest) -> None:
    """Shows the fall and the beginning of the rise, however far the loss then rises."""
    if test.minimum is None:
        axes.set_yticks([])
        return
    low = float(np.nanmin(test.loss))
    fall = float(test.loss[: test.minimum + 1].max()) - low
    if fall and np.nanmax(test.loss) > low + HEADROOM * fall:
        axes.set_ylim(low - FOOTROOM * fall, low + HEADROOM * fall)
