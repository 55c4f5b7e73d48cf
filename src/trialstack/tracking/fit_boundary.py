"""The decision boundary of a model that a plain `model.fit` trains."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from numpy.typing import ArrayLike

from trialstack.errors import InputError
from trialstack.plots.boundary import draw_boundary_parts
from trialstack.plots.evolution import Evolution
from trialstack.plots.labels import class_labels
from trialstack.plots.model_outputs import check_takes, model_outputs, n_classes_of
from trialstack.plots.plane import numeric_rows, plane_of
from trialstack.plots.style import figure_png
from trialstack.tracking.base import Tracker
from trialstack.tracking.evolution import EvolutionRecorder

Rows = tuple[ArrayLike, ArrayLike]
"""Features and labels."""


class FitBoundary:
    """The decision boundary of a model that is being fitted.

    Args:
        tracker: Where the run is.
        key: Of the run.
        settings: The arguments of `MLflowCallback`.
        model: What is fitted.
        epochs: How many the training has.
        title: Above the pictures.

    Attributes:
        recorder: Draws while the model learns; None if only the end is drawn.

    Raises:
        DataError: The rows are not what the model is for.
    """

    def __init__(
        self,
        tracker: Tracker,
        key: str,
        settings: Mapping[str, Any],
        model: Any,
        epochs: int,
        title: str,
    ) -> None:
        self._tracker = tracker
        self._key = key
        self._title = title
        parts: dict[str, Rows] = settings["boundary"]
        first, *_ = parts.values()
        self._plane = plane_of(first[0])
        check_takes(model, self._plane.points.shape[1])
        n_classes = n_classes_of(model_outputs(model, self._plane.at_resolution(2).points))
        labels = class_labels(first[1], settings["classes"], n_classes)
        self._classes = labels.names
        self._parts: dict[str, Rows] = {
            name: (X, class_labels(y, labels.names, n_classes).indices)
            for name, (X, y) in parts.items()
        }
        every = settings["boundary_every"]
        self._evolution = Evolution.on(
            self._plane, first[0], labels.indices, labels.names, every or None
        )
        self.recorder: EvolutionRecorder | None = None
        if every != 0:
            self.recorder = EvolutionRecorder(self._evolution, tracker, key, epochs, title)
            self.recorder.set_model(model)

    def finish(self, model: Any) -> None:
        """Draws the model that the training has come to."""
        if self.recorder is not None:
            self.recorder.finish(model)
        painter = self._evolution.painter
        outputs = model_outputs(model, painter.plane.points)
        self._tracker.log_image(self._key, "boundary_final", partial(painter.paint, outputs))
        outputs = model_outputs(model, self._plane.points)
        figure = draw_boundary_parts(
            self._plane, outputs, self._parts, self._classes, title=self._title
        )
        self._tracker.log_file(self._key, "plots/decision_boundary.png", figure_png(figure))


def boundary_parts(boundary: Rows | Mapping[str, Rows] | None) -> dict[str, Rows] | None:
    """What `MLflowCallback` was given as `boundary`, as sets of rows by name.

    Raises:
        InputError: It is neither a pair nor pairs by name, or rows and labels are not as many.
    """
    if boundary is None:
        return None
    parts: dict[str, Any] = dict(boundary) if isinstance(boundary, Mapping) else {"": boundary}
    if not parts:
        raise InputError('boundary: no rows came; give the pair (X, y), or {"train": (X, y)}')
    for name, rows in parts.items():
        where = f"boundary: {name!r}: " if name else "boundary: "
        if not isinstance(rows, tuple | list) or len(rows) != 2:
            came = f"{len(rows)} parts" if isinstance(rows, tuple | list) else type(rows).__name__
            raise InputError(f"{where}{came} came; give the pair (X, y)")
        features, labels = len(numeric_rows(rows[0])), len(class_labels(rows[1]).indices)
        if features != labels:
            raise InputError(f"{where}{features} rows and {labels} labels came; give one a row")
    return parts
