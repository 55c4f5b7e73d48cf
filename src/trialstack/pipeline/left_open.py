"""Runs and models that killed processes have left behind, of this search and of replaced ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from trialstack.errors import JournalError
from trialstack.experiment import Experiment
from trialstack.hypermodels.make import make_hypermodel
from trialstack.pipeline.data import Data
from trialstack.pipeline.job import FINAL, Job, Listener
from trialstack.registry.leftovers import delete_unregistered
from trialstack.searches import CLOSED_OTHERS, OpenSearch, journal_of
from trialstack.trials import Objective
from trialstack.tuners.journal import Journal
from trialstack.tuners.names import TrialNames
from trialstack.tuners.search_run import PARENT, SearchRun
from trialstack.tuners.summary import summarize

if TYPE_CHECKING:
    from trialstack.plots.painter import BoundaryPainter
    from trialstack.tracking.mlflow import MlflowTracker

GIVEN_UP = "Given up for another search before it had come to its end."


def close_recorded(tracker: MlflowTracker, journal: Journal) -> None:
    """Ends runs of steps that were done, but not closed, when an earlier process was killed."""
    ended = {
        entry["data"]["run_id"]: entry["time"]
        for entry in journal.of("stage")
        if "run_id" in entry["data"] and "error" not in entry["data"]
    }
    for run in tracker.known_runs():
        if run.run_id in ended and run.status != "FINISHED":
            tracker.resume_run(run.key, run.run_id)
            tracker.end_run(run.key, "FINISHED", ended[run.run_id])


def close_replaced(
    search: OpenSearch,
    experiment: Experiment,
    listener: Listener,
    tracker_of: Callable[[str], MlflowTracker],
) -> None:
    """Writes what searches that were given up have come to, and closes their runs.

    The journal of a search is ahead of MLflow when its process was killed. Models that it has
    logged but not registered are deleted: nobody is going to register them.

    Args:
        search: The one that replaces them.
        experiment: Where a hypermodel of the user's own is looked for.
        listener: Told of it.
        tracker_of: Makes the tracker of a search from its id.
    """
    problems = []
    for search_id in search.abandoned:
        listener.stage("closing the runs of a search that was given up")
        with tracker_of(search_id) as tracker:
            _close(tracker, search_id, search, experiment)
        problems += tracker.problems
    for problem in problems:
        listener.warning(problem)
    if search.abandoned and not problems:
        search.journal.append("stage", name=CLOSED_OTHERS, data={})


def _close(
    tracker: MlflowTracker, search_id: str, search: OpenSearch, experiment: Experiment
) -> None:
    known = {run.key: run for run in tracker.known_runs()}
    journal = _journal(journal_of(search.folder.parent, search_id))
    if journal is not None:
        close_recorded(tracker, journal)
    tracker.kill_open_runs(search.journal.search_id)
    if journal is not None and PARENT in known:
        run = _run_of(tracker, journal, experiment)
        tracker.attach_run(PARENT, known[PARENT].run_id)
        run.catch_up(journal, known)
        summarize(run, more=GIVEN_UP)
    for left in tracker.known_runs():
        if left.key == FINAL:
            delete_unregistered(tracker.client, tracker.experiment_id, left.run_id)


def _journal(file: Path | None) -> Journal | None:
    try:
        return Journal(file) if file is not None else None
    except JournalError:
        return None  # what cannot be read cannot be sent either


def _run_of(tracker: MlflowTracker, journal: Journal, experiment: Experiment) -> SearchRun:
    names, painter = _names_and_painter(journal, experiment)
    objective = Objective(**journal.header["objective"])
    return SearchRun(tracker, objective, names, journal.path.parent, painter)


def _names_and_painter(
    journal: Journal, experiment: Experiment
) -> tuple[TrialNames, BoundaryPainter | None]:
    """How its trials were called and drawn, if its rows and its hypermodel are still there."""
    header = journal.header
    try:
        searched = Experiment.from_dict(header["experiment"], experiment.where, experiment.folder)
        data = Data.of(searched)
        hypermodel = make_hypermodel(searched, data.dataset, data.fit.X)
    except Exception:  # a module of the user's may have changed; scores matter more than names
        return TrialNames(), None
    same = data.digest == header["identity"]["data"]
    painter = Job.painter_for(data, Job.plane_for(data)) if same else None
    return TrialNames.of(hypermodel), painter
