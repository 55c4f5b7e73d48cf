"""The rows of a data set as points: two features, or the plane of more."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstack.datasets.names import shortened
from trialstack.errors import DataError
from trialstack.plots.labels import class_labels
from trialstack.plots.plane import Plane, numeric_rows, plane_of
from trialstack.plots.rows import MAX_POINTS, drawn_rows
from trialstack.plots.style import GREY, MARKERS, colour, new_figure, plain, style_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

MOST_POINTS = 2000
LEGEND_ROWS = 12
LONGEST_CLASS = 40
"""Characters of a class in a legend."""

ROUND_CLASSES = 2
"""Up to so many classes all points are round: two colours need no second sign."""


def data_scatter(
    X: ArrayLike,
    y: ArrayLike,
    feature_names: Sequence[str] | None = None,
    classes: Sequence[object] | None = None,
    title: str = "",
) -> Figure:
    """The rows of a data set as points in the colour of their class.

    Args:
        X: Raw values, shape `(rows, features)`. Two features are the axes; more are brought to
            the plane of their first two principal components (see `plane_of`).
        y: Labels, shape `(rows,)`: names of classes or their indices; or one-hot, shape
            `(rows, classes)`.
        feature_names: One a column.
        classes: Names of the classes, in the order of their indices.
        title: Above the picture.

    Raises:
        DataError: Rows and labels do not fit together, or are no numbers.

    Example:
        >>> figure = data_scatter([[0.0, 1.0], [1.0, 0.0]], ["no", "yes"], ["width", "height"])
        >>> figure.axes[0].get_xlabel()
        'width'
    """
    plane, labels = plane_of(X, feature_names), class_labels(y, classes)
    require_places(plane, X)
    return draw_scatter_parts(plane, {title: (X, labels.indices)}, labels.names)


def draw_scatter_parts(
    plane: Plane, parts: Mapping[str, tuple[ArrayLike, ArrayLike]], classes: Sequence[object]
) -> Figure:
    """Several sets of rows side by side, on the same axes.

    Args:
        plane: What the axes are.
        parts: Title of each picture with its rows and the indices of their classes.
        classes: Name of each class.

    Raises:
        DataError: Rows, labels and plane do not fit together.
    """
    figure, panels = plane_panels(plane, list(parts))
    drawn = [drawn_rows(plane, X, y, len(classes), MOST_POINTS) for X, y in parts.values()]
    for axes, (coordinates, labels) in zip(panels, drawn, strict=True):
        axes.set(xlim=plane.xs[[0, -1]], ylim=plane.ys[[0, -1]])
        scatter_points(axes, coordinates, labels, len(classes))
    class_legend(figure, classes)
    caption(figure, [plane.caption, *left_out(parts, MOST_POINTS)], len(parts))
    return figure


def plane_panels(plane: Plane, titles: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """A figure with axes of a plane side by side."""
    figure = new_figure(4.8 * len(titles) + 1.2, 5.2)
    panels = figure.subplots(1, len(titles), squeeze=False, sharex=True, sharey=True)[0]
    for axes, title in zip(panels, titles, strict=True):
        vertical = plane.axis_names[1] if axes is panels[0] else ""
        style_axes(axes, title=title, x=plane.axis_names[0], y=vertical, grid=False)
        axes.tick_params(left=bool(plane.axis_names[1]), labelleft=bool(vertical))
    return figure, list(panels)


def scatter_points(
    axes: Axes, coordinates: NDArray[np.float64], labels: NDArray[np.intp], n_classes: int
) -> None:
    """Points in the colours of their classes; of more than two classes, in shapes of their own."""
    from matplotlib.markers import MarkerStyle

    across, up = coordinates.T
    size, rim = (26, 0.8) if len(labels) <= MAX_POINTS else (15, 0.5)
    points = axes.scatter(
        across, up, c=[colour(k) for k in labels], s=size, edgecolors="white", linewidths=rim
    )
    # One collection, so that rows keep the order in which no class lies on top of the others.
    styles = [MarkerStyle(marker(k, n_classes)) for k in range(n_classes)]
    shapes = [style.get_path().transformed(style.get_transform()) for style in styles]
    points.set_paths([shapes[k] for k in labels])


def marker(label: int, n_classes: int) -> str:
    """The shape of a class' points."""
    return MARKERS[label % len(MARKERS)] if n_classes > ROUND_CLASSES else MARKERS[0]


def class_handles(classes: Sequence[object], *, all_round: bool = False) -> list[Line2D]:
    """The classes' points as a legend takes them.

    Args:
        classes: Name of each class.
        all_round: Whether the points are, however many classes there are.
    """
    from matplotlib.lines import Line2D

    shapes = ROUND_CLASSES if all_round else len(classes)
    return [
        Line2D(
            [],
            [],
            ls="",
            marker=marker(k, shapes),
            ms=7,
            mfc=colour(k),
            mec="white",
            label=plain(shortened(str(name), LONGEST_CLASS)),
        )
        for k, name in enumerate(classes)
    ]


def class_legend(figure: Figure, classes: Sequence[object]) -> None:
    """Names of the classes beside their points, on the right of everything."""
    handles = class_handles(classes)
    columns = -(-len(handles) // LEGEND_ROWS)
    figure.legend(
        handles=handles, loc="outside right upper", frameon=False, title="class", ncols=columns
    )


def caption(figure: Figure, sentences: Sequence[str], panels: int) -> None:
    """Sentences below everything, wrapped to the width of so many panels."""
    lines = (textwrap.fill(text, 88 * panels) for text in sentences)
    figure.supxlabel(plain("\n".join(lines)), fontsize=8.5, color=GREY)


def left_out(parts: Mapping[str, tuple[ArrayLike, ArrayLike]], most: int) -> list[str]:
    """Says so where a picture has not all of its rows.

    Example:
        >>> left_out({"train": (np.zeros((900, 2)), np.zeros(900))}, most=500)
        ['of more than 500 rows, 500 are drawn']
    """
    thinned = any(len(np.asarray(y)) > most for _, y in parts.values())
    return [f"of more than {most} rows, {most} are drawn"] if thinned else []


def require_places(plane: Plane, X: ArrayLike) -> None:
    """Refuses rows of which not one has a place on the plane.

    Raises:
        DataError: Each of them lacks a value.
    """
    rows = numeric_rows(X)
    if not np.isfinite(plane.project(rows)).all(axis=1).any():
        raise DataError(
            f"plot: each of the {len(rows)} rows has a value that is missing or infinite; give "
            "some that are complete"
        )
