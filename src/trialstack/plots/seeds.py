"""What a model comes to from many seeds: one training of it is a draw from this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstack.plots.style import (
    BLUE,
    GREY,
    ORANGE,
    VERMILION,
    legend_below,
    new_figure,
    style_axes,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SEEDS_MARKED_UP_TO = 100
"""With more of them, dots would hide each other."""


@dataclass(frozen=True, eq=False)
class SortedSeeds:
    """Accuracies of many trainings, the lowest first.

    Attributes:
        percent: Where each stands among the seeds, from 0 to 100, shape `(seeds,)`.
        accuracies: Ascending, same shape; a training that failed counts as 0.
        seeds: Number of each one's seed, same shape.
    """

    percent: NDArray[np.float64]
    accuracies: NDArray[np.float64]
    seeds: NDArray[np.intp]


def sorted_seeds(accuracies: ArrayLike) -> SortedSeeds:
    """Sorts accuracies, given by the number of the seed.

    Example:
        >>> found = sorted_seeds([0.9, 0.5, 1.0, 0.7])
        >>> found.percent.tolist(), found.seeds.tolist()
        ([12.5, 37.5, 62.5, 87.5], [1, 3, 0, 2])
    """
    values = np.nan_to_num(np.asarray(accuracies, dtype=np.float64))
    order = np.argsort(values, kind="stable")
    return SortedSeeds(100 * (np.arange(len(values)) + 0.5) / len(values), values[order], order)


def draw_seeds(
    accuracies: ArrayLike,
    *,
    seed: int | None = None,
    outcome: tuple[float, float] | None = None,
    tutorial: float | None = None,
    title: str = "",
    subtitle: str = "",
) -> Figure:
    """The accuracies of all seeds from the lowest to the highest.

    Args:
        accuracies: By the number of the seed, shape `(seeds,)`; at least one.
        seed: Number of the one to be marked.
        outcome: Accuracies that count as the tutorial's.
        tutorial: Its own accuracy.
        title: Above the axes.
        subtitle: Below the title.
    """
    from matplotlib.lines import Line2D

    found = sorted_seeds(accuracies)
    figure = new_figure(6.4, 4.6)
    axes = figure.subplots()
    axes.set_xlim(0, 100)
    entries = []
    if outcome is not None:
        axes.axhspan(*outcome, color=ORANGE, alpha=0.18, linewidth=0)
        band = Line2D([], [], color=ORANGE, alpha=0.3, linewidth=8)
        entries.append((band, "counts as the tutorial's outcome"))
    if tutorial is not None:
        line = axes.axhline(tutorial, color=ORANGE, linestyle="--", linewidth=1.4)
        entries.append((line, f"the tutorial: {tutorial:.3f}"))
    median = float(np.median(found.accuracies))
    entries.append(
        (axes.axhline(median, color=GREY, linewidth=1), f"median: {median:.3f}"),
    )
    marker = "o" if len(found.seeds) <= SEEDS_MARKED_UP_TO else ""
    axes.plot(found.percent, found.accuracies, marker=marker, ms=4, color=BLUE, linewidth=1)
    place = np.flatnonzero(found.seeds == seed)
    if len(place):
        at = (found.percent[place], found.accuracies[place])
        (dot,) = axes.plot(*at, "D", ms=8, color=VERMILION, mec="white", zorder=3)
        entries.append((dot, f"this run: seed {seed}"))
    style_axes(axes, title=title, subtitle=subtitle, x="share of seeds (%)", y="accuracy")
    legend_below(figure, entries, columns=2)
    return figure
