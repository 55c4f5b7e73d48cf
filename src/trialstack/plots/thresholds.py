"""Plot of a classifier's scores against the threshold of its decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from trialstack.datasets.names import shortened
from trialstack.evaluation.thresholds import ThresholdCurve
from trialstack.plots.style import GREY, LegendEntry, colour
from trialstack.plots.threshold_panels import score_lines, threshold_panels

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
    return threshold_panels(
        models,
        title,
        lambda curve: f"Taken for “{shortened(curve.label, 20)}” from a probability of",
        "Score",
        _lines,
    )


def _lines(axes: Axes, curve: ThresholdCurve) -> list[LegendEntry]:
    axes.axvline(0.5, color=GREY, linewidth=1, linestyle=(0, (1, 3)))
    entries = score_lines(axes, curve, SCORES)
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
