"""Plots of a whole search: its scores trial by trial, and against every hyperparameter."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trialstack.datasets.names import shortened
from trialstack.plots.search_data import (
    HyperparameterSeries,
    ScoreSeries,
    TrialRecord,
    score_window,
    scores_by_hyperparameter,
    scores_over_trials,
)
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

__all__ = [
    "HyperparameterSeries",
    "ScoreSeries",
    "TrialRecord",
    "objective_by_hyperparameter",
    "objective_over_trials",
    "score_window",
    "scores_by_hyperparameter",
    "scores_over_trials",
]

FloatArray = NDArray[np.float64]

FLOOR = 0.035
"""Height of the crosses of failed trials, as a share of the axis."""

HEADROOM = 0.06
FOOTROOM = 0.1
MEDIAN_HALF_WIDTH = 0.3
MANY_DECADES = 150.0
"""Largest over smallest value from which on a log axis is labelled at powers of ten only."""
LONG_LABELS = 34
"""Characters of all category labels together from which on they are turned."""


def objective_over_trials(
    records: Sequence[TrialRecord], objective_name: str, direction: str
) -> Figure:
    """Score of each trial in the order of asking, with the best so far as a step line.

    Failed trials are crosses at the bottom; a few awful scores are triangles at the border, so
    that the others can be told apart (see `score_window`).

    Args:
        records: One a trial, in any order.
        objective_name: Such as `val_auc`.
        direction: `"max"` or `"min"`.
    """
    from matplotlib.ticker import MaxNLocator

    series = scores_over_trials(records, direction)
    figure = new_figure(9.0, 4.6)
    axes = figure.subplots()
    style_axes(axes, title=f"{objective_name} over trials", x="trial", y=objective_name)
    window = _set_window(axes, series.scores, direction)
    _points(axes, series.numbers.astype(np.float64), series.scores, window, counted=True)
    if series.best is not None:
        steps = (series.numbers, series.best_so_far)
        axes.step(*steps, where="post", color=BLUE, lw=1.8, label="best so far")
        number, score = series.numbers[series.best], series.scores[series.best]
        name = next(record.name for record in records if record.number == number)
        _star(axes, number, score, label=f"best: {shortened(name, 40)}, {score:.4g}")
    if len(records):
        room = max(0.5, 0.02 * len(records))
        axes.set_xlim(series.numbers[0] - room, series.numbers[-1] + room)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    _legend(figure)
    return figure


def objective_by_hyperparameter(
    records: Sequence[TrialRecord],
    objective_name: str,
    direction: str,
    on_log_scale: Collection[str] = (),
) -> Figure:
    """Score against each hyperparameter that has more than one value, one small panel each.

    Categories are strips of points with their median as a bar. The best trial is a star in every
    panel; failed and awful trials are drawn as in `objective_over_trials`.

    Args:
        records: One a trial, in any order.
        objective_name: Such as `val_auc`.
        direction: `"max"` or `"min"`.
        on_log_scale: Hyperparameters that were drawn from a log scale, and get such an axis.
    """
    series = scores_by_hyperparameter(records, direction, on_log_scale)
    columns = min(max(len(series), 1), 3 if len(series) <= 9 else 4)
    rows = max(-(-len(series) // columns), 1)
    figure = new_figure(max(3.7 * columns, 6.0), 2.9 * rows + 0.5)
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    scores = scores_over_trials(records, direction).scores
    for i, (axes, one) in enumerate(zip(panels, series, strict=False)):
        style_axes(axes, x=one.name, y=objective_name if i % columns == 0 else "")
        _draw_hyperparameter(axes, one, _set_window(axes, scores, direction))
    for axes in panels[len(series) :]:
        axes.set_axis_off()
    if not series:
        panels[0].text(0.5, 0.5, "no hyperparameter varies", ha="center", color=GREY)
    _legend(figure)
    figure.suptitle(plain(f"{objective_name} by hyperparameter"), fontsize=13, fontweight="bold")
    return figure


def _draw_hyperparameter(
    axes: Axes, series: HyperparameterSeries, window: tuple[float, float] | None
) -> None:
    if series.axis == "category":
        _categories(axes, series)
    elif series.axis == "log":
        _log_axis(axes, series.positions)
    _points(axes, series.positions, series.scores, window)
    if series.best is not None:
        _star(axes, series.positions[series.best], series.scores[series.best], label="best trial")


def _log_axis(axes: Axes, positions: FloatArray) -> None:
    """A logarithmic axis with three labels a decade, or one if there are many decades."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_minor_formatter(NullFormatter())
    if positions.max() < MANY_DECADES * positions.min():
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter(FuncFormatter(_short))


def _short(value: float, _position: int | None = None) -> str:
    """Such as `0.005` or `2e-5`."""
    return f"{value:g}".replace("e-0", "e-")


def _categories(axes: Axes, series: HyperparameterSeries) -> None:
    labels = [plain(label) for label in series.categories]
    turned = sum(map(len, labels)) > LONG_LABELS
    places = np.arange(len(labels))
    axes.set_xticks(
        places, labels, rotation=35 if turned else 0, ha="right" if turned else "center"
    )
    axes.set_xlim(-0.6, len(labels) - 0.4)
    axes.grid(visible=False, axis="x")
    scored = np.isfinite(series.medians)
    if scored.any():
        left, right = places[scored] - MEDIAN_HALF_WIDTH, places[scored] + MEDIAN_HALF_WIDTH
        medians = series.medians[scored]
        axes.hlines(medians, left, right, color="black", lw=2, zorder=3, label="median")


def _set_window(axes: Axes, scores: FloatArray, direction: str) -> tuple[float, float] | None:
    """Limits the vertical axis to the scores worth showing, which it returns."""
    window = score_window(scores, direction)
    if window is None:
        axes.set_ylim(0, 1)
        axes.set_yticks([])
        text = "every trial failed" if len(scores) else "no trial yet"
        axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", color=GREY)
        return None
    low, high = window
    span = (high - low) or max(abs(high) * 0.02, 1e-3)
    axes.set_ylim(low - FOOTROOM * span, high + HEADROOM * span)
    return window


def _points(
    axes: Axes,
    positions: FloatArray,
    scores: FloatArray,
    window: tuple[float, float] | None,
    counted: bool = False,
) -> None:
    """Trials as dots, those off scale as triangles at the border, failed ones as crosses."""
    size = 26 if counted else 16
    failed = np.isnan(scores)
    if window is not None:
        low, high = window
        seen = ~failed & (scores >= low) & (scores <= high)
        dots = (positions[seen], scores[seen])
        axes.scatter(*dots, s=size, color=BLUE, alpha=0.55, lw=0, label="trial")
        outside = ~failed & ~seen
        if outside.any():
            below = bool(scores[outside].min() < low)
            extreme = scores[outside].min() if below else scores[outside].max()
            axes.scatter(
                positions[outside],
                np.full(int(outside.sum()), low if below else high),
                s=size,
                marker="v" if below else "^",
                color=GREY,
                label=f"off scale: {outside.sum()}, as far as {extreme:.4g}"
                if counted
                else "off scale",
            )
    if failed.any():
        axes.plot(
            positions[failed],
            np.full(int(failed.sum()), FLOOR),
            "x",
            transform=axes.get_xaxis_transform(),
            color=VERMILION,
            ms=5,
            label=f"failed: {failed.sum()}" if counted else "failed",
        )


def _star(axes: Axes, position: float, score: float, label: str) -> None:
    axes.plot(
        position,
        score,
        "*",
        ms=13,
        color=VERMILION,
        mec="white",
        mew=0.8,
        zorder=4,
        label=plain(label),
    )


def _legend(figure: Figure) -> None:
    """One legend for all panels, below them."""
    drawn = [axes.get_legend_handles_labels() for axes in figure.axes]
    handles = {label: handle for pair in drawn for handle, label in zip(*pair, strict=True)}
    if handles:
        figure.legend(
            handles.values(), handles.keys(), loc="outside lower center", ncols=5, frameon=False
        )
