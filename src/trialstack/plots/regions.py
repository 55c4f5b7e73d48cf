"""What a model says where: a Keras model's output as class regions on a plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from trialstack.errors import DataError
from trialstack.plots.plane import Plane

MAX_CLASSES = 255

ByteImage = NDArray[np.uint8]
FloatImage = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Regions:
    """What a model says on each pixel of a plane.

    Attributes:
        winner: Index of the most probable class, shape `(size, size)`, top row first.
        certainty: From 0 (all classes equally probable) to 1, same shape.
    """

    winner: ByteImage
    certainty: FloatImage


def class_probabilities(outputs: ArrayLike, n_points: int, n_classes: int) -> NDArray[np.float32]:
    """A Keras model's output as one probability a class.

    One output of a binary model is the probability of class 1, clipped to [0, 1] (a linear output
    trained as a probability leaves that range). Several outputs are divided by their sum, or go
    through softmax where they are no probabilities (logits). Where an output is NaN or infinite,
    all classes are equally probable.

    Args:
        outputs: Shape `(points,)`, `(points, 1)` or `(points, classes)`.
        n_points: How many points there must be.
        n_classes: At least 2.

    Returns:
        Shape `(points, classes)`.

    Raises:
        DataError: `outputs` has another shape.

    Example:
        >>> class_probabilities([[0.25], [1.5]], 2, 2).tolist()
        [[0.75, 0.25], [0.0, 1.0]]
    """
    values = np.asarray(outputs, dtype=np.float32)
    if values.ndim == 1:
        values = values[:, None]
    widths = (1, 2) if n_classes == 2 else (n_classes,)
    if values.ndim != 2 or len(values) != n_points or values.shape[1] not in widths:
        raise DataError(
            f"boundary: the model's output has shape {np.shape(outputs)}; for {n_classes} classes "
            f"at {n_points} points it must be ({n_points}, {widths[0]})"
        )
    known = np.isfinite(values).all(axis=1, keepdims=True)
    if values.shape[1] == 1:
        values = np.where(known, values, np.float32(0.5)).clip(0.0, 1.0)
        return np.hstack([1.0 - values, values])
    values = np.where(known, values, np.float32(1.0))
    total = values.sum(axis=1, keepdims=True)
    if values.min() < 0.0 or values.max() > 1.0 or total.min() == 0.0:
        values = np.exp(values - values.max(axis=1, keepdims=True))
        total = values.sum(axis=1, keepdims=True)
    return np.asarray(values / total)


def class_regions(plane: Plane, outputs: ArrayLike, n_classes: int, size: int = 512) -> Regions:
    """Which class a model sees where, between grid points by bilinear interpolation.

    Args:
        plane: Where the model was evaluated.
        outputs: The model's output at `plane.points`; see `class_probabilities`.
        n_classes: From 2 to 255.
        size: Pixels along each side; the picture's borders are the ends of the plane's axes.

    Raises:
        DataError: `outputs` has the wrong shape, or there are too many classes.
    """
    if not 2 <= n_classes <= MAX_CLASSES:
        raise DataError(f"boundary: got {n_classes} classes; 2 to {MAX_CLASSES} can be drawn")
    probabilities = class_probabilities(outputs, len(plane.points), n_classes)
    grids = probabilities.T.reshape(n_classes, plane.resolution, plane.resolution)[:, ::-1]
    if n_classes == 2:
        top = _enlarge(grids[1], size)
        # Keras' threshold: 0.5 itself is class 0.
        return Regions((top > 0.5).astype(np.uint8), np.abs(2.0 * top - 1.0))
    # A class that is nowhere the most probable costs no time.
    seen = np.unique(np.argmax(probabilities, axis=1))
    winner = np.full((size, size), seen[0], np.uint8)
    top = _enlarge(grids[seen[0]], size)
    for k in seen[1:]:
        rival = _enlarge(grids[k], size)
        np.copyto(winner, np.uint8(k), where=rival > top)
        top = np.maximum(top, rival)
    certainty = ((top * n_classes - 1.0) / (n_classes - 1.0)).clip(0.0)
    return Regions(winner, certainty.astype(np.float32, copy=False))


def _enlarge(grid: FloatImage, size: int) -> FloatImage:
    # Pillow counts pixels as areas: this box puts the outermost grid points on the picture's
    # borders instead of half a cell inside.
    box = (0.5, 0.5, len(grid) - 0.5, len(grid) - 0.5)
    image = Image.fromarray(np.ascontiguousarray(grid))
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR, box=box))
