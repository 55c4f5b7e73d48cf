"""Tries out a hypermodel of the user's own before a search begins with it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.datasets.names import nearest
from trialstack.errors import ExperimentError, ModelRefusedError
from trialstack.evaluation.checks import SUM_TOLERANCE
from trialstack.experiment import CustomSettings, Experiment
from trialstack.pipeline.data import Data
from trialstack.pipeline.fits import build_seeded
from trialstack.pipeline.fitted import outputs_of, probabilities_of
from trialstack.pipeline.hypermodel import hypermodel_for
from trialstack.pipeline.refit import targets_of

TRIED_ROWS = 100


def checked_hypermodel(experiment: Experiment, data: Data) -> Any:
    """The experiment's hypermodel; one of the user's own is tried out on a few rows.

    Raises:
        ExperimentError: There is no such class, its models do not produce the objective, or they
            could not be registered.
    """
    hypermodel = hypermodel_for(experiment, data, data.fit)
    if isinstance(experiment.hypermodel, CustomSettings):
        _try_out(experiment, data, hypermodel)
    return hypermodel


def _try_out(experiment: Experiment, data: Data, hypermodel: Any) -> None:
    from trialstack.registry.stock import stock_config
    from trialstack.tuners.table import default_hyperparameters

    fit, place = data.fit, experiment.place_of("hypermodel.type")
    rows = slice(0, TRIED_ROWS)
    try:
        model = build_seeded(0, lambda: hypermodel.build(default_hyperparameters()))
        metrics = model.evaluate(
            fit.X[rows], targets_of(hypermodel)(fit.y[rows]), verbose=0, return_dict=True
        )
        stock_config(model)
        wrong = _no_probabilities(model, fit.X[rows])
    except ModelRefusedError as error:
        raise ExperimentError(f"{place}: key 'hypermodel.type': {error}") from error
    except Exception:
        return  # other hyperparameters may do better; if not, the trials will say what is wrong
    if wrong:
        raise ExperimentError(
            f"{place}: key 'hypermodel.type': {type(hypermodel).__name__!r} makes models {wrong}; "
            "end them with a sigmoid or softmax, and leave from_logits out of the loss"
        )
    produced = [*(f"val_{name}" for name in metrics if data.validation), *metrics]
    objective = experiment.search.objective
    if objective not in produced:
        raise ExperimentError(
            f"{experiment.place_of('search.objective')}: key 'search.objective': {objective!r} "
            f"came; this hypermodel produces: "
            f"{', '.join(produced)}{nearest(objective, produced)}"
        )


def _no_probabilities(model: Any, X: NDArray[np.float32]) -> str:
    """Why a model's outputs are no probabilities; empty if they may be."""
    import keras

    probabilities = probabilities_of(model, X)
    off = np.abs(probabilities.sum(axis=1) - 1) > SUM_TOLERANCE
    bad = off | (probabilities < 0).any(axis=1)
    if bad.any():
        shown = np.array2string(outputs_of(model, X)[bad][0], precision=3)
        return f"whose output is no probability: {shown}"
    # Before training, outputs of any kind may lie between 0 and 1 by chance. A layer without
    # weights only passes on what another one has made of them.
    last = model.layers[-1]
    linear = getattr(last, "activation", None) is keras.activations.linear and last.weights
    return "whose last layer has no activation" if linear else ""
