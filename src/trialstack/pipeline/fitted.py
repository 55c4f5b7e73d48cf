"""What is said of a fitted model: its outputs, scores and pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.datasets.chosen_rows import ChosenRows
from trialstack.evaluation.scores import Evaluation, evaluate
from trialstack.pipeline.data import Rows
from trialstack.pipeline.predictions import log_test_predictions
from trialstack.plots.model_outputs import model_outputs
from trialstack.plots.plane import Plane
from trialstack.tracking.base import Tracker


@dataclass(frozen=True)
class FittedModel:
    """What came of a fit.

    Attributes:
        history: Metric name -> one value an epoch; empty if the training told of none.
    """

    model: Any
    history: Mapping[str, Sequence[float]]
    n_weights: int


def outputs_of(model: Any, X: NDArray[np.float32] | ChosenRows) -> NDArray[np.float32]:
    """The model's output, shape `(rows, outputs)`, without a progress bar."""
    return model_outputs(model, X)


def probabilities_of(model: Any, X: NDArray[np.float32] | ChosenRows) -> NDArray[np.float64]:
    """Probability of each class, shape `(rows, classes)`."""
    return as_probabilities(outputs_of(model, X))


def as_probabilities(outputs: NDArray[np.floating]) -> NDArray[np.float64]:
    """A model's output, shape `(rows, outputs)`, with a column for each of two classes, too."""
    values = outputs.astype(np.float64)
    return np.hstack([1.0 - values, values]) if values.shape[1] == 1 else values


def log_evaluation(
    tracker: Tracker,
    key: str,
    rows: Rows,
    probabilities: NDArray[np.float64],
    prefix: str = "test_",
    step: int = 0,
) -> Evaluation:
    """Scores predictions and writes the scores on a run: `test_auc`, `test_accuracy`, ...

    All scores with their intervals are in `evaluation.json`; the ends of the AUC's are metrics,
    too. Predictions of test rows are kept with the run, to be compared with another model's.

    Args:
        tracker: Where the run is.
        key: Of the run.
        rows: What was predicted.
        probabilities: Shape `(rows, classes)`.
        prefix: Of the metrics' names.
        step: Of the metrics. MLflow shows the value of the highest step, so names that epochs
            have too need one that is after them.
    """
    evaluation = evaluate(rows.scored_y, rows.scored(probabilities))
    if prefix == "test_":
        log_test_predictions(tracker, key, rows, probabilities)
    scores = {f"{prefix}{name}": value for name, value in evaluation.scores.items()}
    low, high = evaluation.auc_ci
    interval = {f"{prefix}auc_ci_low": low, f"{prefix}auc_ci_high": high}
    tracker.log_metrics(key, scores | interval, step)
    document = json.dumps(evaluation.as_dict(), indent=2)
    tracker.log_file(key, "evaluation.json", document.encode())
    return evaluation


def log_fit_pictures(
    tracker: Tracker,
    key: str,
    fitted: FittedModel,
    plane: Plane,
    parts: Mapping[str, Rows],
    classes: Sequence[Any],
    title: str,
) -> None:
    """Learning curves and the decision boundary of a fit, over each part of the rows.

    And the rows themselves: see `log_data_pictures`.
    """
    from trialstack.plots.boundary import draw_boundary_parts
    from trialstack.plots.curves import learning_curves
    from trialstack.plots.painter import BoundaryPainter
    from trialstack.plots.style import figure_png

    if fitted.history:
        curves = learning_curves(fitted.history)
        tracker.log_file(key, "plots/learning_curves.png", figure_png(curves))
    outputs = outputs_of(fitted.model, plane.points)
    train = next(iter(parts.values()))
    painter = BoundaryPainter(plane, train.X, train.y, len(classes))
    tracker.log_image(key, "boundary_final", painter.paint(outputs))
    figure = draw_boundary_parts(
        plane,
        outputs,
        {name: (rows.X, rows.y) for name, rows in parts.items()},
        classes,
        title=title,
    )
    tracker.log_file(key, "plots/decision_boundary.png", figure_png(figure))
    log_data_pictures(tracker, key, plane, parts, classes)


def log_data_pictures(
    tracker: Tracker, key: str, plane: Plane, parts: Mapping[str, Rows], classes: Sequence[Any]
) -> None:
    """Scatter and class counts of the rows, each part beside the others.

    Args:
        tracker: Where the run is.
        key: Of the run.
        plane: What the axes of the scatter are.
        parts: Name of each set of rows.
        classes: Name of each class.
    """
    from trialstack.plots.counts import ClassCounts, draw_class_counts
    from trialstack.plots.scatter import draw_scatter_parts
    from trialstack.plots.style import figure_png

    scatter = draw_scatter_parts(
        plane, {name: (rows.X, rows.y) for name, rows in parts.items()}, classes
    )
    names = [str(label) for label in classes]
    counts = {
        name: ClassCounts(names, np.bincount(rows.y, minlength=len(names)))
        for name, rows in parts.items()
    }
    tracker.log_file(key, "plots/data_scatter.png", figure_png(scatter))
    tracker.log_file(key, "plots/class_counts.png", figure_png(draw_class_counts(counts)))
