"""What a search's pictures are drawn of, kept until they are tracked."""

from __future__ import annotations

import contextlib
import io
import shutil
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trialstack.plots.painter import BoundaryPainter
from trialstack.tracking.base import Drawing


class TrialPictures:
    """Keeps the outputs of trials' models, and has their decision boundaries drawn from them.

    Nothing is drawn here: the training of other trials would wait for it.

    Args:
        folder: Where outputs wait; made when the first do.
        painter: Draws the pictures; None draws none.
    """

    def __init__(self, folder: Path, painter: BoundaryPainter | None) -> None:
        self._folder = folder
        self._painter = painter

    @property
    def probe(self) -> NDArray[np.float32] | None:
        """The points at which models are to be evaluated; None if nothing is drawn."""
        return self._painter.plane.points if self._painter else None

    def keep(self, trial_id: str, outputs: NDArray[np.float32] | None) -> None:
        """Writes outputs down, if there can be a picture of them.

        Raises:
            OSError: The disk is full or may not be written.
        """
        if self._painter is None or outputs is None or not self._painter.can_paint(outputs):
            return
        content = io.BytesIO()
        np.save(content, outputs)
        file = self._file(trial_id)
        file.parent.mkdir(parents=True, exist_ok=True)
        # Whole after a kill. It is not synced, which takes longer than to draw the picture: a
        # power cut may cost one.
        unfinished = file.with_suffix(".unfinished")
        unfinished.write_bytes(content.getvalue())
        unfinished.replace(file)

    def drawing(self, trial_id: str, outputs: NDArray[np.float32] | None) -> Drawing | None:
        """What draws a trial's picture; None if there is to be none.

        Args:
            trial_id: Whose picture it is.
            outputs: What `keep` was given; None after a restart, when the file has them.
        """
        if self._painter is None:
            return None
        if outputs is not None:
            paintable = self._painter.can_paint(outputs)
            return partial(self._painter.paint, outputs) if paintable else None
        file = self._file(trial_id)
        # Read now, since the folder may be gone when it is drawn.
        return partial(_paint, self._painter, file.read_bytes()) if file.exists() else None

    def forget(self, trial_id: str) -> None:
        """Removes a trial's file: its picture is tracked. Any thread may do so."""
        with contextlib.suppress(OSError):  # a file that stays does no harm
            self._file(trial_id).unlink()

    def drop(self) -> None:
        """Removes all files: their pictures are tracked."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _file(self, trial_id: str) -> Path:
        return self._folder / f"{trial_id}.npy"


def _paint(painter: BoundaryPainter, content: bytes) -> bytes:
    return painter.paint(np.load(io.BytesIO(content), allow_pickle=False))
