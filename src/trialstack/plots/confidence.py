"""Plot of a classifier's accuracy where it is sure enough."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from trialstack.evaluation.confidence import ConfidenceCurve
from trialstack.plots.style import (
    LINE_STYLES,
    LegendEntry,
    colour,
    legend_below,
    new_figure,
    shortened,
    style_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SCORES = {"accuracy": "Accuracy of the rows counted", "coverage": "Share of rows counted"}


def draw_confidence(models: Mapping[str, ConfidenceCurve], title: str = "") -> Figure:
    """Draws accuracy and coverage against the threshold, a panel a model.

    Args:
        models: Name of each model with its curve from `confidence_curve`.
        title: What was evaluated on which rows.
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
            x="Counted from a probability of the predicted class of",
            y="Share of rows" if first else "",
        )
        entries = _lines(axes, curve)
    legend_below(figure, entries, columns=len(entries))
    return figure


def _lines(axes: Axes, curve: ConfidenceCurve) -> list[LegendEntry]:
    # A score at a threshold is that of all from just above the threshold before it.
    entries = [
        (
            axes.step(
                curve.thresholds,
                getattr(curve, score),
                where="pre",
                color=colour(k),
                linestyle=LINE_STYLES[k],
                linewidth=2,
            )[0],
            label,
        )
        for k, (score, label) in enumerate(SCORES.items())
    ]
    axes.set(xlim=(curve.thresholds[0] - 0.02, 1.02), ylim=(-0.02, 1.04))
    return entries
