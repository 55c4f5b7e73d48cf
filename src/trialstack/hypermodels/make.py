"""From an experiment to its hypermodel."""

from __future__ import annotations

from typing import Any

from trialstack.datasets.base import Dataset, Features, moments
from trialstack.experiment import Experiment, MLPSettings
from trialstack.hypermodels.arguments import OFFERED
from trialstack.hypermodels.custom import load_hypermodel
from trialstack.hypermodels.mlp import MLPHyperModel
from trialstack.hypermodels.own_fit import offer_batch_size


def make_hypermodel(experiment: Experiment, dataset: Dataset, X: Features) -> Any:
    """The hypermodel that the experiment names, for the rows it is going to be fitted on.

    Args:
        experiment: Its `[hypermodel]` table is used.
        dataset: For the number of columns and classes.
        X: Rows that inputs are standardised by, shape `(rows, features)`.

    Raises:
        ExperimentError: The user's own class cannot be used.
    """
    mean, variance = moments(X)
    settings = experiment.hypermodel
    if isinstance(settings, MLPSettings):
        return MLPHyperModel(dataset.n_features, dataset.n_classes, settings, mean, variance)
    values = (dataset.n_features, dataset.n_classes, mean, variance)
    hypermodel = load_hypermodel(
        settings.type,
        offered=dict(zip(OFFERED, values, strict=True)),
        params=settings.params,
        folder=experiment.folder,
        place_of=experiment.place_of,
    )
    offer_batch_size(hypermodel)
    return hypermodel
