"""What a model says where: a Keras model's output as class regions on a plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstack.errors import DataError
from trialstack.plots.plane import Plane

MAX_CLASSES = 255

CERTAIN = 1e-6
"""Probabilities nearer to 0 or 1 count as this far away: the float32 next to 1 is 6e-8 from it."""

BAND = 64
"""Rows of pixels that are computed together, so that what is in between stays in the cache."""

ByteImage = NDArray[np.uint8]
FloatImage = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Regions:
    """What a model says on each pixel of a plane.

    Attributes:
        winner: Index of the most probable class, shape `(size, size)`, top row first.
        certainty: From 0 (all classes equally probable) to the highest step, same shape.
    """

    winner: ByteImage
    certainty: ByteImage


def outputs_fit(outputs: ArrayLike, n_points: int, n_classes: int) -> bool:
    """Whether a model's outputs have a shape that `class_probabilities` takes.

    Example:
        >>> outputs_fit([[0.25], [1.5]], 2, 2), outputs_fit([[0.25], [1.5]], 2, 3)
        (True, False)
    """
    shape = np.shape(outputs)
    width = shape[1] if len(shape) == 2 else 1
    widths = {1, 2} if n_classes == 2 else {n_classes}
    return len(shape) in {1, 2} and shape[0] == n_points and width in widths


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
    if not outputs_fit(outputs, n_points, n_classes):
        width = 1 if n_classes == 2 else n_classes
        raise DataError(
            f"plot: the model's output has shape {np.shape(outputs)}; for {n_classes} classes "
            f"at {n_points} points it must be ({n_points}, {width})"
        )
    # One row a class: sums over a few columns take NumPy ten times as long.
    values = np.ascontiguousarray(np.reshape(outputs, (n_points, -1)).T, np.float32)
    known = np.isfinite(values).all(axis=0)
    if len(values) == 1:
        values = np.where(known, values, np.float32(0.5)).clip(0.0, 1.0)
        return np.vstack([1.0 - values, values]).T
    values = np.where(known, values, np.float32(1.0))
    total = values.sum(axis=0)
    if values.min() < 0.0 or values.max() > 1.0 or total.min() == 0.0:
        values = np.exp(values - values.max(axis=0))
        total = values.sum(axis=0)
    return np.asarray(values / total).T


def class_regions(
    plane: Plane, outputs: ArrayLike, n_classes: int, size: int = 512, steps: int = 256
) -> Regions:
    """Which class a model sees where.

    Between grid points it is the logits that are interpolated, bilinearly. They are nearly linear
    where probabilities jump from 0 to 1, so that a coarse grid shows a smooth boundary too. A
    binary model's output beyond [0, 1] is a linear one, and is interpolated itself.

    Args:
        plane: Where the model was evaluated.
        outputs: The model's output at `plane.points`; see `class_probabilities`.
        n_classes: From 2 to 255.
        size: Pixels along each side; the picture's borders are the ends of the plane's axes.
        steps: Number of different certainties, from 2 to 256.

    Raises:
        DataError: `outputs` has the wrong shape, or there are too many classes.
    """
    if not 2 <= n_classes <= MAX_CLASSES:
        raise DataError(f"plot: got {n_classes} classes; 2 to {MAX_CLASSES} can be drawn")
    scores, linear = _scores(outputs, len(plane.points), n_classes)
    enlarged = _Enlarged(scores, plane.resolution, size)
    winner, certainty = np.empty((2, size, size), np.uint8)
    slope = n_classes / (2 * n_classes - 2) * (steps - 1)
    level = steps - 1 - slope + 0.5  # the half is for rounding
    for first in range(0, size, BAND):
        rows = slice(first, first + BAND)
        top, winner[rows] = _winners(enlarged, rows)
        if linear:
            np.minimum(top, 1.0, out=top)
        else:
            np.tanh(top, out=top)
        top *= np.float32(slope)
        top += np.float32(level)
        certainty[rows] = np.maximum(top, 0.0, out=top)
    return Regions(winner, certainty)


def _scores(outputs: ArrayLike, n_points: int, n_classes: int) -> tuple[FloatImage, bool]:
    """What is interpolated of each class: half the logit, or what a linear output says.

    Returns:
        Scores, shape `(classes, points)`, of two classes only the second's; and whether they are
        `2 p - 1` already. Of half a logit, that is the tanh.
    """
    probabilities = class_probabilities(outputs, n_points, n_classes).T
    if n_classes > 2:
        return _half_logits(probabilities), False
    values = np.asarray(outputs, np.float32).reshape(n_points, -1).T
    known = np.isfinite(values)
    if len(values) == 1 and ((values < 0.0) | (values > 1.0)).any(where=known):
        return np.where(known, 2.0 * values - 1.0, np.float32(0.0)), True
    return _half_logits(probabilities[1:]), False


def _half_logits(probabilities: FloatImage) -> FloatImage:
    inner = probabilities.clip(CERTAIN, 1.0 - CERTAIN)
    return np.asarray(0.5 * np.log(inner / (1.0 - inner)))


class _Enlarged:
    """Scores on the pixels of a picture, by bilinear interpolation: a band of rows at a time.

    Args:
        scores: Of each class at the grid points, shape `(classes, resolution * resolution)`.
        resolution: Grid points along each side.
        size: Pixels along each side.
    """

    def __init__(self, scores: FloatImage, resolution: int, size: int) -> None:
        grids = scores.reshape(-1, resolution, resolution)[:, ::-1]
        self.n_grids = len(grids)
        best = grids.argmax(axis=0)
        self._wins = (best[..., None] == np.arange(self.n_grids)).any(axis=1)
        place = (np.arange(size) + 0.5) / size * (resolution - 1)
        self._before = place.astype(np.intp)  # the grid point above or left of each pixel
        self._share = (place - self._before).astype(np.float32)
        self._across = np.take(grids, self._before, axis=2)
        self._across += self._share * (np.take(grids, self._before + 1, axis=2) - self._across)
        self._rise = self._across[:, 1:] - self._across[:, :-1]

    def seen(self, rows: slice) -> NDArray[np.intp]:
        """Classes that win at a grid point in or next to rows of pixels."""
        before = self._before[rows]
        return np.flatnonzero(self._wins[before[0] : before[-1] + 2].any(axis=0))

    def band(self, k: int, rows: slice) -> FloatImage:
        """One class' scores on rows of pixels, shape `(rows, size)`."""
        before = self._before[rows]
        scores: FloatImage = self._rise[k][before]
        scores *= self._share[rows, None]
        scores += self._across[k][before]
        return scores


def _winners(scores: _Enlarged, rows: slice) -> tuple[FloatImage, ByteImage]:
    """The highest score of each pixel, and whose it is."""
    if scores.n_grids == 1:
        top = scores.band(0, rows)
        winner = (top > 0.0).view(np.uint8)  # Keras' threshold: 0.5 itself is class 0
        return np.abs(top, out=top), winner
    # A class that is nowhere the most probable costs no time.
    first, *others = scores.seen(rows)
    top = scores.band(first, rows)
    winner = np.full(top.shape, first, np.uint8)
    for k in others:
        rival = scores.band(k, rows)
        # The index is higher than all before; arithmetic is quicker here than assigning by a mask.
        np.maximum(winner, (rival > top).view(np.uint8) * np.uint8(k), out=winner)
        np.maximum(top, rival, out=top)
    return top, winner
