"""Plot of which columns a model's ranking rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trialstack.datasets.names import shortened
from trialstack.evaluation.importance import Importance
from trialstack.plots.style import BLUE, GREY, new_figure, plain, style_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 20
"""Columns that are drawn, the most important ones."""

READING_AID = "bar: mean; points: each shuffle. Columns that say the same stand in for each other."


def draw_importance(importance: Importance, title: str = "") -> Figure:
    """Draws the most important columns as bars, each repeat of the shuffling as a point.

    Args:
        importance: From `permutation_importance`.
        title: Name of the model.
    """
    shown = importance.ranking[:SHOWN]
    places = np.arange(len(shown))
    figure = new_figure(6.4, 1.7 + 0.26 * len(shown))
    axes = figure.subplots()
    left_out = len(importance.features) - len(shown)
    parts = [
        title,
        f"AUC {importance.auc:.4f} on {importance.rows} rows",
        f"{left_out} more columns" if left_out else "",
    ]
    style_axes(
        axes,
        title="Importance of the columns",
        subtitle=" · ".join(part for part in parts if part),
        x="Loss of AUC when the column is shuffled",
    )
    axes.barh(places, importance.means[shown], color=BLUE, alpha=0.45, height=0.7)
    drops = importance.drops[shown]
    axes.scatter(
        drops.ravel(),
        np.repeat(places, drops.shape[1]),
        s=9,
        color=BLUE,
        alpha=0.7,
        linewidths=0,
        zorder=3,
    )
    axes.axvline(0, color=GREY, linewidth=0.8)
    names = [plain(shortened(importance.features[k], 28)) for k in shown]
    axes.set_yticks(places, names)
    axes.set_ylim(len(shown) - 0.4, -0.6)  # the most important one on top
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    figure.supxlabel(READING_AID, fontsize=8.5, color=GREY)
    return figure
