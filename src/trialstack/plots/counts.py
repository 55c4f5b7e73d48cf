"""How many rows there are of each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstack.datasets.names import shortened
from trialstack.plots.labels import class_labels
from trialstack.plots.style import colour, new_figure, plain, style_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROOM_FOR_TEXT = 1.38
"""How far an axis goes beyond its longest bar, beside which its numbers stand."""


@dataclass(frozen=True, eq=False)
class ClassCounts:
    """Rows of each class.

    Attributes:
        names: Of the classes.
        counts: Rows of each class, shape `(classes,)`.
    """

    names: list[str]
    counts: NDArray[np.int64]

    @property
    def shares(self) -> NDArray[np.float64]:
        """Share of each class among all rows, 0 to 1, shape `(classes,)`."""
        return np.asarray(self.counts / max(1, self.counts.sum()))


def count_classes(y: ArrayLike, classes: Sequence[object] | None = None) -> ClassCounts:
    """Counts the rows of each class.

    Args:
        y: Labels, shape `(rows,)`: names of classes or their indices; or one-hot, shape
            `(rows, classes)`.
        classes: Names of the classes, in the order of their indices; the sorted labels if not
            given.

    Raises:
        DataError: A label is missing, or of no class.

    Example:
        >>> found = count_classes(["no", "yes", "no", "no"])
        >>> found.names, found.counts.tolist(), found.shares.tolist()
        (['no', 'yes'], [3, 1], [0.75, 0.25])
    """
    labels = class_labels(y, classes)
    counts = np.bincount(labels.indices, minlength=len(labels.names))
    return ClassCounts(labels.names, counts)


def class_counts(y: ArrayLike, classes: Sequence[object] | None = None, title: str = "") -> Figure:
    """A bar a class with the number of its rows and their share.

    Args:
        y: See `count_classes`.
        classes: See `count_classes`.
        title: Above the bars.

    Raises:
        DataError: A label is missing, or of no class.

    Example:
        >>> [axes] = class_counts(["no", "yes", "no", "no"]).axes
        >>> [text.get_text() for text in axes.texts]
        ['3 (75.0 %)', '1 (25.0 %)']
    """
    return draw_class_counts({title: count_classes(y, classes)})


def draw_class_counts(parts: Mapping[str, ClassCounts]) -> Figure:
    """Bars of several sets of rows side by side.

    Args:
        parts: Title of each picture with its counts, all of the same classes.
    """
    n_classes = max(len(counts.names) for counts in parts.values())
    figure = new_figure(3.9 * len(parts) + 1.2, 1.4 + 0.36 * max(2, n_classes))
    panels = figure.subplots(1, len(parts), squeeze=False, sharey=True)[0]
    for axes, (title, counts) in zip(panels, parts.items(), strict=True):
        style_axes(axes, title=title, x="rows", y="class" if axes is panels[0] else "", grid=False)
        _bars(axes, counts)
    panels[0].invert_yaxis()  # the first class on top; the panels share this axis
    return figure


def _bars(axes: Axes, counts: ClassCounts) -> None:
    places = range(len(counts.names))
    bars = axes.barh(places, counts.counts, color=[colour(k) for k in places], height=0.7)
    texts = [
        f"{count} ({share:.1%})".replace("%", " %")
        for count, share in zip(counts.counts, counts.shares, strict=True)
    ]
    axes.bar_label(bars, texts, padding=4, fontsize=9.5)
    axes.set_yticks(places, [plain(shortened(name, 24)) for name in counts.names])
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, ROOM_FOR_TEXT * max(1, counts.counts.max()))
