"""What is drawn of a fitted model's predictions, whatever it was fitted for."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.evaluation.importance import MOST_FEATURES, Importance, permutation_importance
from trialstack.pipeline.data import Rows
from trialstack.pipeline.fitted import probabilities_of
from trialstack.tracking.base import Tracker


def log_evaluation_pictures(
    tracker: Tracker,
    key: str,
    rows: Rows,
    models: Mapping[str, NDArray[np.float64]],
    classes: Sequence[Any],
    title: str,
) -> None:
    """Draws predictions: ROC, precision-recall, calibration, confusion matrix, and so on.

    Args:
        tracker: Where the run is.
        key: Of the run.
        rows: What was predicted.
        models: Name of each model with its probabilities, shape `(rows, classes)`; they share the
            axes. A single one may have an empty name.
        classes: Label of each class.
        title: Which rows these are.
    """
    from trialstack.plots.evaluation import evaluation_figures
    from trialstack.plots.style import figure_png

    names = [str(label) for label in classes]
    names = names[::-1] if rows.first_is_positive else names
    models = {name: rows.scored(probabilities) for name, probabilities in models.items()}
    for name, figure in evaluation_figures(rows.scored_y, models, names, title).items():
        tracker.log_file(key, f"plots/{name}.png", figure_png(figure))


def log_importance(
    tracker: Tracker,
    key: str,
    model: Any,
    rows: Rows,
    columns: Mapping[str, Sequence[int]],
    title: str,
) -> None:
    """Permutation importance of the features, as `plots/importance.png` and `importance.csv`.

    Data of more than 500 features have neither: see `trialstack.evaluation.importance`.

    Args:
        tracker: Where the run is.
        key: Of the run.
        model: A Keras model that takes the rows as they are.
        rows: What it was not fitted on.
        columns: Name of each column of the data -> features that are made of it.
        title: Name of the model.
    """
    from trialstack.plots.importance import draw_importance
    from trialstack.plots.style import figure_png

    if len(columns) > MOST_FEATURES:
        return
    found = permutation_importance(
        lambda X: probabilities_of(model, X),
        rows.X,
        rows.y,
        list(columns),
        groups=list(columns.values()),
    )
    tracker.log_file(key, "plots/importance.png", figure_png(draw_importance(found, title)))
    tracker.log_file(key, "importance.csv", _table(found).encode())


def _table(importance: Importance) -> str:
    """All columns, the most important first."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["feature", "auc_loss", "standard_deviation"])
    for k in importance.ranking:
        values = (importance.means[k], importance.deviations[k])
        writer.writerow([importance.features[k], *(f"{value:.6f}" for value in values)])
    return text.getvalue()
