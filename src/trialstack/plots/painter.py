"""Pictures of decision boundaries for image grids: square, bare, and made in milliseconds.

A search draws one for every trial, which may have trained in less time than matplotlib takes for a
picture. Here a pixel is the index of one of at most 256 colours, in the computation as in the PNG,
and whatever is the same in all pictures is drawn once.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageColor

from trialstack.errors import DataError
from trialstack.plots.plane import Plane
from trialstack.plots.regions import (
    MAX_CLASSES,
    ByteImage,
    FloatImage,
    Regions,
    class_regions,
    outputs_fit,
)
from trialstack.plots.style import PALETTE

MAX_POINTS = 500

MAX_SHADES = 32
FAINTEST, DEEPEST = 0.13, 0.6
"""Share of the class colour where a model is undecided and where it is certain.

Never 0, so that the sides of a model that is nowhere sure can be told apart; never 1, so that
dots of the full colour stand out.
"""

FILL_STEPS = 3  # colours between a dot's white rim and its disc, that one included
WHITE = np.full(3, 255.0)
INK = np.full(3, 38.0)

REFERENCE_SIZE = 512
DISC_RADIUS = 4.1
RIM_RADIUS = 6.2
"""Of a dot's coloured disc and its white rim, in pixels of a picture of the reference size."""

COMPRESS_LEVEL = 1  # of zlib: 6 takes three times as long for a fifth less

TILE_RESOLUTION = 65
"""Grid points along each axis that pictures of trials need: one every eight pixels.

With more of them no line would move by a pixel; see `trialstack.plots.regions.class_regions`.
"""


class RegionPalette:
    """At most 256 colours: the shades of every class, the same under half a line, dots, and ink.

    Args:
        n_classes: Beyond the colours of `trialstack.plots.style.PALETTE` they begin again.

    Attributes:
        rgb: Shape `(colours, 3)`.
        shades: How many certainties of a class can be told apart.
    """

    def __init__(self, n_classes: int) -> None:
        self._hues = min(n_classes, len(PALETTE))
        self.shades = min(MAX_SHADES, (254 - FILL_STEPS * self._hues) // (2 * self._hues))
        full = np.array([ImageColor.getrgb(name) for name in PALETTE[: self._hues]], float)
        depth = np.linspace(FAINTEST, DEEPEST, self.shades)[:, None]
        shaded = np.vstack([WHITE + depth * (hue - WHITE) for hue in full])
        fills = [WHITE + step / FILL_STEPS * (full - WHITE) for step in range(1, FILL_STEPS + 1)]
        colours = [shaded, (shaded + INK) / 2, *fills, WHITE, INK]
        self.rgb: ByteImage = np.vstack(colours).astype(np.uint8)
        self._half_line = len(shaded)
        self._first_fill = 2 * len(shaded)
        self._white, self._ink = len(self.rgb) - 2, len(self.rgb) - 1

    def dot(self, label: int, share: NDArray[np.float64]) -> ByteImage:
        """Indices of a dot's colours; `share` is 0 for its white rim, 1 for its disc."""
        step = np.rint(share * FILL_STEPS).astype(int)
        index = self._first_fill + (step - 1) * self._hues + label % self._hues
        return np.where(step > 0, index, self._white).astype(np.uint8)

    def picture(self, regions: Regions) -> ByteImage:
        """Indices of the colours of class regions and of the line between them.

        Args:
            regions: What a model says where, in `shades` steps of certainty.
        """
        hue = regions.winner
        if hue.max() >= self._hues:
            hue = hue % np.uint8(self._hues)
        indices = hue * np.uint8(self.shades)
        indices += regions.certainty
        line, beside = _line(regions.winner)
        # Arithmetic on all pixels is quicker than choosing among them; no index is above the ink's.
        indices += beside.view(np.uint8) * np.uint8(self._half_line)
        np.maximum(indices, line.view(np.uint8) * np.uint8(self._ink), out=indices)
        return indices


def _line(winner: ByteImage) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Pixels where another class begins; those and their neighbours, for a softer edge."""
    line = np.zeros(winner.shape, bool)
    across = winner[:, 1:] != winner[:, :-1]
    down = winner[1:] != winner[:-1]
    line[:, 1:] |= across
    line[:, :-1] |= across
    line[1:] |= down
    line[:-1] |= down
    beside = line.copy()
    beside[:, 1:] |= line[:, :-1]
    beside[:, :-1] |= line[:, 1:]
    beside[1:] |= line[:-1]
    beside[:-1] |= line[1:]
    return line, beside


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
        self._palette = RegionPalette(n_classes)
        self._colours = self._palette.rgb.tobytes()
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
        steps = self._palette.shades
        regions = class_regions(self.plane, outputs, self.n_classes, self.size, steps)
        shades = regions.certainty.reshape(-1)
        shades[self._rims] = shades[self._rims] * self._keep + np.float32(0.5)
        indices = self._palette.picture(regions)
        indices *= self._free
        indices += self._dots
        image = Image.fromarray(indices)
        image.putpalette(self._colours)
        buffer = BytesIO()
        image.save(buffer, "PNG", compress_level=COMPRESS_LEVEL)
        return buffer.getvalue()

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
            np.copyto(dots[window], self._palette.dot(int(label), disc), where=covered)
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


def drawn_rows(
    plane: Plane, X: ArrayLike, y: ArrayLike, n_classes: int
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """The rows that are drawn: at most 500 of those that have a place on the plane.

    Returns:
        Plane coordinates, shape `(drawn, 2)`, and index of the class, shape `(drawn,)`.

    Raises:
        DataError: A label is no index of a class, or there is not one label a row.
    """
    coordinates = plane.project(X)
    labels = np.asarray(y)
    if labels.shape not in {(len(coordinates),), (len(coordinates), 1)}:
        raise DataError(
            f"boundary: got labels of shape {labels.shape} for {len(coordinates)} rows; give one "
            "a row"
        )
    labels = labels.reshape(-1)
    whole = np.isin(labels, np.arange(n_classes))
    if not whole.all():
        raise DataError(
            f"boundary: label {labels[~whole][0]!s} is no class index; expected whole numbers "
            f"from 0 to {n_classes - 1}"
        )
    low, high = (plane.xs[0], plane.ys[0]), (plane.xs[-1], plane.ys[-1])
    inside = np.flatnonzero(((coordinates >= low) & (coordinates <= high)).all(axis=1))
    # Shuffled even when all are drawn: no class lies on top of the others.
    chosen = np.random.default_rng(0).permutation(inside)[:MAX_POINTS]
    return coordinates[chosen], labels[chosen].astype(np.intp)
