"""Decision boundaries: what a model says on a plane through feature space.

For image grids, where a search draws hundreds of them, see `BoundaryPainter`; the figures here
have axes, a legend and a caption.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from trialstack.errors import DataError
from trialstack.plots.labels import class_labels
from trialstack.plots.model_outputs import check_takes, model_outputs, n_classes_of
from trialstack.plots.painter import BoundaryPainter
from trialstack.plots.palette import RegionPalette
from trialstack.plots.plane import Plane, numeric_rows, plane_of
from trialstack.plots.regions import class_regions
from trialstack.plots.rows import MAX_POINTS, drawn_rows
from trialstack.plots.scatter import (
    caption,
    class_legend,
    left_out,
    plane_panels,
    require_places,
    scatter_points,
)
from trialstack.plots.style import plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

READING_AID = "the deeper the colour, the surer the model; line: where the predicted class changes"


def boundary_tile(
    plane: Plane, outputs: ArrayLike, X: ArrayLike, y: ArrayLike, size: int = 512
) -> bytes:
    """One bare, square picture for an image grid, as the bytes of a PNG file.

    For more than one picture of the same rows, `BoundaryPainter` draws them once.

    Args:
        plane: Where the model was evaluated.
        outputs: The model's output at `plane.points`, shape `(points, 1)` or `(points, classes)`.
        X: Rows to be drawn, raw values, shape `(rows, features)`.
        y: Index of each row's class, shape `(rows,)`.
        size: Pixels along each side.

    Raises:
        DataError: Outputs, rows, labels and plane do not fit together.
    """
    return BoundaryPainter(plane, X, y, n_classes_of(outputs), size).paint(outputs)


def draw_boundary(
    plane: Plane,
    outputs: ArrayLike,
    X: ArrayLike,
    y: ArrayLike,
    classes: Sequence[object],
    *,
    title: str = "",
) -> Figure:
    """A decision boundary with axes, legend and caption.

    Args:
        plane: Where the model was evaluated.
        outputs: The model's output at `plane.points`, shape `(points, 1)` (probability of class
            1) or `(points, classes)`.
        X: Rows to be drawn, raw values, shape `(rows, features)`; at most 500 are.
        y: Index of each row's class, shape `(rows,)`.
        classes: Name of each class.
        title: Above the picture.

    Raises:
        DataError: Outputs, rows, labels and plane do not fit together.
    """
    return draw_boundary_parts(plane, outputs, {title: (X, y)}, classes)


def draw_boundary_parts(
    plane: Plane,
    outputs: ArrayLike,
    parts: Mapping[str, tuple[ArrayLike, ArrayLike]],
    classes: Sequence[object],
    *,
    title: str = "",
) -> Figure:
    """The same decision boundary under several sets of rows, side by side.

    Args:
        plane: Where the model was evaluated.
        outputs: The model's output at `plane.points`.
        parts: Title of each picture and its rows and labels, such as
            `{"train": (X_train, y_train), "test": (X_test, y_test)}`.
        classes: Name of each class.
        title: Above all pictures.

    Raises:
        DataError: Outputs, rows, labels and plane do not fit together.
    """
    n_classes = len(classes)
    palette = RegionPalette(n_classes)
    regions = class_regions(plane, outputs, n_classes, size=1024, steps=palette.shades)
    picture = palette.rgb[palette.picture(regions)]
    figure, panels = plane_panels(plane, list(parts))
    extent = (plane.xs[0], plane.xs[-1], plane.ys[0], plane.ys[-1])
    for axes, (X, y) in zip(panels, parts.values(), strict=True):
        axes.imshow(picture, extent=extent, aspect="auto", interpolation="antialiased")
        scatter_points(axes, *drawn_rows(plane, X, y, n_classes), n_classes)
    class_legend(figure, classes)
    if title:
        figure.suptitle(plain(title), fontsize=13, fontweight="bold")
    sentences = [plane.model_caption, READING_AID, *left_out(parts, MAX_POINTS)]
    caption(figure, sentences, len(parts))
    return figure


def decision_boundary(
    model: Any,
    X: ArrayLike,
    y: ArrayLike,
    feature_names: Sequence[str] | None = None,
    classes: Sequence[object] | None = None,
    *,
    test: tuple[ArrayLike, ArrayLike] | None = None,
    title: str = "",
) -> Figure:
    """The decision boundary of any Keras classifier of tabular rows.

    Args:
        model: A Keras model with one input of shape `(rows, features)` and one output: one a
            class, or a single one of a binary model, where more than 0.5 means class 1.
        X: Raw values, shape `(rows, features)`, or a DataFrame; their plane is drawn (see
            `plane_of`).
        y: Labels, shape `(rows,)`: names of classes or their indices; or one-hot, shape
            `(rows, classes)`.
        feature_names: One a column.
        classes: The classes in the order of the model's outputs; sorted labels if not given.
        test: Rows and labels of a second picture beside the first, on the same plane.
        title: Above the pictures.

    Raises:
        DataError: The model takes or gives something else than these rows and labels.

    Example:
        ```python
        model.fit(X_train, y_train, epochs=50)
        decision_boundary(model, X_train, y_train, test=(X_test, y_test))
        ```
    """
    plane = plane_of(X, feature_names)
    require_places(plane, X)
    check_takes(model, numeric_rows(X).shape[1])
    outputs = model_outputs(model, plane.points)
    if not np.isfinite(outputs).any():
        raise DataError(
            "plot: the model's output is NaN or infinite everywhere; it diverged: train it with a "
            "lower learning rate or scaled features"
        )
    n_classes = n_classes_of(outputs)
    labels = class_labels(y, classes, n_classes)
    parts = {"train" if test is not None else "": (X, labels.indices)}
    if test is not None:
        X_test, y_test = test
        parts["test"] = X_test, class_labels(y_test, labels.names, n_classes).indices
    return draw_boundary_parts(plane, outputs, parts, labels.names, title=title)
