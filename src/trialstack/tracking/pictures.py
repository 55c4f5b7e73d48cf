"""Pictures as MLflow's image grid wants them: a PNG, and a small WebP that the grid shows."""

from __future__ import annotations

import io
import re
import uuid

GRID_SIZE = 256  # pixels; the grid shows the small file at its natural size


def picture_path(name: str, step: int, time: int) -> str:
    """Path of a picture within a run's artifacts, without suffix.

    The UI reads key, step and time out of it.

    Args:
        name: Key of the grid; characters that MLflow forbids become `_`, `/` becomes `~`.
        step: Position of the slider.
        time: Milliseconds since the epoch.
    """
    key = re.sub(r"[^a-zA-Z0-9_\-./ ]", "_", name).replace("/", "~")
    return f"images/{key}+step+{step}+timestamp+{time}+{uuid.uuid4()}"


def picture_files(path: str, png: bytes) -> dict[str, bytes]:
    """Both files of a picture: path -> content."""
    return {f"{path}.png": png, f"{path}+compressed.webp": _thumbnail(png)}


def _thumbnail(png: bytes) -> bytes:
    from PIL import Image

    with Image.open(io.BytesIO(png)) as picture:
        small = picture.convert("RGB")
    # Averages of whole squares of pixels are made in a tenth of the time of a resampling filter.
    small = small.reduce(max(1, max(small.size) // GRID_SIZE))
    small.thumbnail((GRID_SIZE, GRID_SIZE), Image.Resampling.LANCZOS)
    content = io.BytesIO()
    # Lossless is quicker than lossy, and keeps the colours of small dots; a file is larger.
    small.save(content, "WEBP", lossless=True, quality=0, method=0)
    return content.getvalue()
