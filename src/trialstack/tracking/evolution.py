"""Follows a training and writes the decision boundary of its model, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import keras
import numpy as np

from trialstack.plots.animation import Frame, animate_boundary
from trialstack.plots.evolution import Evolution
from trialstack.plots.model_outputs import model_outputs
from trialstack.tracking.base import Tracker

ANIMATION = "plots/boundary_evolution.gif"


class EvolutionRecorder(keras.callbacks.Callback):
    """Writes pictures of a model that learns into the image grid, and an animation of them.

    A step of the grid is the number of epochs that the model was trained: step 0 shows the
    untrained model, step 10 the one whose last metrics are those of epoch 9, since epochs are
    counted from 0. A training in several stages, each a `fit` of its own, is counted through.

    Args:
        evolution: What is drawn.
        tracker: Where the run is.
        key: Of the run.
        epochs: How many the training has; the steps depend on it.
        title: Of the animation.
    """

    def __init__(
        self, evolution: Evolution, tracker: Tracker, key: str, epochs: int, title: str = ""
    ) -> None:
        super().__init__()
        self._evolution = evolution
        self._tracker = tracker
        self._key = key
        self._epochs = epochs
        self._title = title
        self._trained: int | None = None  # epochs so far; None before the first one begins
        self._frames: list[Frame] = []

    def __deepcopy__(self, memo: dict[int, Any]) -> EvolutionRecorder:
        """Itself: what it records has to reach the one who asked."""
        return self

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Draws the model as it is before anything is learned."""
        if self._trained is None:
            self._trained = epoch
            self._draw_if_due()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Draws the model when a picture is due."""
        self._trained = (epoch if self._trained is None else self._trained) + 1
        self._draw_if_due()

    def finish(self, model: Any) -> None:
        """Writes the animation, which ends with the model as it is now.

        Args:
            model: After training; callbacks may have given it the weights of an earlier epoch.
        """
        if not self._frames or self._trained is None:  # it was trained without callbacks
            return
        frame = self._frame(model)
        last = self._frames[-1]
        if frame.epoch != last.epoch or not np.array_equal(frame.outputs, last.outputs):
            self._frames.append(frame)
        painter, classes = self._evolution.painter, self._evolution.classes
        animation = animate_boundary(painter, self._frames, classes, self._title)
        self._tracker.log_file(self._key, ANIMATION, animation)

    def _draw_if_due(self) -> None:
        if not self._evolution.is_due(self._trained or 0, self._epochs):
            return
        frame, painter = self._frame(self.model), self._evolution.painter
        if painter.can_paint(frame.outputs):
            self._frames.append(frame)
            drawing = partial(painter.paint, frame.outputs)
            self._tracker.log_image(self._key, "boundary", drawing, frame.epoch)

    def _frame(self, model: Any) -> Frame:
        points = self._evolution.painter.plane.points
        return Frame(self._trained or 0, model_outputs(model, points))
