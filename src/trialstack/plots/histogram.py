"""Plot of how sure a classifier is: its rows by predicted probability."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from trialstack.datasets.names import shortened
from trialstack.evaluation.histogram import ScoreHistogram
from trialstack.plots.style import (
    BLUE,
    GREY,
    VERMILION,
    new_figure,
    plain,
    style_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROOM = 0.3
"""Of the highest bar: how far the axis goes on, for the name of what is counted."""

LEAST_HALF = 0.4
"""Of the higher half of the axis: how high the other half is at least."""


def draw_score_histogram(models: Mapping[str, ScoreHistogram], title: str = "") -> Figure:
    """Draws histograms of predicted probabilities: what should be high upwards, the rest downwards.

    The axis of rows is a square-root scale. Most rows of a good model are in the outermost bins,
    and the few between them are those to look at.

    Args:
        models: Name of each model with its histogram from `score_histogram`; models are drawn one
            below the other.
        title: What was evaluated on which rows.
    """
    figure = new_figure(6.0, 1.0 + 3.2 * len(models))
    panels = figure.subplots(len(models), 1, squeeze=False, sharex=True, sharey=True)[:, 0]
    label = next(iter(models.values())).label
    of_class = f"“{shortened(label, 20)}”" if label else "the predicted class"
    for axes, (name, histogram) in zip(panels, models.items(), strict=True):
        parts = [shortened(name, 30), title if axes is panels[0] else ""]
        style_axes(
            axes,
            title="Predicted probabilities" if axes is panels[0] else " ",
            subtitle=" · ".join(part for part in parts if part),
            x=f"Predicted probability of {of_class}" if axes is panels[-1] else "",
            y="Rows",
        )
        _bars(axes, histogram)
    _count_axis(panels[0], list(models.values()))
    return figure


def _bars(axes: Axes, histogram: ScoreHistogram) -> None:
    edges = histogram.edges
    rows = sum(int(counts.sum()) for counts in histogram.counts.values())
    # Classes have their own colours; what is wrong has the louder one.
    inks = (BLUE, VERMILION) if histogram.label else (VERMILION, BLUE)
    for (truth, counts), sign, ink in zip(histogram.counts.items(), (-1, 1), inks, strict=True):
        axes.bar(
            edges[:-1],
            sign * counts,
            width=np.diff(edges),
            align="edge",
            color=ink,
            edgecolor="white",
            linewidth=0.6,
        )
        axes.annotate(
            plain(f"{shortened(truth, 24)}: {counts.sum()} rows ({counts.sum() / rows:.0%})"),
            xy=(0.5, 0.97 if sign > 0 else 0.03),
            xycoords="axes fraction",
            ha="center",
            va="top" if sign > 0 else "bottom",
            color=ink,
            fontsize=9.5,
        )
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set_xlim(-0.02, 1.02)


def _count_axis(axes: Axes, histograms: Sequence[ScoreHistogram]) -> None:
    """A square-root scale in both directions, with round numbers that are counts in either."""
    down, up = (
        math.sqrt(max(1, *(int(counts.max()) for counts in each)))
        for each in zip(*(histogram.counts.values() for histogram in histograms), strict=True)
    )
    down, up = max(down, LEAST_HALF * up), max(up, LEAST_HALF * down)
    room = ROOM * max(down, up)
    axes.set_yscale("function", functions=(_root, _square))
    axes.set_ylim(_square(-down - room), _square(up + room))
    below, above = round_counts(int(down**2)), round_counts(int(up**2))
    axes.set_yticks([*(-tick for tick in below), 0, *above])
    axes.set_yticklabels([*map(str, below), "0", *map(str, above)])


def round_counts(highest: int) -> list[int]:
    """At most three round numbers up to the highest count, apart on a square-root scale.

    Example:
        >>> round_counts(43), round_counts(4), round_counts(1)
        ([2, 10, 20], [1, 2], [1])
    """
    rounded = [_round_down(highest * share) for share in (1 / 9, 4 / 9, 1)]
    return sorted({count for count in rounded if count > 0})


def _round_down(value: float) -> int:
    """The largest of 1, 2, 5 times a power of ten that is no larger; 0 below 1."""
    if value < 1:
        return 0
    unit = 10 ** int(np.log10(value))
    return int(max(step * unit for step in (1, 2, 5) if step * unit <= value))


def _root(counts: ArrayLike) -> Any:
    return np.sign(counts) * np.sqrt(np.abs(counts))


def _square(roots: ArrayLike) -> Any:
    return np.sign(roots) * np.square(roots)
