"""Pictures of runs, made small and written into the page itself."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO

from trialstack.report.page.entries import Entry
from trialstack.report.runs import RunStore, StoredRun

TILE = 176
"""Side of a decision boundary, in pixels."""
PLOT = 720
"""Width of a plot, in pixels."""
QUALITY = 72
COLOURS = 48
"""Of a plot."""
READERS = 4

EVALUATION = (
    ("roc", "ROC curve"),
    ("precision_recall", "Precision and recall"),
    ("confusion_matrix", "Confusion matrix"),
    ("calibration", "Calibration"),
    ("score_histogram", "Probabilities by class"),
    ("thresholds", "Scores against the threshold"),
    ("importance", "Importance of the columns"),
    ("decision_boundary", "Decision boundary"),
)
"""Plots of a model, in the order of the page: name of the file, and title."""

_STEP = re.compile(r"images/boundary(_final)?\+step\+(\d+)\+")


@dataclass(frozen=True)
class Picture:
    """A picture.

    Attributes:
        uri: The picture itself, as a `data:` address.
        width: In pixels.
        height: In pixels.
        title: What it shows.
    """

    uri: str
    width: int
    height: int
    title: str


def boundaries(runs: RunStore, entries: Sequence[Entry]) -> dict[str, Picture]:
    """The last decision boundary of each run: key of the entry -> picture.

    Args:
        runs: The store.
        entries: Whose; those without a picture are left out of the result.
    """
    with ThreadPoolExecutor(READERS) as readers:
        found = readers.map(lambda entry: _boundary(runs, entry), entries)
        return {
            entry.key: picture
            for entry, picture in zip(entries, found, strict=True)
            if picture is not None
        }


def evaluation_plots(runs: RunStore, run: StoredRun) -> list[Picture]:
    """What was drawn of a model's predictions."""
    there = set(runs.list_files(run, "plots"))
    wanted = [(f"plots/{name}.png", title) for name, title in EVALUATION]
    wanted = [(path, title) for path, title in wanted if path in there]
    with ThreadPoolExecutor(READERS) as readers:
        found = readers.map(lambda one: _picture(runs, run, one[0], one[1], PLOT), wanted)
        return [picture for picture in found if picture is not None]


def small(content: bytes, width: int, title: str, *, lines: bool) -> Picture | None:
    """A picture no wider than it is shown; None if it is none that can be read.

    Args:
        content: Of a file.
        width: In pixels.
        title: What it shows.
        lines: Whether it is of lines and text, which stay sharp as PNG, with few colours.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(content)) as opened:
            picture = opened.convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return None
    if picture.width > width:
        height = max(1, round(picture.height * width / picture.width))
        picture = picture.resize((width, height), Image.Resampling.BOX)
    buffer, kind = BytesIO(), "png" if lines else "webp"
    if lines:
        picture.quantize(COLOURS, method=Image.Quantize.FASTOCTREE).save(buffer, "PNG")
    else:
        picture.save(buffer, "WEBP", quality=QUALITY, method=1)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Picture(f"data:image/{kind};base64,{data}", picture.width, picture.height, title)


def _boundary(runs: RunStore, entry: Entry) -> Picture | None:
    files = runs.list_files(entry.run, "images")
    found = {path: match for path in files if (match := _STEP.match(path))}
    if not found:
        return None

    def wanted(path: str) -> tuple[bool, int, bool]:
        final, step = found[path].groups()
        return bool(final), int(step), path.endswith(".webp")  # the smaller file of the two

    title = f"Decision boundary of {entry.label}"
    return _picture(runs, entry.run, max(found, key=wanted), title, TILE)


def _picture(runs: RunStore, run: StoredRun, path: str, title: str, width: int) -> Picture | None:
    content = runs.read_file(run, path)
    return small(content, width, title, lines=width == PLOT) if content else None
