"""Plot of a classifier's scores against the threshold of its decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from trialstack.evaluation.thresholds import ThresholdCurve
from trialstack.plots.style import (
    GREY,
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

SCORES = {"precision": "Precision", "recall": "Recall", "f1": "F1", "accuracy": "Accuracy"}


def draw_thresholds(models: Mapping[str, ThresholdCurve], title: str = "") -> Figure:
    """Draws precision, recall, F1 and accuracy against the threshold, a panel a model.

    A dotted line marks one half, which is the threshold of the predicted class; a point marks the
    largest F1. A threshold chosen on these rows is no longer judged by them.

    Args:
        models: Name of each model with its curve from `threshold_curve`.
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
            x=f"Taken for “{shortened(curve.label, 20)}” from a probability of",
            y="Score" if first else "",
        )
        entries = _lines(axes, curve)
    legend_below(figure, entries, columns=len(entries))
    return figure


def _lines(axes: Axes, curve: ThresholdCurve) -> list[LegendEntry]:
    axes.axvline(0.5, color=GREY, linewidth=1, linestyle=(0, (1, 3)))
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
    threshold, f1 = curve.best_f1
    ink = colour(list(SCORES).index("f1"))
    axes.plot(threshold, f1, "o", color=ink, markersize=7, zorder=3)
    axes.annotate(
        f"largest F1 {f1:.3f} at {threshold:.2f}",
        xy=(0.5, 0.04),
        xycoords="axes fraction",
        ha="center",
        color=ink,
        fontsize=9.5,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 2},
    )
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.04))
    return entries
