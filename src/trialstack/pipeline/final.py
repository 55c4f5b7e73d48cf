"""The final model: the best trial, or a mean of several, fitted anew on all training rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from trialstack.pipeline.data import Rows
from trialstack.pipeline.ensemble import Member, choose_members, ensemble_name, fit_ensemble
from trialstack.pipeline.evaluation_pictures import log_evaluation_pictures, log_importance
from trialstack.pipeline.fits import failed_on_error, fit
from trialstack.pipeline.fitted import (
    FittedModel,
    log_evaluation,
    log_fit_pictures,
    probabilities_of,
)
from trialstack.pipeline.hypermodel import hypermodel_for
from trialstack.pipeline.job import FINAL, Job
from trialstack.pipeline.refit import final_epochs, plan_refit, targets_of
from trialstack.pipeline.release import release_rows
from trialstack.plots.evolution import Evolution
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
        members: Trials that it is the mean of; none = it is of the best trial alone.
    """

    model: Any
    epochs: int
    judged: Rows
    probabilities: NDArray[np.float64]
    scores: dict[str, Any]
    members: Sequence[Member] = ()


@dataclass(frozen=True)
class FittedFinal:
    """The final model before it is judged.

    Attributes:
        title: Of its run and pictures.
        epochs: Of the longest fit in it.
        members: See `FinalModel`.
    """

    fitted: FittedModel
    title: str
    epochs: int
    members: Sequence[Member] = ()


def run_final(
    job: Job,
    tuner: TrackedTuner,
    ranking: Sequence[TrialRow],
    baseline: NDArray[np.float64] | None,
) -> FinalModel:
    """Fits the winner on all training rows and evaluates it, once, on the test rows.

    With `final.ensemble`, the mean of some of the best trials takes the winner's place.

    Args:
        job: The job.
        tuner: Knows the trials' hyperparameters.
        ranking: Trials with a score, the best first.
        baseline: The baseline's probabilities on the test rows, drawn beside the final model's.
    """
    chosen = fit_final(job, tuner, ranking)
    with failed_on_error(job.tracker, FINAL):
        return _evaluate(job, chosen, baseline)


def fit_final(
    job: Job, tuner: TrackedTuner, ranking: Sequence[TrialRow], *, drawn: bool = True
) -> FittedFinal:
    """Fits the final model as a tracked run, which stays open; it is not evaluated.

    Args:
        job: The job.
        tuner: Knows the trials' hyperparameters.
        ranking: Trials with a score, the best first.
        drawn: Whether there are pictures of a single trial while it learns.
    """
    release_rows(job.data.X.nbytes)  # of the search
    train = job.data.train
    hypermodel = hypermodel_for(job.experiment, job.data, train)
    members: Sequence[Member] = ()
    if job.experiment.final is not None and job.experiment.final.ensemble:
        job.listener.stage("choosing the members of the final model")
        members = choose_members(job, tuner, ranking)
    if len(members) > 1:
        job.listener.stage(f"fitting {len(members)} members on all training rows")
        fitted, members = fit_ensemble(job, tuner, members, hypermodel, train)
        epochs = max(final_epochs(job, member.row) for member in members)
        return FittedFinal(fitted, ensemble_name(len(members)), epochs, members)
    job.listener.stage("fitting the final model on all training rows")
    winner = members[0].row if members else ranking[0]
    plan = plan_refit(job, tuner, winner, hypermodel, train)
    if drawn:
        evolution = Evolution.on(job.plane, train.X, train.y, job.data.dataset.classes)
        plan = replace(plan, evolution=evolution)
    fitted = fit(plan, job.tracker, targets_of(hypermodel), PARENT)
    return FittedFinal(fitted, plan.name, plan.epochs, members)


def _evaluate(job: Job, final: FittedFinal, baseline: NDArray[np.float64] | None) -> FinalModel:
    data, tracker, fitted = job.data, job.tracker, final.fitted
    tracker.log_dataset(FINAL, data.record())
    judged, prefix, step = (data.test, "test_", 0) if data.test else (data.train, "", final.epochs)
    probabilities = probabilities_of(fitted.model, judged.X)
    many = data.X.nbytes  # of which each step below makes tables of its own
    release_rows(many)
    evaluation = log_evaluation(tracker, FINAL, judged, probabilities, prefix, step)
    parts = {"training rows": data.train}
    if data.test is not None:
        parts["test rows"] = data.test
    classes = data.dataset.classes
    log_fit_pictures(tracker, FINAL, fitted, job.plane, parts, classes, final.title)
    release_rows(many)
    models = {"final": probabilities} | ({"baseline": baseline} if baseline is not None else {})
    where = "test rows" if data.test else "training rows"
    log_evaluation_pictures(tracker, FINAL, judged, models, classes, f"{len(judged)} {where}")
    release_rows(many)
    log_importance(tracker, FINAL, fitted.model, judged, data.columns, "final")
    release_rows(many)
    scores = evaluation.as_dict()
    return FinalModel(fitted.model, final.epochs, judged, probabilities, scores, final.members)
