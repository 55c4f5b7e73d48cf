"""Where a decision boundary is drawn: a plane through feature space, and a grid of points on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstack.datasets.chosen_rows import ChosenRows
from trialstack.errors import DataError
from trialstack.plots.projection import (
    FloatArray,
    Projection,
    features_themselves,
    principal_components,
)

UNIT_SCALE = (0.5, 10.0)
UNIT_MARGIN = 0.1
RELATIVE_MARGIN = 0.05  # about what 0.1 is to the circles, which span 2.1

MOST_ROWS = 50_000
"""That a plane is found by; of more, a sample has the same components, and leaves out little."""


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane through feature space, and a grid of points on it. Made by `plane_of`.

    Attributes:
        points: Raw inputs at which a model is to be evaluated, shape
            `(resolution * resolution, features)`. They run along `xs` at the lowest of `ys` first.
        xs: Horizontal coordinates of the grid, shape `(resolution,)`, ascending.
        ys: Vertical coordinates of the grid, shape `(resolution,)`, ascending.
        axis_names: Names of the horizontal and the vertical axis.
        caption: What the plane is, for people.
        projection: How rows are brought to the plane.
    """

    points: NDArray[np.float32]
    xs: FloatArray
    ys: FloatArray
    axis_names: tuple[str, str]
    caption: str
    projection: Projection

    @property
    def resolution(self) -> int:
        """Number of grid points along each axis."""
        return len(self.xs)

    @property
    def model_caption(self) -> str:
        """The caption of a model's picture on this plane."""
        if len(self.projection.origin) <= 2:
            return self.caption
        return f"{self.caption}; model evaluated on the points of that plane"

    def at_resolution(self, resolution: int) -> Plane:
        """The same part of the same plane, with another number of grid points along each axis.

        Args:
            resolution: At least 2.
        """
        xs = np.linspace(self.xs[0], self.xs[-1], resolution)
        ys = np.linspace(self.ys[0], self.ys[-1], resolution)
        return replace(self, points=self.projection.grid(xs, ys), xs=xs, ys=ys)

    def project(self, X: ArrayLike) -> FloatArray:
        """Coordinates of rows on this plane.

        A missing value counts as the middle of its column; on a plane of one or two features
        nothing stands in for it, and the row's coordinate is NaN. A single feature has no second
        coordinate: rows are spread over [-0.5, 0.5] by their position, to be told apart.

        Args:
            X: Raw values, shape `(rows, features)`.

        Returns:
            Shape `(rows, 2)`.

        Raises:
            DataError: `X` is not a table of numbers with the features of the plane.
        """
        rows = numeric_rows(X)
        features = len(self.projection.origin)
        if rows.shape[1] != features:
            raise DataError(
                f"plot: rows have {rows.shape[1]} features, but the plane was made of "
                f"{features}; give the same columns"
            )
        return self.projection.to_plane(rows)


def plane_of(
    X: ArrayLike,
    feature_names: Sequence[str] | None = None,
    resolution: int = 100,
    margin: float | None = None,
) -> Plane:
    """The plane on which a model of these rows is looked at.

    Two features are the axes themselves. More are reduced to their first two principal components,
    of columns brought to mean 0 and standard deviation 1; the grid is carried back to raw values,
    so that a model which takes raw rows can be evaluated on it. The picture then shows the model
    on that plane only, as its caption says. One feature becomes the horizontal axis.

    Args:
        X: Training rows, raw values, shape `(rows, features)`; missing ones (NaN) are left out.
        feature_names: One a column; if not given, those of a DataFrame, else `x0`, `x1`, ...
        resolution: Grid points along each axis, at least 2.
        margin: Added around the data on each side, in units of the axis. By default 0.1 where the
            data span 0.5 to 10, else 5 % of what they span.

    Raises:
        DataError: `X` has no rows, no columns, or something other than numbers.

    Reference:
        Jolliffe, I. T. (2002). Principal Component Analysis, 2nd ed., section 2.3: components of
        the correlation matrix.

    Example:
        >>> plane = plane_of([[0.0, 10.0], [1.0, 50.0]], ["width", "height"], resolution=3)
        >>> plane.xs.round(2).tolist(), plane.ys.round(2).tolist()
        ([-0.1, 0.5, 1.1], [8.0, 30.0, 52.0])
        >>> plane.points.shape
        (9, 2)
    """
    if feature_names is None:
        feature_names = getattr(X, "columns", None)
    sample = sample_rows(X, MOST_ROWS)
    rows = numeric_rows(X if sample is None else rows_at(X, sample))
    features = rows.shape[1]
    if feature_names is None:
        feature_names = default_names(features)
    names = [str(name) for name in feature_names]
    if len(names) != features:
        raise DataError(
            f"plot: got {len(names)} feature names for {features} columns; give one a column"
        )
    if features <= 2:
        projection, axis_names, caption = features_themselves(names)
    else:
        projection, axis_names, caption = principal_components(rows)
    coordinates = projection.to_plane(rows)
    xs = _axis(coordinates[:, 0], resolution, margin)
    ys = _axis(coordinates[:, 1], resolution, margin)
    return Plane(projection.grid(xs, ys), xs, ys, axis_names, caption, projection)


def sample_rows(X: ArrayLike, most: int) -> NDArray[np.intp] | None:
    """Indices of some rows of a long table, ascending, drawn with a fixed seed.

    Returns:
        Shape `(most,)`; None if there are no more rows than that.
    """
    shape = getattr(X, "shape", ())
    if not shape or shape[0] <= most:
        return None
    return np.sort(np.random.default_rng(0).choice(shape[0], most, replace=False))


def rows_at(X: ArrayLike | ChosenRows, rows: NDArray[np.intp]) -> NDArray[Any]:
    """Some rows of a table, of which no others are copied."""
    return (X if isinstance(X, ChosenRows) else np.asarray(X))[rows]


def default_names(features: int) -> list[str]:
    """Names of columns that came without: `x0`, `x1`, ..."""
    return [f"x{i}" for i in range(features)]


def numeric_rows(X: ArrayLike) -> FloatArray:
    """Rows as a table of floats, shape `(rows, features)`.

    Raises:
        DataError: There are no rows or columns, or something other than numbers.
    """
    try:
        rows = np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            "plot: the rows hold something other than numbers; encode text columns first"
        ) from error
    if rows.ndim != 2 or 0 in rows.shape:
        raise DataError(
            f"plot: got an array of shape {rows.shape}; a table of (rows, features) with at "
            "least one of each is needed"
        )
    return rows


def _axis(values: FloatArray, resolution: int, margin: float | None) -> FloatArray:
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    span = high - low
    if margin is None:
        if span == 0:
            margin = max(UNIT_MARGIN, RELATIVE_MARGIN * abs(low))
        else:
            margin = (
                UNIT_MARGIN if UNIT_SCALE[0] <= span <= UNIT_SCALE[1] else RELATIVE_MARGIN * span
            )
    return np.linspace(low - margin, high + margin, resolution)
