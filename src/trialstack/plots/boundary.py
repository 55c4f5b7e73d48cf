"""Decision boundaries: what a model says on a plane through feature space.

For image grids, where a search draws hundreds of them, see `BoundaryPainter`; the figures here
have axes, a legend and a caption.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstack.errors import DataError
from trialstack.plots.painter import BoundaryPainter, RegionPalette, drawn_rows
from trialstack.plots.plane import Plane, numeric_rows, plane_of
from trialstack.plots.regions import Regions, class_regions
from trialstack.plots.style import GREY, colour, new_figure, plain, style_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "BoundaryPainter",
    "Plane",
    "Regions",
    "boundary_tile",
    "class_regions",
    "decision_boundary",
    "draw_boundary",
    "draw_boundary_parts",
    "plane_of",
]

READING_AID = "the deeper the colour, the surer the model; line: where the predicted class changes"
LEGEND_ROWS = 12
PREDICT_ROWS = 4096
"""Rows a call of `predict`: a grid of 100 x 100 points takes three."""


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
    figure = new_figure(4.8 * len(parts) + 1.2, 5.2)
    panels = figure.subplots(1, len(parts), squeeze=False, sharex=True, sharey=True)[0]
    for axes, (name, (X, y)) in zip(panels, parts.items(), strict=True):
        coordinates, labels = drawn_rows(plane, X, y, n_classes)
        extent = (plane.xs[0], plane.xs[-1], plane.ys[0], plane.ys[-1])
        axes.imshow(picture, extent=extent, aspect="auto", interpolation="antialiased")
        _scatter(axes, coordinates, labels)
        vertical = plane.axis_names[1] if axes is panels[0] else ""
        style_axes(axes, title=name, x=plane.axis_names[0], y=vertical, grid=False)
        axes.tick_params(left=bool(plane.axis_names[1]), labelleft=bool(vertical))
    _legend(figure, classes)
    if title:
        figure.suptitle(plain(title), fontsize=13, fontweight="bold")
    sentences = (textwrap.fill(text, 88 * len(parts)) for text in (plane.caption, READING_AID))
    figure.supxlabel(plain("\n".join(sentences)), fontsize=8.5, color=GREY)
    return figure


def decision_boundary(
    model: Any,
    X: ArrayLike,
    y: ArrayLike,
    feature_names: Sequence[str] | None = None,
    classes: Sequence[object] | None = None,
) -> Figure:
    """The decision boundary of any Keras classifier of tabular rows.

    Args:
        model: A Keras model with one input of shape `(rows, features)` and one output, either a
            probability (binary) or one a class.
        X: Raw values, shape `(rows, features)`; their plane is drawn (see `plane_of`).
        y: Labels, shape `(rows,)`: names of classes or their indices; or one-hot, shape
            `(rows, classes)`.
        feature_names: One a column.
        classes: The classes in the order of the model's outputs; sorted labels if not given.

    Raises:
        DataError: The model takes or gives something else than these rows and labels.
    """
    rows = numeric_rows(X)
    _check_input(model, rows.shape[1])
    plane = plane_of(rows, feature_names)
    outputs = model.predict(plane.points, batch_size=PREDICT_ROWS, verbose=0)
    n_classes = n_classes_of(outputs)
    labels, names = _class_indices(np.asarray(y), classes, n_classes)
    return draw_boundary(plane, outputs, rows, labels, names)


def n_classes_of(outputs: ArrayLike) -> int:
    """How many classes an output of shape `(points,)`, `(points, 1)` or `(points, k)` tells apart.

    Raises:
        DataError: It has another shape.

    Example:
        >>> n_classes_of([[0.2], [0.7]]), n_classes_of([[0.2, 0.3, 0.5]])
        (2, 3)
    """
    shape = () if isinstance(outputs, dict) else np.shape(outputs)
    if len(shape) not in {1, 2}:
        raise DataError(
            f"boundary: got a model output of shape {shape or type(outputs).__name__}; "
            "one output of shape (rows, classes) or (rows, 1) is needed"
        )
    return max(2, shape[1]) if len(shape) == 2 else 2


def _check_input(model: Any, features: int) -> None:
    shape = getattr(model, "input_shape", None)  # a model that was never built has none
    if shape is None:
        return
    if not isinstance(shape, tuple) or len(shape) != 2:
        raise DataError(
            f"boundary: the model takes inputs of shape {shape}; only models of one input with "
            "shape (rows, features) have a decision boundary on a plane"
        )
    if shape[1] not in {None, features}:
        raise DataError(
            f"boundary: the model takes {shape[1]} features, but the rows have {features}; "
            "give the columns that it was trained on"
        )


def _class_indices(
    y: NDArray[Any], classes: Sequence[object] | None, n_classes: int
) -> tuple[NDArray[np.intp], list[str]]:
    if y.ndim == 2 and y.shape[1] == n_classes:
        y = np.argmax(y, axis=1)
    y = y.reshape(-1)
    if classes is None:
        are_indices = bool(np.isin(y, np.arange(n_classes)).all())
        classes = range(n_classes) if are_indices else sorted(set(y.tolist()))
    if len(classes) != n_classes:
        raise DataError(
            f"boundary: got {len(classes)} classes for a model that tells {n_classes} apart; "
            "give classes= in the order of its outputs"
        )
    names = [str(name) for name in classes]
    position = {name: k for k, name in enumerate(names)}
    try:
        return np.array([position[str(label)] for label in y.tolist()], np.intp), names
    except KeyError as error:
        if np.isin(y, np.arange(n_classes)).all():
            return y.astype(np.intp), names
        raise DataError(
            f"boundary: label {error.args[0]} is none of the classes {', '.join(names)}"
        ) from error


def _scatter(axes: Axes, coordinates: NDArray[np.float64], labels: NDArray[np.intp]) -> None:
    colours = [colour(k) for k in labels]
    across, up = coordinates.T
    axes.scatter(across, up, c=colours, s=26, edgecolors="white", linewidths=0.8)


def _legend(figure: Figure, classes: Sequence[object]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], ls="", marker="o", ms=7, mfc=colour(k), mec="white", label=plain(str(name)))
        for k, name in enumerate(classes)
    ]
    columns = -(-len(handles) // LEGEND_ROWS)
    figure.legend(
        handles=handles, loc="outside right upper", frameon=False, title="class", ncols=columns
    )
