"""Pictures of decision boundaries for image grids: square, bare, and made in milliseconds.

A search draws one for every trial, which may have trained in less time than matplotlib takes for a
picture. Here a pixel is the index of one of at most 256 colours, in the computation as in the PNG,
and whatever is the same in all pictures is drawn once.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from trialstack.plots.palette import RegionPalette
from trialstack.plots.plane import Plane
from trialstack.plots.regions import (
    MAX_CLASSES,
    ByteImage,
    FloatImage,
    class_regions,
    outputs_fit,
)
from trialstack.plots.rows import drawn_rows

REFERENCE_SIZE = 512
DISC_RADIUS = 4.1
RIM_RADIUS = 6.2
"""Of a dot's coloured disc and its white rim, in pixels of a picture of the reference size."""

COMPRESS_LEVEL = 1  # of zlib: 6 takes three times as long for a fifth less

TILE_RESOLUTION = 65
"""Grid points along each axis that pictures of trials need: one every eight pixels.

With more of them no line would move by a pixel; see `trialstack.plots.regions.class_regions`.
"""


class BoundaryPainter:
    """Paints the decision boundaries of many models of the same rows.

    Class regions are shaded from white (undecided) to the class colour (certain), a dark line
    stands where the most probable class changes, and rows are dots in the colour of their true
    class. What does not depend on the model is made once. Painting changes no state, so several
    threads may share a painter.

    Args:
        plane: Where the models are evaluated.
        X: Rows to be drawn, raw values, shape `(rows, features)`; at most 500 of them are,
            chosen with a fixed seed.
        y: Index of each row's class, shape `(rows,)` or `(rows, 1)`.
        n_classes: From 2 to 255.
        size: Pixels along each side.

    Attributes:
        palette: The colours of the pictures.

    Raises:
        DataError: Rows, labels and plane do not fit together.

    Example:
        >>> from trialstack.plots.plane import plane_of
        >>> plane = plane_of([[0.0, 0.0], [1.0, 1.0]])
        >>> painter = BoundaryPainter(plane, [[0.0, 0.0], [1.0, 1.0]], [0, 1], n_classes=2)
        >>> painter.paint(plane.points.mean(axis=1))[1:4]
        b'PNG'
    """

    def __init__(
        self, plane: Plane, X: ArrayLike, y: ArrayLike, n_classes: int, size: int = 512
    ) -> None:
        self.plane = plane
        self.n_classes = n_classes
        self.size = size
        self.palette = RegionPalette(n_classes)
        self._colours = self.palette.rgb.tobytes()
        keep, self._dots, dotted = self._draw_dots(*drawn_rows(plane, X, y, n_classes))
        self._free = (~dotted).view(np.uint8)
        self._rims = np.flatnonzero((keep < 1.0) & ~dotted)
        self._keep = keep.reshape(-1)[self._rims]

    def can_paint(self, outputs: ArrayLike) -> bool:
        """Whether outputs have the shape of a classifier's, of the classes that are drawn."""
        fit = outputs_fit(outputs, len(self.plane.points), self.n_classes)
        return fit and self.n_classes <= MAX_CLASSES

    def paint(self, outputs: ArrayLike) -> bytes:
        """The picture of one model: a PNG file in palette mode.

        Args:
            outputs: The model's output at `plane.points`, shape `(points, 1)` (probability of
                class 1) or `(points, classes)`; see `trialstack.plots.regions`.

        Raises:
            DataError: `outputs` has the wrong shape.
        """
        image = Image.fromarray(self.picture(outputs))
        image.putpalette(self._colours)
        buffer = BytesIO()
        image.save(buffer, "PNG", compress_level=COMPRESS_LEVEL)
        return buffer.getvalue()

    def picture(self, outputs: ArrayLike) -> ByteImage:
        """The same as indices of the colours of `palette`, shape `(size, size)`, top row first.

        Args:
            outputs: See `paint`.

        Raises:
            DataError: `outputs` has the wrong shape.
        """
        steps = self.palette.shades
        regions = class_regions(self.plane, outputs, self.n_classes, self.size, steps)
        shades = regions.certainty.reshape(-1)
        shades[self._rims] = shades[self._rims] * self._keep + np.float32(0.5)
        indices = self.palette.picture(regions)
        indices *= self._free
        indices += self._dots
        return indices

    def _draw_dots(
        self, coordinates: NDArray[np.float64], labels: NDArray[np.intp]
    ) -> tuple[FloatImage, ByteImage, NDArray[np.bool_]]:
        """Depth of shading around dots, colours of dots, and where those are."""
        unit = self.size / REFERENCE_SIZE
        reach = int(RIM_RADIUS * unit) + 2
        border = reach + 1  # so that dots at the edge need no special case
        side = self.size + 2 * border
        keep = np.ones((side, side), np.float32)
        dots = np.zeros((side, side), np.uint8)
        dotted = np.zeros((side, side), bool)
        for place, label in zip(self._pixels(coordinates) + border, labels, strict=True):
            column, row = np.rint(place).astype(int)
            window = np.s_[row - reach : row + reach + 1, column - reach : column + reach + 1]
            down, across = np.mgrid[window]
            distance = np.hypot(across - place[0], down - place[1])
            rim = (RIM_RADIUS * unit - distance + 0.5).clip(0.0, 1.0)
            disc = (DISC_RADIUS * unit - distance + 0.5).clip(0.0, 1.0)
            covered = rim == 1.0
            keep[window] *= (1.0 - rim).astype(np.float32)
            np.copyto(dots[window], self.palette.dot(int(label), disc), where=covered)
            dotted[window] |= covered
        inner = np.s_[border:-border, border:-border]
        return keep[inner].copy(), dots[inner].copy(), dotted[inner].copy()

    def _pixels(self, coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
        """Column and row of coordinates, where pixel centres are whole numbers."""
        low = np.array([self.plane.xs[0], self.plane.ys[0]])
        high = np.array([self.plane.xs[-1], self.plane.ys[-1]])
        share = (coordinates - low) / (high - low)
        share[:, 1] = 1.0 - share[:, 1]
        return np.asarray(share * self.size - 0.5)
