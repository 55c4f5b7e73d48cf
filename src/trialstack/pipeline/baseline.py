"""The naive model that the winner is compared with."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.datasets.base import moments
from trialstack.errors import TrialstackError
from trialstack.hypermodels.fixed import encode_targets, fixed_mlp
from trialstack.pipeline.descriptions import describe_baseline
from trialstack.pipeline.fits import FitPlan, baseline_seed, build_seeded, failed_on_error, fit
from trialstack.pipeline.fitted import (
    FittedModel,
    log_evaluation,
    log_fit_pictures,
    probabilities_of,
)
from trialstack.pipeline.job import BASELINE, Job, NotWrittenError
from trialstack.pipeline.release import release_rows
from trialstack.pipeline.result import Scored
from trialstack.tuners.journal import Entry
from trialstack.tuners.search_run import PARENT


@dataclass(frozen=True)
class Baseline:
    """The baseline's run and scores.

    Attributes:
        probabilities: On the test rows, shape `(test rows, classes)`; None without such rows.
    """

    scored: Scored
    probabilities: NDArray[np.float64] | None


def run_baseline(job: Job, *, is_patient: bool = True) -> Baseline | None:
    """Fits and evaluates the baseline, or takes it from the journal.

    Args:
        job: The job.
        is_patient: Whether to wait for a store that is away.

    Returns:
        None when the experiment has no baseline or its fit diverged.

    Raises:
        NotWrittenError: The store is away, so that nothing is recorded.
    """
    settings = job.experiment.baseline
    if settings is None:
        return None
    done = job.done_stage(BASELINE)
    if done is None:
        job.listener.stage("fitting the baseline")
        try:
            done = _fit(job, is_patient=is_patient)
        except NotWrittenError:
            raise
        except TrialstackError as error:
            job.wait_until_written(BASELINE, is_patient=is_patient)
            done = job.record_run_stage(BASELINE, {"error": str(error)})
    recorded = done["data"]
    if "error" in recorded:
        job.listener.warning(f"no comparison: {recorded['error']}")
        return None
    scored = Scored(recorded["run_id"], recorded["test"])
    return Baseline(scored, job.load_array(BASELINE) if scored.test else None)


def _fit(job: Job, *, is_patient: bool) -> Entry:
    settings = job.experiment.baseline
    assert settings is not None
    search, data = job.experiment.search, job.data
    dataset = data.dataset
    mean, variance = moments(data.fit.X) if settings.standardize else (None, None)
    model = build_seeded(
        baseline_seed(search.seed),
        lambda: fixed_mlp(
            settings.units,
            data.X.shape[1],
            dataset.n_classes,
            mean=mean,
            variance=variance,
            learning_rate=settings.learning_rate,
        ),
    )
    plan = FitPlan(
        key=BASELINE,
        kind="baseline",
        name=f"baseline · {'-'.join(map(str, settings.units)) or 'linear'}",
        model=model,
        train=data.fit,
        validation=data.validation,
        epochs=settings.epochs,
        batch_size=search.batch_size,
        seed=search.seed,
        params={
            **{f"units_{number}": width for number, width in enumerate(settings.units, 1)},
            "learning_rate": settings.learning_rate,
            "standardize": settings.standardize,
        },
        tell=job.listener.stage,
    )
    fitted = fit(plan, job.tracker, lambda y: encode_targets(y, dataset.n_classes), PARENT)
    with failed_on_error(job.tracker, BASELINE):
        scores = _evaluate(job, fitted, plan.name)
    release_rows(data.X.nbytes)
    job.wait_until_written(BASELINE, is_patient=is_patient)
    describe_baseline(job, scores)
    entry = job.record_run_stage(BASELINE, {"test": scores})
    job.tracker.end_run(BASELINE, "FINISHED", time.time())
    return entry


def _evaluate(job: Job, fitted: FittedModel, title: str) -> dict[str, Any] | None:
    data, tracker = job.data, job.tracker
    tracker.log_dataset(BASELINE, data.record())
    parts = {"fit rows": data.fit}
    scores = None
    if data.test is not None:
        probabilities = probabilities_of(fitted.model, data.test.X)
        scores = log_evaluation(tracker, BASELINE, data.test, probabilities).as_dict()
        job.save_array(BASELINE, probabilities)
        parts["test rows"] = data.test
    log_fit_pictures(tracker, BASELINE, fitted, job.plane, parts, data.dataset.classes, title)
    return scores
