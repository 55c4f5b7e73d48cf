"""Plot of a classifier's accuracy where it is sure enough."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from trialstack.evaluation.confidence import ConfidenceCurve
from trialstack.plots.style import LegendEntry
from trialstack.plots.threshold_panels import score_lines, threshold_panels

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
    return threshold_panels(
        models,
        title,
        lambda _: "Counted from a probability of the predicted class of",
        "Share of rows",
        _lines,
    )


def _lines(axes: Axes, curve: ConfidenceCurve) -> list[LegendEntry]:
    entries = score_lines(axes, curve, SCORES)
    axes.set(xlim=(curve.thresholds[0] - 0.02, 1.02), ylim=(-0.02, 1.04))
    return entries
