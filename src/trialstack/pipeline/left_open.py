"""Runs and models that killed processes have left behind, of this search and of replaced ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trialstack.errors import JournalError
from trialstack.experiment import Experiment
from trialstack.pipeline.data import Data
from trialstack.pipeline.hypermodel import hypermodel_for
from trialstack.pipeline.job import FINAL, Job, Listener
from trialstack.pipeline.missing import recorded_open
from trialstack.registry.leftovers import delete_unregistered
from trialstack.searches import CLOSED_OTHERS, OpenSearch, journal_of
from trialstack.tracking.base import Tracker, runs_by_key
from trialstack.trials import Objective
from trialstack.tuners.journal import Journal
from trialstack.tuners.names import TrialNames
from trialstack.tuners.search_run import PARENT, SearchRun
from trialstack.tuners.summary import summarize

if TYPE_CHECKING:
    from trialstack.tracking.mlflow import MlflowTracker

GIVEN_UP = "Given up for another search before it had come to its end."


def close_recorded(tracker: MlflowTracker, journal: Journal) -> None:
    """Ends runs of steps that were done, but not closed, when an earlier process was killed."""
    for run, ended in recorded_open(tracker.known_runs(), journal):
        tracker.resume_run(run.key, run.run_id)
        tracker.end_run(run.key, "FINISHED", ended)


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
    known = runs_by_key(tracker.known_runs())
    journal = _journal(journal_of(search.folder.parent, search_id))
    if journal is not None:
        close_recorded(tracker, journal)
    tracker.kill_open_runs(search.journal.search_id)
    if journal is not None and PARENT in known:
        run = Searched.of(journal, experiment.where, experiment.folder).run(tracker, journal)
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


@dataclass(frozen=True)
class Searched:
    """What a search was about, as far as it is still there.

    Attributes:
        experiment: As its journal has it.
        data: Its rows, if they are the same.
        names: How its trials were called.
    """

    experiment: Experiment
    data: Data | None
    names: TrialNames

    @classmethod
    def of(cls, journal: Journal, where: str, folder: Path) -> Searched:
        """Reads data and hypermodel again.

        Args:
            journal: Of the search.
            where: The experiment file, for error lines.
            folder: What it names files relative to.
        """
        header = journal.header
        experiment = Experiment.from_dict(header["experiment"], where, folder)
        try:
            data = Data.of(experiment)
            names = TrialNames.of(hypermodel_for(experiment, data, data.fit))
        except Exception:  # files of the user's may have changed; scores matter more than names
            return cls(experiment, None, TrialNames())
        same = data.digest == header["identity"]["data"]
        return cls(experiment, data if same else None, names)

    def run(self, tracker: Tracker, journal: Journal) -> SearchRun:
        """Writes the search to a tracker."""
        objective = Objective(**journal.header["objective"])
        data = self.data
        painter = None if data is None else Job.painter_for(data, Job.plane_for(data))
        return SearchRun(tracker, objective, self.names, journal.path.parent, painter)
