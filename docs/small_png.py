"""Writes pictures of the documentation as small PNG files."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Quantize
from scipy.spatial import KDTree

IMAGES = Path(__file__).resolve().parent / "images"
WIDEST = 1500
"""Pixels: about twice what a page shows."""
EXACT = 16
"""The most frequent colours, kept as they are."""
COLOURS = ((176, 64), (112, 64), (80, 32), (40, 16))
"""Further ones: for areas, and for thin lines and small dots."""
LARGEST = 120_000
"""Bytes; a test of the documentation allows a little more."""


def save_png(name: str, picture: bytes | Image.Image) -> None:
    """Writes a picture into `docs/images`, in as many colours as make a small file.

    Args:
        name: Of the file, without its suffix.
        picture: A PNG file's bytes, or a picture.
    """
    opened = Image.open(io.BytesIO(picture)) if isinstance(picture, bytes) else picture
    small = opened.convert("RGB")
    small.thumbnail((WIDEST, WIDEST), Image.Resampling.LANCZOS)
    file = IMAGES / f"{name}.png"
    for common, rare in COLOURS:
        _with_palette(small, _palette(small, common, rare)).save(file, optimize=True)
        if file.stat().st_size <= LARGEST:
            break
    print(f"{file.name}: {file.stat().st_size / 1000:.0f} kB")


def _palette(picture: Image.Image, common: int, rare: int) -> NDArray[np.uint8]:
    """Colours for the areas of a picture, and for what is rare in it: shape `(colours, 3)`.

    A median cut alone gives two runs' colours, a few dots each, one colour between them; the
    coverage of all colours alone tints grey areas; and neither keeps white white.
    """
    frequent = sorted(picture.getcolors(picture.width * picture.height) or [], reverse=True)
    found = [np.array([colour for _, colour in frequent[:EXACT]], np.uint8)]
    for method, count in ((Quantize.MEDIANCUT, common), (Quantize.MAXCOVERAGE, rare)):
        few = picture.quantize(count, method, dither=Image.Dither.NONE)
        found.append(np.array(few.getpalette(), np.uint8).reshape(-1, 3))
    return np.unique(np.concatenate(found), axis=0)


def _with_palette(picture: Image.Image, palette: NDArray[np.uint8]) -> Image.Image:
    """A picture in the nearest colours of a palette; Pillow's own search for them is not exact."""
    pixels = np.asarray(picture).reshape(-1, 3)
    colours, places = np.unique(pixels, axis=0, return_inverse=True)
    _, nearest = KDTree(palette).query(colours)
    shape = picture.height, picture.width
    indexed = Image.fromarray(nearest[places.ravel()].astype(np.uint8).reshape(shape), "P")
    indexed.putpalette(palette.tobytes())
    return indexed
