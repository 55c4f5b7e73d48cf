"""How a trial of the search is fitted anew, on all training rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from trialstack.hypermodels.own_fit import has_own_fit
from trialstack.pipeline.data import Rows
from trialstack.pipeline.fits import FitPlan, build_seeded, built, seeded
from trialstack.pipeline.hypermodel import class_weight_for
from trialstack.pipeline.job import FINAL, Job
from trialstack.trials import TrialSpec
from trialstack.tuners.trial_row import TrialRow

if TYPE_CHECKING:
    from trialstack.tuners.base import TrackedTuner


def targets_of(hypermodel: Any) -> Callable[[NDArray[np.int64]], Any]:
    """How a hypermodel's models want their targets: as it says, else class indices."""
    encode: Callable[[NDArray[np.int64]], Any] | None = getattr(hypermodel, "encode_targets", None)
    return encode or (lambda y: y)


def final_epochs(job: Job, row: TrialRow) -> int:
    """How many epochs a trial is fitted anew: up to its best epoch, or as many as it ran."""
    if job.experiment.search.final_epochs == "run":
        return row.epochs_run
    return (row.best_epoch or 0) + 1


def spec_of_refit(job: Job, row: TrialRow) -> TrialSpec:
    """The trial's own seed, which its initial weights come from again."""
    return TrialSpec(row.trial_id, row.number, {}, (job.experiment.search.seed, row.number))


def plan_refit(
    job: Job, tuner: TrackedTuner, row: TrialRow, hypermodel: Any, train: Rows
) -> FitPlan:
    """The fit of a trial's hyperparameters on other rows, as the final run.

    Args:
        job: The job.
        tuner: Knows the trial's hyperparameters.
        row: The trial.
        hypermodel: For these rows.
        train: All training rows.
    """
    search = job.experiment.search
    hp = tuner.recorded_hyperparameters(row.trial_id)
    seed = spec_of_refit(job, row).seed_for_keras()
    return FitPlan(
        key=FINAL,
        kind="final",
        name="final · " + row.name.partition(" · ")[2],
        model=build_seeded(seed, lambda: built(hypermodel.build(hp), train.X)),
        train=train,
        validation=None,
        epochs=final_epochs(job, row),
        batch_size=search.batch_size,
        seed=search.seed,
        params=row.hyperparameters,
        tags={"trialstack.trial_id": row.trial_id},
        train_by=_own_fit(job, hypermodel, hp, seed) if has_own_fit(hypermodel) else None,
        class_weight=class_weight_for(job.experiment, train),
        tell=job.listener.stage,
    )


def _own_fit(job: Job, hypermodel: Any, hp: Any, seed: int) -> Callable[..., Any]:
    """The hypermodel's own training, with the trial's hyperparameters.

    It may need validation rows, as for the score that it returns to the tuner, so it is given the
    trials' own. They are among the training rows here, and what they say is not shown.
    """
    validation, encode = job.data.validation, targets_of(hypermodel)

    def train(model: Any, *args: Any, validation_data: None, **kwargs: Any) -> Any:
        rows = (validation.X, encode(validation.y)) if validation else validation_data
        with seeded(seed):
            return hypermodel.fit(hp, model, *args, validation_data=rows, **kwargs)

    return train
