"""The hypermodel of an experiment, for rows of its data."""

from __future__ import annotations

from typing import Any

from trialstack.experiment import Experiment
from trialstack.hypermodels.make import make_hypermodel
from trialstack.hypermodels.weighted import balanced_weights
from trialstack.pipeline.data import Data, Rows


def hypermodel_for(experiment: Experiment, data: Data, rows: Rows) -> Any:
    """What builds an experiment's models.

    Args:
        experiment: Its `[hypermodel]` table is used.
        data: Its data.
        rows: Which of them the models are going to be fitted on.

    Raises:
        ExperimentError: The user's own class cannot be used.
    """
    return make_hypermodel(experiment, rows.X, data.dataset.n_classes, data.n_numeric)


def class_weight_for(experiment: Experiment, rows: Rows) -> dict[int, float] | None:
    """What `model.fit` is given as `class_weight`; None = nothing.

    Args:
        experiment: Its `[search]` table is used; what a trial chooses, its hypermodel sees to.
        rows: That are trained on.
    """
    return balanced_weights(rows.y) if experiment.search.class_weight == "balanced" else None
