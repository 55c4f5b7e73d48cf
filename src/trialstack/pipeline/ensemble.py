"""The final model as the mean of the best trials, each fitted anew on all training rows.

The validation rows took part in choosing the members, so they tell nothing more of the result and
are trained on, as by a final model of one trial. The sealed test rows judge all of it, once.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trialstack.errors import TrialstackError
from trialstack.evaluation.greedy_selection import greedy_selection
from trialstack.hypermodels.averaged import averaged_model
from trialstack.hypermodels.own_fit import has_own_fit
from trialstack.hypermodels.summary import model_summary
from trialstack.pipeline.data import Rows
from trialstack.pipeline.fits import build_seeded, built, failed_on_error, fit
from trialstack.pipeline.fitted import FittedModel, probabilities_of
from trialstack.pipeline.hypermodel import class_weight_for
from trialstack.pipeline.job import FINAL, Job
from trialstack.pipeline.refit import final_epochs, plan_refit, spec_of_refit, targets_of
from trialstack.pipeline.stacks import LAST_EPOCH, DescribedJob, train_stacked
from trialstack.tracking.base import NewRun
from trialstack.tracking.off import NullTracker
from trialstack.trials import Finished
from trialstack.tuners.search_run import PARENT
from trialstack.tuners.trial_row import TrialRow
from trialstack.tuners.weights import put_weights

if TYPE_CHECKING:
    from trialstack.tuners.base import TrackedTuner

ROUNDS = 20
"""Models that are taken into the mean at most, repetitions included."""

MEMBERS = "members.csv"


@dataclass(frozen=True)
class Member:
    """A trial in the mean.

    Attributes:
        row: The trial.
        times: How often it counts.
    """

    row: TrialRow
    times: int


def choose_members(job: Job, tuner: TrackedTuner, ranking: Sequence[TrialRow]) -> list[Member]:
    """The best trials, or those of them whose mean does best on the validation rows.

    Args:
        job: The job; for greedy selection it has validation rows.
        tuner: Has kept the weights of the best trials, by which they are selected.
        ranking: Trials with a score, the best first.
    """
    settings, validation = job.experiment.final, job.data.validation
    assert settings is not None
    best = ranking[: settings.ensemble]
    if settings.members == "all" or validation is None:
        return [Member(row, 1) for row in best]
    kept = [row for row in best if tuner.best_weights.path(row.trial_id).exists()]
    models = (tuner.load_model(tuner.oracle.trials[row.trial_id]) for row in kept)
    said = np.stack([probabilities_of(model, validation.X) for model in models])
    times = greedy_selection(said, validation.y, ROUNDS)
    return [Member(row, int(count)) for row, count in zip(kept, times, strict=True) if count]


def fit_ensemble(
    job: Job, tuner: TrackedTuner, members: Sequence[Member], hypermodel: Any, train: Rows
) -> tuple[FittedModel, list[Member]]:
    """Fits all members and averages them, as the final run, which stays open.

    Its metrics of an epoch are the members' own, averaged; of one that needs fewer epochs than
    others, those of its last. A member whose loss becomes NaN or infinite is left out.

    Args:
        job: The job.
        tuner: Knows the members' hyperparameters.
        members: What is averaged.
        hypermodel: For these rows.
        train: All training rows.

    Returns:
        The mean, and who is in it.

    Raises:
        TrialstackError: All members diverged; the run is FAILED.
    """
    tracker = job.tracker
    params = {"rows": str(len(train))}
    name = ensemble_name(len(members))
    tracker.start_run(NewRun(FINAL, "final", name, time.time(), PARENT, params, {}))
    with failed_on_error(tracker, FINAL):
        fitted = _fit_members(job, tuner, members, hypermodel, train)
        whole = [(member, one) for member, one in zip(members, fitted, strict=True) if one]
        if not whole:
            raise TrialstackError("the final fit failed: the loss of all members diverged")
        times = [member.times for member, _ in whole]
        model = averaged_model([one.model for _, one in whole], times)
        rows = mean_of_epochs([one.history for _, one in whole], times)
        epochs, n_weights = len(rows), int(model.count_params())
        tracker.log_epochs(FINAL, 0, rows, [time.time()] * epochs)
        known = {"members": len(whole), "epochs": epochs, "weights": n_weights}
        tracker.log_params(FINAL, {key: str(value) for key, value in known.items()})
        tracker.log_file(FINAL, "summary.txt", model_summary(model).encode())
        tracker.log_file(FINAL, MEMBERS, _table([member for member, _ in whole]))
    history = {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}
    return FittedModel(model, history, n_weights), [member for member, _ in whole]


def ensemble_name(members: int) -> str:
    """Of the run and the pictures of a mean of so many."""
    return f"final · mean of {members} trials"


def _fit_members(
    job: Job, tuner: TrackedTuner, members: Sequence[Member], hypermodel: Any, train: Rows
) -> list[FittedModel | None]:
    """The members in their order; None for one whose loss became NaN or infinite."""
    if has_own_fit(hypermodel):
        return [_fit_one(job, tuner, member, hypermodel, train) for member in members]
    rows = {member.row.trial_id: member.row for member in members}
    y, weights = targets_of(hypermodel)(train.y), class_weight_for(job.experiment, train)
    search = job.experiment.search

    def build(trial_id: str) -> Any:
        return hypermodel.build(tuner.recorded_hyperparameters(trial_id))

    def fit_arguments(trial_id: str) -> Mapping[str, Any]:
        return {
            "x": train.X,
            "y": y,
            "epochs": final_epochs(job, rows[trial_id]),
            "batch_size": search.batch_size,
            "class_weight": weights,
        }

    described = DescribedJob(
        lambda spec: build(spec.trial_id),
        lambda spec: fit_arguments(spec.trial_id),
        search.seed,
        LAST_EPOCH,
    )
    specs = [spec_of_refit(job, row) for row in rows.values()]
    ends = train_stacked(specs, described)
    fitted: list[FittedModel | None] = []
    for spec, end in zip(specs, ends, strict=True):
        if not isinstance(end, Finished) or end.weights is None:
            fitted.append(None)
            continue
        model = build_seeded(
            spec.seed_for_keras(),
            lambda: built(build(spec.trial_id), train.X),  # noqa: B023
        )
        put_weights(model, end.weights)
        fitted.append(FittedModel(model, end.history, int(model.count_params())))
    return fitted


def _fit_one(
    job: Job, tuner: TrackedTuner, member: Member, hypermodel: Any, train: Rows
) -> FittedModel | None:
    """A member whose hypermodel trains in its own way."""
    plan = plan_refit(job, tuner, member.row, hypermodel, train)
    try:
        return fit(plan, NullTracker(), targets_of(hypermodel), None)
    except TrialstackError:
        return None


def mean_of_epochs(
    histories: Sequence[Mapping[str, Sequence[float]]], times: Sequence[int]
) -> list[dict[str, float]]:
    """Metrics of each epoch, averaged over trainings of different length.

    Args:
        histories: Of each training: name of a metric -> one value an epoch.
        times: How often each counts.

    Example:
        >>> mean_of_epochs([{"loss": [0.5, 0.25]}, {"loss": [1.0]}], [3, 1])
        [{'loss': 0.625}, {'loss': 0.4375}]
    """
    names = [name for name in histories[0] if all(history.get(name) for history in histories)]
    epochs = max((len(history[name]) for history in histories for name in names), default=0)

    def mean(name: str, epoch: int) -> float:
        values = [history[name][min(epoch, len(history[name]) - 1)] for history in histories]
        return float(np.average(values, weights=times))

    return [{name: mean(name, epoch) for name in names} for epoch in range(epochs)]


def _table(members: Sequence[Member]) -> bytes:
    """One row a member: the trial, its score, and its share of the mean."""
    total = sum(member.times for member in members)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["trial_id", "trial", "score", "share"])
    for member in members:
        row = member.row
        writer.writerow([row.trial_id, row.name, f"{row.score:.7g}", f"{member.times / total:.4g}"])
    return buffer.getvalue().encode()
