"""From an experiment to its hypermodel."""

from __future__ import annotations

from typing import Any

from trialstack.datasets.base import Features, moments
from trialstack.datasets.chosen_rows import ChosenRows
from trialstack.experiment import Experiment, MLPSettings
from trialstack.hypermodels.arguments import OFFERED
from trialstack.hypermodels.custom import load_hypermodel
from trialstack.hypermodels.mlp import MLPHyperModel
from trialstack.hypermodels.own_fit import offer_batch_size
from trialstack.hypermodels.weighted import WeightedMLPHyperModel
from trialstack.preprocessing.encodings import make_encoding


def make_hypermodel(
    experiment: Experiment,
    X: Features | ChosenRows,
    n_classes: int,
    n_numeric: int | None = None,
) -> Any:
    """The hypermodel that the experiment names, for the rows it is going to be fitted on.

    Args:
        experiment: Its `[hypermodel]` table is used.
        X: Rows that encodings are learned from, shape `(rows, features)`.
        n_classes: Number of classes.
        n_numeric: How many of the first features are numbers, and not 0 or 1; None = all.

    Raises:
        ExperimentError: The user's own class cannot be used.
    """
    n_features = X.shape[1]
    mean, variance = moments(X)
    settings = experiment.hypermodel
    if isinstance(settings, MLPSettings):
        numeric = n_features if n_numeric is None else n_numeric
        encodings = {name: make_encoding(name, X, numeric) for name in settings.encoding or ()}
        of_class = WeightedMLPHyperModel if settings.class_weight else MLPHyperModel
        return of_class(n_features, n_classes, settings, mean, variance, encodings)
    values = (n_features, n_classes, mean, variance)
    hypermodel = load_hypermodel(
        settings.type,
        offered=dict(zip(OFFERED, values, strict=True)),
        params=settings.params,
        folder=experiment.folder,
        place_of=experiment.place_of,
    )
    offer_batch_size(hypermodel)
    return hypermodel
