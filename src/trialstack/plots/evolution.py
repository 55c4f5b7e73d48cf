"""Pictures of a model that learns: at which epochs they are made, and of what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from numpy.typing import ArrayLike

from trialstack.plots.painter import TILE_RESOLUTION, BoundaryPainter
from trialstack.plots.plane import Plane

MOST_PICTURES = 25
"""Beside the first one, of the untrained model."""


@dataclass(frozen=True, eq=False)
class Evolution:
    """How the decision boundary of a model is drawn while it learns.

    Attributes:
        painter: Draws the pictures.
        classes: Name of each class.
        every: Epochs between two pictures; None chooses by `picture_interval`.
    """

    painter: BoundaryPainter
    classes: Sequence[object]
    every: int | None = None

    @classmethod
    def on(
        cls,
        plane: Plane,
        X: ArrayLike,
        y: ArrayLike,
        classes: Sequence[object],
        every: int | None = None,
    ) -> Evolution:
        """The evolution on a plane, of which only a coarse grid is evaluated.

        Args:
            plane: Where the model is looked at.
            X: Rows to be drawn, raw values, shape `(rows, features)`.
            y: Index of each row's class, shape `(rows,)`.
            classes: Name of each class.
            every: Epochs between two pictures; None chooses by `picture_interval`.

        Raises:
            DataError: Rows, labels and plane do not fit together.
        """
        coarse = plane.at_resolution(TILE_RESOLUTION)
        return cls(BoundaryPainter(coarse, X, y, len(classes)), classes, every)

    def is_due(self, epochs_trained: int, epochs: int) -> bool:
        """Whether there is a picture after so many of a training's epochs."""
        return epochs_trained % (self.every or picture_interval(epochs)) == 0


def picture_interval(epochs: int) -> int:
    """Epochs between two pictures of a training: 1, 2, 5, 10, 20, 50, ...

    The least of them that makes at most 25 pictures. Of round numbers, so that trainings of
    different lengths have steps in common: one slider drives the pictures of all runs.

    Args:
        epochs: How many the training has.

    Example:
        >>> [picture_interval(epochs) for epochs in (5, 25, 50, 100, 205, 1000)]
        [1, 1, 2, 5, 10, 50]
    """
    return next(interval for interval in _round_numbers() if epochs <= MOST_PICTURES * interval)


def _round_numbers() -> Iterator[int]:
    for power in count():
        yield from (digit * 10**power for digit in (1, 2, 5))
