"""The search itself: its parent run, and the tuner that fills it with trials."""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trialstack.experiment import Experiment
from trialstack.hypermodels.naming import format_value
from trialstack.pipeline.apart_child import COMMAND
from trialstack.pipeline.data import Data
from trialstack.pipeline.data_warnings import imputation_tags, warning_tags
from trialstack.pipeline.fitted import log_data_pictures
from trialstack.pipeline.hypermodel import class_weight_for
from trialstack.pipeline.job import SEARCHING, Job, SearchInProgress
from trialstack.pipeline.left_open import close_recorded
from trialstack.pipeline.refit import targets_of
from trialstack.pipeline.registration import delete_interrupted_models
from trialstack.plots.plane import Plane
from trialstack.tracking.base import NewRun, Tracker
from trialstack.tracking.overview import describe_experiment
from trialstack.tracking.views import BEST_SHOWN, save_views
from trialstack.tuners.asking import SPACE_EXHAUSTED
from trialstack.tuners.journal import Journal
from trialstack.tuners.names import TrialNames
from trialstack.tuners.search_run import PARENT, SearchRun
from trialstack.tuners.tracked import enter_parent

if TYPE_CHECKING:
    from trialstack.tuners.base import TrackedTuner

RUNNING = "Running."
"""Begins the description of a search that has not come to a result."""

LONGEST_PARAM = 500
"""Characters of a setting among the params: a longer one fills the run page."""


def open_run(job: Job, hypermodel: Any) -> SearchRun:
    """Opens the search's run, or takes up the one of an earlier process."""
    run = SearchRun(
        job.tracker,
        job.experiment.objective,
        TrialNames.of(hypermodel),
        job.search.folder,
        Job.painter_for(job.data, job.plane),
        on_trial_ended=lambda run: job.listener.trial_ended(run, job.search.max_trials),
    )
    new = new_search_run(job.experiment, job.data, job.search.journal)
    if job.search.resumed:
        job.listener.stage("going on where this search stopped")
    close_recorded(job.tracker, job.search.journal)
    if not enter_parent(run, new, job.search.journal):
        # A kill may have come between the run and these. What else is among its params may have
        # changed since, which MLflow does not take.
        identity = job.experiment.identity_settings()
        params = {key: value for key, value in new.params.items() if key in identity}
        job.tracker.log_params(PARENT, params)
        delete_interrupted_models(job)
    log_data(job.tracker, job.data, job.plane)
    return run


def new_search_run(experiment: Experiment, data: Data | None, journal: Journal) -> NewRun:
    """The run of a search, as it is opened.

    Args:
        experiment: What is searched.
        data: Its data; None = they are not there any more.
        journal: Of the search.
    """
    opened = float(journal.entries[0]["time"])
    digests = {}
    if data is not None:
        digests = {
            "trialstack.data_digest": data.digest,
            "trialstack.test_digest": data.test_digest,
            **warning_tags(data.warnings),
            **imputation_tags(data.features),
        }
    return NewRun(
        PARENT,
        "search",
        f"{experiment.name} · {time.strftime('%Y-%m-%d %H:%M', time.localtime(opened))}",
        opened,
        params=_params(experiment),
        tags=digests,
        description=f"{RUNNING} {experiment.description}",
    )


def log_data(tracker: Tracker, data: Data, plane: Plane) -> None:
    """Writes on the search's run what it is about: rows, warnings, pictures."""
    tracker.log_dataset(PARENT, data.record())
    if data.warnings:
        tracker.log_file(PARENT, "warnings.txt", "\n".join(data.warnings).encode())
    parts = {"training rows": data.train}
    if data.test is not None:
        parts["test rows"] = data.test
    log_data_pictures(tracker, PARENT, plane, parts, data.dataset.classes)


def run_search(job: Job, run: SearchRun, hypermodel: Any, time_limit: float | None) -> TrackedTuner:
    """Runs all trials that the search still lacks.

    Raises:
        AllTrialsFailedError: No trial came to a score.
    """
    search = job.experiment.search
    left = job.search.max_trials - len(run.rows)
    if left > 0:
        trials = f"{'more ' if run.rows else ''}trial{'s' * (left > 1)}"
        job.listener.stage(f"searching: {left} {trials}")
    tuner = quiet_tuner(job.experiment, hypermodel, job.search.journal, run, job.search.max_trials)
    if time_limit is not None:
        tuner.deadline = time.monotonic() + time_limit
    tuner.apart_command = COMMAND
    save_search_views(job, run, tuner.oracle.get_space().values)
    args, kwargs = search_arguments(job.experiment, job.data, hypermodel)
    job.record_stage(SEARCHING, {})
    report, most = tuner.execution_report, job.search.max_trials
    progress = SearchInProgress(run, tuner.executor, report, most, search.epochs, time_limit)
    with job.listener.searching(progress):
        tuner.search(*args, **kwargs)
    warn_of_exhaustion(job, run)
    return tuner


def search_arguments(
    experiment: Experiment, data: Data, hypermodel: Any
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What `search` of an experiment's tuner is called with: how its trials are trained."""
    import keras

    search, objective = experiment.search, experiment.objective
    encode = targets_of(hypermodel)
    fit, validation = data.fit, data.validation
    callbacks = []
    if search.patience is not None:
        callbacks.append(
            keras.callbacks.EarlyStopping(
                monitor=objective.name,
                mode=objective.direction,  # never guessed: "auto" has taken an AUC for a loss
                patience=search.patience,
                restore_best_weights=True,
            )
        )
    class_weight = class_weight_for(experiment, fit)
    kwargs = {
        "validation_data": (validation.X, encode(validation.y)) if validation else None,
        "epochs": search.epochs,
        "batch_size": search.batch_size,
        "callbacks": callbacks,
        "verbose": 0,
        **({} if class_weight is None else {"class_weight": class_weight}),
    }
    return (fit.X, encode(fit.y)), kwargs


def warn_of_exhaustion(job: Job, run: SearchRun) -> None:
    """Says so where a search has fewer trials than were wanted, since there are no others."""
    closed = job.search.journal.closed
    if closed is not None and closed["reason"] == SPACE_EXHAUSTED:
        job.listener.warning(
            f"{len(run.rows)} of {job.search.max_trials} trials: drawing found no other values of "
            "the hyperparameters; widen the search space, or lower search.max_trials"
        )


def seconds_of_search(journal: Journal) -> float:
    """From the first trial asked to the last result journaled, summed over all processes.

    What a process did after its last result, such as a trial that it did not finish, and the time
    between two processes do not count.
    """
    spans: list[list[float]] = []
    for entry in journal.of("stage", "finished", "failed"):
        if entry["event"] != "stage":
            for span in spans[-1:]:
                span[1] = entry["time"]
        elif entry["name"] == SEARCHING:
            spans.append([entry["time"], entry["time"]])
    return sum(max(end - begin, 0.0) for begin, end in spans)


def trials_stacked(journal: Journal) -> int:
    """How many trials were trained in a stack, by this process or an earlier one."""
    return len({entry["trial_id"] for entry in journal.of("finished") if entry["stacked"]})


def quiet_tuner(*arguments: Any) -> TrackedTuner:
    """`make_tuner` without the line that Keras Tuner prints when there is an earlier search."""
    from trialstack.tuners.table import make_tuner

    with contextlib.redirect_stdout(io.StringIO()):
        return make_tuner(*arguments)


def save_search_views(
    job: Job, run: SearchRun, values: Mapping[str, Any], *, done: bool = False
) -> dict[str, str]:
    """Saves the views that MLflow opens on this search: name -> share key.

    Args:
        job: The job.
        run: The search's run.
        values: Any active hyperparameters; their names become columns.
        done: Whether the trials that are the best now will stay so.
    """
    objective = job.experiment.objective
    best = run.ranking()[:BEST_SHOWN] if done else []
    links = job.tracker.links
    try:
        keys = save_views(
            job.client,
            links.experiment_id,
            job.tracker.run_id(PARENT),
            objective.name,
            objective.direction,
            list(run.names.readable(values)),
            ["boundary_final"],
            best=[run.run_id_of(row) for row in best],
            tested=job.data.test is not None,
        )
        pages = {
            "searches": links.view(keys["searches"]),
            "baseline and final models": links.view(keys["models"], charts=True),
        }
        about = job.experiment.description
        describe_experiment(job.client, links.experiment_id, about, pages)
    except Exception as error:  # an undocumented format, and a server that may be away
        job.listener.warning(f"the MLflow pages have no saved views: {error}")
        return {}
    return keys


def _params(experiment: Experiment) -> dict[str, str]:
    """All settings as params: what one search did differently from another."""
    settings: Mapping[str, Any] = experiment.flat_settings()
    shown = {key: format_value(value) for key, value in settings.items() if value != ""}
    del shown["name"]
    shown.pop("description", None)
    return {key: value[:LONGEST_PARAM] for key, value in shown.items()}
