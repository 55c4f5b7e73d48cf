"""Sends to MLflow what it is missing of a search, as the process that goes on with it would."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trialstack.pipeline.job import Job
from trialstack.pipeline.left_open import Searched, close_recorded
from trialstack.pipeline.missing import Missing
from trialstack.pipeline.provenance import log_experiment
from trialstack.pipeline.search import RUNNING, log_data, new_search_run
from trialstack.trials import Objective
from trialstack.tuners.names import TrialNames
from trialstack.tuners.search_run import PARENT, SearchRun
from trialstack.tuners.summary import summarize

if TYPE_CHECKING:
    from trialstack.tracking.mlflow import MlflowTracker

STOPPED = "Stopped before its end."
"""Stands in the description of a search whose process is gone."""


def send(tracker: MlflowTracker, missing: Missing, folder: Path) -> None:
    """Writes it; what cannot be written is among the tracker's problems.

    Args:
        tracker: Of the search.
        missing: What is to be sent.
        folder: What the experiment names files relative to.

    Raises:
        Exception: Of MLflow's: the store has gone away.
    """
    journal = missing.journal
    searched = Searched.of(journal, "its journal", folder)
    ended = float(journal.entries[-1]["time"])
    close_recorded(tracker, journal)
    _open_parent(tracker, missing, searched)
    run = searched.run(tracker, journal)
    tracker.kill_open_runs(tracker.run_id(PARENT), ended)
    run.catch_up(journal, missing.known)
    if missing.end and searched.data is not None:
        log_data(tracker, searched.data, Job.plane_for(searched.data))
    if run.rows and _is_provisional(missing):
        summarize(run, more=STOPPED if missing.status == "KILLED" else "")
    if missing.end:
        tracker.end_run(PARENT, missing.status, ended)
    tracker.flush()
    if run.probe is not None and not tracker.problems:
        run.drop_pictures()


def send_program(tracker: MlflowTracker, missing: Missing) -> None:
    """The same of a search that a program has made, whose hypermodel and rows are not at hand.

    Trials are called by their hyperparameters' own names, and have no pictures.

    Args:
        tracker: Of the search.
        missing: What is to be sent; the search's own run is in the store.
    """
    journal, parent = missing.journal, missing.parent
    assert parent is not None
    objective = Objective(**journal.header["objective"])
    run = SearchRun(tracker, objective, TrialNames(), journal.path.parent)
    ended = float(journal.entries[-1]["time"])
    (tracker.resume_run if missing.end else tracker.attach_run)(PARENT, parent.run_id)
    tracker.kill_open_runs(parent.run_id, ended)
    run.catch_up(journal, missing.known)
    if run.rows and (STOPPED in parent.description or not parent.description):
        summarize(run, more=STOPPED if missing.status == "KILLED" else "")
    if missing.end:
        tracker.end_run(PARENT, missing.status, ended)
    tracker.flush()


def _open_parent(tracker: MlflowTracker, missing: Missing, searched: Searched) -> None:
    if missing.parent is None:
        tracker.start_run(new_search_run(searched.experiment, searched.data, missing.journal))
        log_experiment(tracker, searched.experiment)
    elif missing.end:
        tracker.resume_run(PARENT, missing.parent.run_id)
    else:
        tracker.attach_run(PARENT, missing.parent.run_id)


def _is_provisional(missing: Missing) -> bool:
    """Whether nothing is said of what the search came to, or only what was said here."""
    said = missing.parent.description if missing.parent is not None else RUNNING
    return said.startswith(RUNNING) or STOPPED in said
