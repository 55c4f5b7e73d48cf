"""Plot of confusion matrices: which classes are taken for which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trialstack.datasets.names import shortened
from trialstack.plots.style import (
    GREY,
    SEQUENTIAL_MAP,
    new_figure,
    plain,
    style_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LABELLED_CELLS = 12
"""Classes of a confusion matrix up to which every cell says its number."""


def draw_confusion(
    models: Mapping[str, NDArray[np.int64]], classes: Sequence[str], title: str = ""
) -> Figure:
    """Draws confusion matrices, shaded by the share of each true class.

    Args:
        models: Name of each model with its counts from `confusion`, `(true, predicted)`.
        classes: Names of the classes.
        title: What was evaluated on which rows.
    """
    figure = new_figure(6.0 if len(models) == 1 else 4.8 * len(models), 5.0)
    panels = figure.subplots(1, len(models), squeeze=False)[0]
    for axes, (name, counts) in zip(panels, models.items(), strict=True):
        right = np.trace(counts) / counts.sum()
        parts = [name, title if axes is panels[0] else "", f"accuracy {right:.3f}"]
        style_axes(
            axes,
            title="Confusion matrix" if axes is panels[0] else " ",
            subtitle=" · ".join(part for part in parts if part),
            x="Predicted class",
            y="True class" if axes is panels[0] else "",
            grid=False,
        )
        _matrix(axes, counts, classes)
    return figure


def _matrix(axes: Axes, counts: NDArray[np.int64], classes: Sequence[str]) -> None:
    rows = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(rows, 1)
    axes.imshow(shares, cmap=SEQUENTIAL_MAP, vmin=0, vmax=1)
    names = [plain(shortened(str(name), 16)) for name in classes]
    size = 9.5 if len(names) <= MOST_LABELLED_CELLS else 7
    crowded = sum(map(len, names)) > 36
    axes.set_xticks(
        range(len(names)),
        names,
        fontsize=size,
        rotation=45 if crowded else 0,
        ha="right" if crowded else "center",
        rotation_mode="anchor",
    )
    axes.set_yticks(range(len(names)), names, fontsize=size)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if len(names) > MOST_LABELLED_CELLS:
        return
    size = max(6.5, 15 - len(names))
    for (i, j), count in np.ndenumerate(counts):
        share = f"\n{shares[i, j]:.1%}" if rows[i, 0] and len(names) <= 6 else ""
        ink = "white" if shares[i, j] > 0.5 else "black" if count else GREY
        axes.text(j, i, f"{count}{share}", ha="center", va="center", color=ink, fontsize=size)
