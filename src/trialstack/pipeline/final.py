"""The final model: the best trial's hyperparameters, fitted on all training rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from trialstack.hypermodels.own_fit import has_own_fit
from trialstack.pipeline.data import Rows
from trialstack.pipeline.evaluation_pictures import log_evaluation_pictures, log_importance
from trialstack.pipeline.fits import FitPlan, build_seeded, failed_on_error, fit, seeded
from trialstack.pipeline.fitted import (
    FittedModel,
    log_evaluation,
    log_fit_pictures,
    probabilities_of,
)
from trialstack.pipeline.hypermodel import class_weight_for, hypermodel_for
from trialstack.pipeline.job import FINAL, Job
from trialstack.plots.evolution import Evolution
from trialstack.trials import TrialSpec
from trialstack.tuners.search_run import PARENT
from trialstack.tuners.trial_row import TrialRow

if TYPE_CHECKING:
    from trialstack.tuners.base import TrackedTuner


@dataclass(frozen=True)
class FinalModel:
    """The fitted final model and what it says on the rows it is judged by.

    Attributes:
        judged: The test rows; the training rows where there are none.
        probabilities: On `judged`, shape `(rows, classes)`.
        scores: Of `judged`, as `Evaluation.as_dict` has them.
    """

    model: Any
    epochs: int
    judged: Rows
    probabilities: NDArray[np.float64]
    scores: dict[str, Any]


def targets_of(hypermodel: Any) -> Callable[[NDArray[np.int64]], Any]:
    """How a hypermodel's models want their targets: as it says, else class indices."""
    encode: Callable[[NDArray[np.int64]], Any] | None = getattr(hypermodel, "encode_targets", None)
    return encode or (lambda y: y)


def final_epochs(job: Job, best: TrialRow) -> int:
    """How many epochs the final fit has: up to the best epoch, or as many as the trial ran."""
    if job.experiment.search.final_epochs == "run":
        return best.epochs_run
    return (best.best_epoch or 0) + 1


def run_final(
    job: Job,
    tuner: TrackedTuner,
    best: TrialRow,
    baseline: NDArray[np.float64] | None,
) -> FinalModel:
    """Fits the winner on all training rows and evaluates it, once, on the test rows.

    Args:
        job: The job.
        tuner: Knows the winner's hyperparameters.
        best: The winner.
        baseline: The baseline's probabilities on the test rows, drawn beside the final model's.
    """
    job.listener.stage("fitting the final model on all training rows")
    data, search = job.data, job.experiment.search
    hypermodel = hypermodel_for(job.experiment, data, data.train)
    hp = tuner.recorded_hyperparameters(best.trial_id)
    seed = TrialSpec(best.trial_id, best.number, {}, (search.seed, best.number)).seed_for_keras()
    plan = FitPlan(
        key=FINAL,
        kind="final",
        name="final · " + best.name.partition(" · ")[2],
        model=build_seeded(seed, lambda: hypermodel.build(hp)),
        train=data.train,
        validation=None,
        epochs=final_epochs(job, best),
        batch_size=search.batch_size,
        seed=search.seed,
        params=best.hyperparameters,
        tags={"trialstack.trial_id": best.trial_id},
        train_by=_own_fit(job, hypermodel, hp, seed) if has_own_fit(hypermodel) else None,
        evolution=Evolution.on(job.plane, data.train.X, data.train.y, data.dataset.classes),
        class_weight=class_weight_for(job.experiment, data.train),
    )
    fitted = fit(plan, job.tracker, targets_of(hypermodel), PARENT)
    with failed_on_error(job.tracker, FINAL):
        return _evaluate(job, plan, fitted, baseline)


def _own_fit(job: Job, hypermodel: Any, hp: Any, seed: int) -> Callable[..., Any]:
    """The hypermodel's own training, with the winner's hyperparameters.

    It may need validation rows, as for the score that it returns to the tuner, so it is given the
    trials' own. They are among the training rows here, and what they say is not shown.
    """
    validation, encode = job.data.validation, targets_of(hypermodel)

    def train(model: Any, *args: Any, validation_data: None, **kwargs: Any) -> Any:
        rows = (validation.X, encode(validation.y)) if validation else validation_data
        with seeded(seed):
            return hypermodel.fit(hp, model, *args, validation_data=rows, **kwargs)

    return train


def _evaluate(
    job: Job, plan: FitPlan, fitted: FittedModel, baseline: NDArray[np.float64] | None
) -> FinalModel:
    data, tracker = job.data, job.tracker
    tracker.log_dataset(FINAL, data.record())
    judged, prefix, step = (data.test, "test_", 0) if data.test else (data.train, "", plan.epochs)
    probabilities = probabilities_of(fitted.model, judged.X)
    evaluation = log_evaluation(tracker, FINAL, judged, probabilities, prefix, step)
    parts = {"training rows": data.train}
    if data.test is not None:
        parts["test rows"] = data.test
    classes = data.dataset.classes
    log_fit_pictures(tracker, FINAL, fitted, job.plane, parts, classes, plan.name)
    models = {"final": probabilities} | ({"baseline": baseline} if baseline is not None else {})
    where = "test rows" if data.test else "training rows"
    log_evaluation_pictures(tracker, FINAL, judged, models, classes, f"{len(judged)} {where}")
    log_importance(tracker, FINAL, fitted.model, judged, data.columns, "final")
    return FinalModel(fitted.model, plan.epochs, judged, probabilities, evaluation.as_dict())
