"""How rows are brought to a plane, and points of the plane back to rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

GOLDEN_RATIO = 0.618033988749895


@dataclass(frozen=True, eq=False)
class Projection:
    """How rows are brought to a plane and back.

    A row `x` has the coordinates `directions @ ((x - origin) / scale)`.

    Attributes:
        origin: The row at the coordinates (0, 0), shape `(features,)`.
        scale: Unit of each feature, shape `(features,)`.
        directions: Of the two axes in scaled features, shape `(2, features)`; orthonormal, or 0
            where the data have no such direction.
    """

    origin: FloatArray
    scale: FloatArray
    directions: FloatArray

    def to_plane(self, rows: FloatArray) -> FloatArray:
        """Coordinates of rows, shape `(rows, 2)`."""
        scaled = (rows - self.origin) / self.scale
        if len(self.origin) > 2:
            scaled[~np.isfinite(scaled)] = 0.0  # a missing value: the middle of its column
        coordinates = scaled @ self.directions.T
        if len(self.origin) == 1:
            coordinates[:, 1] = _spread(len(rows))
        return coordinates

    def to_rows(self, coordinates: FloatArray) -> FloatArray:
        """The rows at the given coordinates, shape `(points, features)`."""
        return self.origin + self.scale * (coordinates @ self.directions)

    def grid(self, xs: FloatArray, ys: FloatArray) -> NDArray[np.float32]:
        """The rows at all pairs of two axes' coordinates; see `Plane.points`."""
        coordinates = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
        return self.to_rows(coordinates).astype(np.float32)


def features_themselves(names: Sequence[str]) -> tuple[Projection, tuple[str, str], str]:
    """Axes that are the features: projection, names of the axes, caption.

    Args:
        names: Of the features, one or two.
    """
    features = len(names)
    projection = Projection(np.zeros(features), np.ones(features), np.eye(2, features))
    if features == 1:
        caption = "one feature; the height of a point only keeps it apart from the others"
        return projection, (names[0], ""), caption
    return projection, (names[0], names[1]), "plane of the two features"


def principal_components(rows: FloatArray) -> tuple[Projection, tuple[str, str], str]:
    """Axes that are the first two principal components: projection, names of the axes, caption.

    Args:
        rows: Shape `(rows, features)`; a value that is missing counts as the mean of its column.
    """
    origin, scale, standardized = _standardize(rows)
    directions = _leading_directions(standardized)
    total = float(np.sum(standardized**2))
    shares = np.sum((standardized @ directions.T) ** 2, axis=0) / (total or 1.0)
    first, second = (f"principal component {i + 1} ({100 * shares[i]:.0f} %)" for i in range(2))
    caption = (
        f"plane of the first two principal components ({100 * shares.sum():.0f} % of variance)"
    )
    return Projection(origin, scale, directions), (first, second), caption


def _standardize(rows: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean, standard deviation, and standardized rows; constant columns become 0."""
    known = np.isfinite(rows)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, rows, 0.0).sum(axis=0) / count
    centred = np.where(known, rows - mean, 0.0)
    deviation = np.sqrt(np.sum(centred**2, axis=0) / count)
    # The mean of equal numbers can differ from them in the last digit, hence not `deviation > 0`.
    varies = deviation > 1e-12 * np.abs(mean)
    scale = np.where(varies, deviation, 1.0)
    return mean, scale, np.where(varies, centred, 0.0) / scale


def _leading_directions(standardized: FloatArray) -> FloatArray:
    """First two principal axes, shape `(2, features)`; the largest entry of each is positive."""
    directions = np.zeros((2, standardized.shape[1]))
    varying = np.flatnonzero(standardized.any(axis=0))  # a constant column stays as it is
    table = standardized[:, varying]
    if len(varying) <= len(table):
        found = np.linalg.eigh(table.T @ table).eigenvectors.T[::-1][:2]
    else:
        found = np.linalg.svd(table, full_matrices=False).Vh[:2]
    for axis, direction in zip(directions, found, strict=False):
        axis[varying] = direction * np.sign(direction[np.argmax(np.abs(direction))])
    return directions


def _spread(rows: int) -> FloatArray:
    """Evenly scattered numbers in [-0.5, 0.5): neighbouring rows land far from each other."""
    return np.asarray(np.arange(rows) * GOLDEN_RATIO % 1.0 - 0.5)
