"""The main job, step by step."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from trialstack.errors import AllTrialsFailedError, InputError
from trialstack.experiment import CustomSettings, Experiment
from trialstack.pipeline.data import Data
from trialstack.pipeline.job import FINAL, Job, Listener, NotWrittenError
from trialstack.pipeline.result import Best, RegisteredModel, Scored, TrialCounts, TuneResult
from trialstack.pipeline.sync import sync_command
from trialstack.searches import DONE, OpenSearch, choose_search, held, record_place
from trialstack.tracking.store import Store, display_uri, open_client, resolve_store

if TYPE_CHECKING:
    from trialstack.pipeline.baseline import Baseline
    from trialstack.tracking.mlflow import MlflowTracker
    from trialstack.tuners.search_run import SearchRun


def tune(
    experiment: Experiment,
    *,
    tracking_uri: str | None = None,
    fresh: bool = False,
    extend: int | None = None,
    time_limit: float | None = None,
    listener: Listener | None = None,
) -> TuneResult:
    """Searches, fits the winner, evaluates it on the sealed test rows, and registers it.

    The same call after an interruption goes on where it stopped.

    Args:
        experiment: What to do.
        tracking_uri: MLflow store; by default `MLFLOW_TRACKING_URI`, or the embedded store under
            the current directory.
        fresh: Begin a new search, whatever is there.
        extend: Go on with a finished search by so many more trials.
        time_limit: Seconds after which no further trial is begun.
        listener: Told how far it is.

    Raises:
        InputError: Something about the experiment, the data or the store cannot be used.
        SearchHeldError: Another process is running this search.
        AllTrialsFailedError: No trial came to a score.
        ModelRefusedError: The final model does not load in a fresh process as it was logged.
    """
    listener = listener or Listener()
    store = resolve_store(tracking_uri)
    _refuse_early(experiment, store)
    with held(store.folder / "searches", experiment.name) as home:
        data = Data.of(experiment, listener.stage).laid_out()
        for warning in data.warnings:
            listener.warning(warning)
        chosen = choose_search(
            home, experiment, data.digest, data.facts, fresh=fresh, extend=extend
        )
        result, search = _run(experiment, store, data, chosen, listener, time_limit)
        listener.ended(result)
        # Last of all: until then the same call goes on with this search, after it with a new one.
        _record_done(search, {"version": result.model.version})
    return result


def _refuse_early(experiment: Experiment, store: Store) -> None:
    """What can be refused at once is not left until TensorFlow and MLflow are imported."""
    from trialstack.hypermodels.refusals import require_hypermodel
    from trialstack.tracking.connection import probe

    probe(store)
    own = experiment.hypermodel
    if isinstance(own, CustomSettings):
        require_hypermodel(own.type, own.params, experiment.folder, experiment.place_of)


def _record_done(search: OpenSearch, data: Mapping[str, Any]) -> None:
    closed = search.journal.closed
    in_time = closed is None or closed["reason"] != "time limit"
    ended = len({entry["trial_id"] for entry in search.journal.of("finished", "failed")})
    trials = search.max_trials if in_time else ended  # meant to be made
    search.journal.append("stage", name=DONE, data={"max_trials": trials, **data})


def _run(
    experiment: Experiment,
    store: Store,
    data: Data,
    chosen: Callable[[], OpenSearch],
    listener: Listener,
    time_limit: float | None,
) -> tuple[TuneResult, OpenSearch]:
    from trialstack.quiet import load_tensorflow
    from trialstack.registry.fresh import FreshProcess

    # It imports TensorFlow and MLflow while the search goes on here.
    with FreshProcess.start() as fresh_process:
        listener.stage("starting TensorFlow and the tracking store")
        load_tensorflow()

        from trialstack.pipeline.left_open import close_replaced
        from trialstack.pipeline.tryout import checked_hypermodel
        from trialstack.tracking.experiments import require_editable
        from trialstack.tracking.mlflow import MlflowTracker

        # Whatever can be refused is refused before the search has a journal.
        hypermodel = checked_hypermodel(experiment, data)
        client = open_client(store)
        require_editable(client, store, experiment.name)
        search = chosen()
        record_place(search.journal, store, experiment.folder)
        listener.search_opened()
        tracker_of = partial(MlflowTracker, store, experiment.name, client=client)
        close_replaced(search, experiment, listener, tracker_of)
        tracker = tracker_of(search.journal.search_id)
        try:
            with tracker:
                plane = Job.plane_for(data)
                job = Job(experiment, store, data, search, tracker, client, plane, listener)
                result = _tracked(job, hypermodel, fresh_process, time_limit)
        finally:
            _warn_of_missing(tracker, listener)
    return result, search


def _warn_of_missing(tracker: MlflowTracker, listener: Listener) -> None:
    """Says what the store has not taken, and how to send it."""
    for problem in tracker.problems:
        listener.warning(problem)
    if tracker.incomplete:
        command = sync_command(tracker.store, tracker.experiment_name)
        listener.warning(
            f"what is missing is kept; when the store answers, send it with: {command}"
        )


def _tracked(job: Job, hypermodel: Any, fresh_process: Any, time_limit: float | None) -> TuneResult:
    from trialstack.pipeline.data_warnings import warnings_text
    from trialstack.pipeline.fits import failed_on_error
    from trialstack.pipeline.provenance import log_provenance, log_report
    from trialstack.pipeline.search import open_run
    from trialstack.tuners.search_run import PARENT
    from trialstack.tuners.summary import summarize

    run = open_run(job, hypermodel)
    log_provenance(job)
    try:
        with failed_on_error(job.tracker, PARENT):
            return _steps(job, run, hypermodel, fresh_process, time_limit)
    except AllTrialsFailedError:
        warnings = warnings_text(job.data.warnings)
        summarize(run, more="\n\n".join(filter(None, (job.experiment.description, warnings))))
        log_report(job)
        job.tracker.flush()
        # There is nothing to go on with: the same command begins a new search.
        _record_done(job.search, {})
        raise


def _steps(
    job: Job, run: SearchRun, hypermodel: Any, fresh_process: Any, time_limit: float | None
) -> TuneResult:
    from trialstack.pipeline.baseline import run_baseline
    from trialstack.pipeline.descriptions import (
        describe_final,
        describe_search,
        describe_version,
        headline,
        tag_outcome,
    )
    from trialstack.pipeline.final import run_final
    from trialstack.pipeline.provenance import log_report
    from trialstack.pipeline.refit import final_epochs
    from trialstack.pipeline.registration import log_final_model, register_final_model
    from trialstack.pipeline.search import (
        run_search,
        save_search_views,
        seconds_of_search,
        trials_stacked,
    )
    from trialstack.tuners.search_run import PARENT
    from trialstack.tuners.summary import summarize

    resumed = len(run.rows)
    is_later = False
    try:
        baseline = run_baseline(job, is_patient=False)
    except NotWrittenError:  # the trials need not wait for the store
        is_later = True
        job.listener.stage("the baseline follows the search, when the tracking store answers")
    tuner = run_search(job, run, hypermodel, time_limit)
    if not run.ranking():
        raise InputError("--time-limit: no trial came to its end in that time; give more")
    if is_later:
        baseline = run_baseline(job)
    best = run.ranking()[0]
    if job.done_stage(FINAL) is None:
        final = run_final(job, tuner, run.ranking(), baseline.probabilities if baseline else None)
        log_final_model(job, final, fresh_process)
    comparison, sentence = _compare(job, baseline)
    recorded = job.done_stage(FINAL)["data"]  # type: ignore[index] # it has just been written
    line = headline(job, recorded["scores"], sentence)
    model = register_final_model(job, fresh_process, describe_version(job, run, best, line))
    describe_final(job, run, best, line, model)
    tag_outcome(job, best, run, model)
    job.listener.stage("writing leaderboard and plots")
    views = save_search_views(job, run, tuner.best_values(), done=True)
    more = describe_search(job, run, best, model, views)
    summarize(run, line, more, tuner.oracle.get_space().space)
    job.tracker.end_run(PARENT, "FINISHED", time.time())
    log_report(job)
    job.tracker.flush()
    if not job.tracker.problems:
        run.drop_pictures()
    failed = len(run.failures())
    test = recorded["scores"] if job.data.test else None
    return TuneResult(
        experiment=job.experiment.name,
        tracking_uri=display_uri(job.store.tracking_uri),
        search_run_id=job.tracker.run_id(PARENT),
        objective=job.experiment.search.objective,
        trials=TrialCounts(
            len(run.rows) - failed, failed, resumed, trials_stacked(job.search.journal)
        ),
        best=Best(
            best.trial_id,
            run.run_id_of(best),
            float(best.score or 0.0),
            final_epochs(job, best),
            best.hyperparameters,
        ),
        baseline=baseline.scored if baseline else None,
        final=Scored(recorded["run_id"], test),
        comparison=comparison,
        sentence=sentence,
        model=model,
        leaderboard=run.ranking(),
        links=_links(job, model, views),
        seconds_search=seconds_of_search(job.search.journal),
    )


def _compare(job: Job, baseline: Baseline | None) -> tuple[dict[str, Any] | None, str]:
    """Final against baseline on the same test rows, as data and in words."""
    from trialstack.evaluation.comparison import compare_auc
    from trialstack.evaluation.mcnemar import compare_accuracy

    if baseline is None or baseline.probabilities is None or job.data.test is None:
        return None, ""
    y, final = job.data.test.y, job.load_array(FINAL)
    found = compare_auc(y, final, baseline.probabilities)
    right = compare_accuracy(y, final, baseline.probabilities)
    sentence = f"{found.sentence()}; {right.sentence()}"
    return found.as_dict() | right.as_dict(), sentence


def _links(job: Job, model: RegisteredModel, views: Mapping[str, str]) -> dict[str, str]:
    """Pages of the MLflow UI on what the search has made."""
    from trialstack.tuners.search_run import PARENT

    links = job.tracker.links
    parent = job.tracker.run_id(PARENT)
    objective = job.experiment.objective
    trials = links.trials(parent, f"best_{objective.name}", objective.direction)
    return {
        "trials": links.view(views["trials"]) if "trials" in views else trials,
        **{
            name: links.view(views[name], charts=True)
            for name in ("curves", "boundaries", "parallel", "models")
            if name in views
        },
        "search": links.run(parent),
        "final": links.run(job.done_stage(FINAL)["data"]["run_id"]),  # type: ignore[index]
        "model": links.model_version(model.name, model.version),
    }
