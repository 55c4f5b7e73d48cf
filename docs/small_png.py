"""Writes pictures of the documentation as small PNG files."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

IMAGES = Path(__file__).resolve().parent / "images"
WIDEST = 1400
"""Pixels: twice what a page shows."""
COLOURS = 192


def save_png(name: str, picture: bytes | Image.Image) -> None:
    """Writes a picture with few colours into `docs/images`.

    Args:
        name: Of the file, without its suffix.
        picture: A PNG file's bytes, or a picture.
    """
    opened = Image.open(io.BytesIO(picture)) if isinstance(picture, bytes) else picture
    small = opened.convert("RGB")
    small.thumbnail((WIDEST, WIDEST), Image.Resampling.LANCZOS)
    file = IMAGES / f"{name}.png"
    small.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
    print(f"{file.name}: {file.stat().st_size / 1024:.0f} kB")
