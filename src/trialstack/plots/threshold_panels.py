"""What plots of scores against a threshold have in common: a panel a model, a step line a score."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from trialstack.datasets.names import shortened
from trialstack.plots.style import (
    LINE_STYLES,
    LegendEntry,
    colour,
    legend_below,
    new_figure,
    style_axes,
)
from trialstack.plots.thinned import thinned

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Curve = TypeVar("Curve")


def threshold_panels(
    models: Mapping[str, Curve],
    title: str,
    x: Callable[[Curve], str],
    y: str,
    draw: Callable[[Axes, Curve], list[LegendEntry]],
) -> Figure:
    """Draws a panel for each model, all with one legend.

    Args:
        models: Name of each model with its curve.
        title: What was evaluated on which rows.
        x: Name of the horizontal axis of a curve.
        y: Name of the vertical axis.
        draw: Draws a curve; returns the entries of the legend.
    """
    figure = new_figure(6.0 if len(models) == 1 else 4.8 * len(models), 4.6)
    panels = figure.subplots(1, len(models), squeeze=False, sharey=True)[0]
    entries: list[LegendEntry] = []
    for axes, (name, curve) in zip(panels, models.items(), strict=True):
        first = axes is panels[0]
        parts = [shortened(name, 20), title if first else ""]
        style_axes(
            axes,
            title="Scores by threshold" if first else " ",
            subtitle=" · ".join(part for part in parts if part),
            x=x(curve),
            y=y if first else "",
        )
        entries = draw(axes, curve)
    legend_below(figure, entries, columns=len(entries))
    return figure


def score_lines(axes: Axes, curve: Any, scores: Mapping[str, str]) -> list[LegendEntry]:
    """Draws scores against the thresholds of a curve.

    Args:
        axes: Where.
        curve: Has `thresholds` and an attribute for each score, of the same length.
        scores: Name of an attribute -> what the legend calls it.
    """
    # A score at a threshold is that of all from just above the threshold before it.
    return [
        (
            axes.step(
                *thinned(curve.thresholds, getattr(curve, score)),
                where="pre",
                color=colour(k),
                linestyle=LINE_STYLES[k],
                linewidth=2,
            )[0],
            label,
        )
        for k, (score, label) in enumerate(scores.items())
    ]
