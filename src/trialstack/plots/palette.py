"""The colours of decision boundaries: at most 256, so that a pixel is the index of one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor

from trialstack.plots.regions import ByteImage, Regions
from trialstack.plots.style import PALETTE

MAX_SHADES = 32
FAINTEST, DEEPEST = 0.13, 0.6
"""Share of the class colour where a model is undecided and where it is certain.

Never 0, so that the sides of a model that is nowhere sure can be told apart; never 1, so that
dots of the full colour stand out.
"""

FILL_STEPS = 3  # colours between a dot's white rim and its disc, that one included
WHITE = np.full(3, 255.0)
INK = np.full(3, 38.0)


class RegionPalette:
    """At most 256 colours: the shades of every class, the same under half a line, dots, and ink.

    Args:
        n_classes: Beyond the colours of `trialstack.plots.style.PALETTE` they begin again.

    Attributes:
        rgb: Shape `(colours, 3)`.
        shades: How many certainties of a class can be told apart.
        white: Index of white.
        ink: Index of the line between two classes.
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
        self.white, self.ink = len(self.rgb) - 2, len(self.rgb) - 1

    def dot(self, label: int, share: NDArray[np.float64]) -> ByteImage:
        """Indices of a dot's colours; `share` is 0 for its white rim, 1 for its disc."""
        step = np.rint(share * FILL_STEPS).astype(int)
        index = self._first_fill + (step - 1) * self._hues + label % self._hues
        return np.where(step > 0, index, self.white).astype(np.uint8)

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
        np.maximum(indices, line.view(np.uint8) * np.uint8(self.ink), out=indices)
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
