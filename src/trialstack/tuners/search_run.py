"""A search as MLflow sees it: the parent run, and a child run an attempt of a trial."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.plots.painter import BoundaryPainter
from trialstack.tracking.base import OWN_END, KnownRun, NewRun, Tracker
from trialstack.trials import EpochBlock, Failed, Finished, Objective, TrialSpec
from trialstack.tuners.journal import Entry, Journal
from trialstack.tuners.names import TrialNames, run_key
from trialstack.tuners.pictures import TrialPictures
from trialstack.tuners.recorded import epochs_of, epochs_run, event_of, spec_of
from trialstack.tuners.trial_row import (
    TrialRow,
    describe_failed,
    describe_finished,
    ranked,
    trial_json,
)

PARENT = "search"


class SearchRun:
    """Writes what happens in a search to a tracker.

    Args:
        tracker: Where the runs go.
        objective: What the search optimises.
        names: How trials and their hyperparameters are called.
        folder: The search's own; what pictures are drawn of waits there until they are tracked.
        painter: Draws the trials' decision boundaries; None draws none.
        on_trial_ended: Called after every trial, and once after `catch_up`.

    Attributes:
        rows: Trial id -> its last attempt, in order of ending.
        running: Trial id -> epochs told so far, of the trials under way.
        epochs_told: Epochs of all trials and executions.
    """

    def __init__(
        self,
        tracker: Tracker,
        objective: Objective,
        names: TrialNames,
        folder: Path,
        painter: BoundaryPainter | None = None,
        on_trial_ended: Callable[[SearchRun], None] | None = None,
    ) -> None:
        self.tracker = tracker
        self.objective = objective
        self.names = names
        self.rows: dict[str, TrialRow] = {}
        self.running: dict[str, int] = {}
        self.epochs_told = 0
        self._pictures = TrialPictures(folder / "pictures", painter)
        self._times: dict[str, list[float]] = {}  # trial_id -> when each epoch ended
        self._best = objective.worst
        self._ended = 0
        self._on_trial_ended = on_trial_ended or (lambda _: None)
        self._run_ids: dict[str, str] = {}  # key -> run of an earlier process

    @property
    def probe(self) -> NDArray[np.float32] | None:
        """The points at which finished models are evaluated for their pictures."""
        return self._pictures.probe

    def ranking(self) -> list[TrialRow]:
        """Trials with a score, the best first; of equal ones the earlier first."""
        return ranked(self.rows.values(), self.objective)

    def failures(self) -> list[TrialRow]:
        """Trials without a score."""
        return [row for row in self.rows.values() if row.score is None]

    def epoch_times(self, spec: TrialSpec) -> list[float]:
        """When the epochs of the trial's last execution ended."""
        return self._times.get(spec.trial_id, [])

    # --- events ------------------------------------------------------------------------------

    def trial_started(self, spec: TrialSpec, values: Mapping[str, Any], time: float) -> None:
        """Opens the child run."""
        self._times[spec.trial_id] = []
        self.running[spec.trial_id] = 0
        self.tracker.start_run(
            NewRun(
                run_key(spec.trial_id, spec.attempt),
                "trial",
                self.names.run_name(spec.number, values),
                time,
                parent=PARENT,
                params=self.names.params(values),
                tags={
                    "trialstack.trial_id": spec.trial_id,
                    "trialstack.attempt": str(spec.attempt),
                },
            )
        )

    def epochs(self, spec: TrialSpec, block: EpochBlock) -> None:
        """Sends rows of epochs; of several executions, the first is shown as curves."""
        self.epochs_told += len(block.rows)
        if block.execution == 0:
            key = run_key(spec.trial_id, spec.attempt)
            self._times[spec.trial_id].extend(block.times)
            self.running[spec.trial_id] = block.first_epoch + len(block.rows)
            self.tracker.log_epochs(key, block.first_epoch, block.rows, block.times)

    def keep_picture(self, spec: TrialSpec, event: Finished) -> None:
        """Keeps what the trial's picture needs, before the journal says that the trial is done."""
        self._pictures.keep(spec.trial_id, event.probe)

    def trial_finished(self, spec: TrialSpec, values: Mapping[str, Any], event: Finished) -> None:
        """Closes the child run with its score."""
        key = run_key(spec.trial_id, spec.attempt)
        score = event.metrics[self.objective.name]
        row = self._add_row(spec, values, score, event.best_epoch, event.epochs_run)
        outcome = {
            f"best_{self.objective.name}": score,
            "best_epoch": event.best_epoch,
            "epochs_run": event.epochs_run,
        }
        self.tracker.log_epochs(key, 0, [outcome], [event.time])
        known = self.names.readable(spec.hyperparameters)
        params = self.names.params(values)
        new = {name: value for name, value in params.items() if name not in known}
        if new:  # named while it was trained, by `HyperModel.fit` or `run_trial`
            self.tracker.log_params(key, new)
        self.tracker.set_tags(key, {"trialstack.stopped_by": event.stopped_by})
        self.tracker.describe(key, describe_finished(row, self.objective, event.stopped_by))
        self.tracker.log_file(key, "trial.json", trial_json(row, spec, values, event))
        drawing = self._pictures.drawing(spec.trial_id, event.probe)
        if drawing is not None:
            self.tracker.log_image(key, "boundary_final", drawing)
        tracked = partial(self._pictures.forget, spec.trial_id)
        self.tracker.end_run(key, "FINISHED", event.time, tracked)
        self._trial_ended(score, event.time)

    def trial_failed(self, spec: TrialSpec, values: Mapping[str, Any], event: Failed) -> None:
        """Closes the child run as FAILED, with the reason."""
        key = run_key(spec.trial_id, spec.attempt)
        epochs = epochs_run(event.history)
        row = self._add_row(spec, values, None, None, epochs, event.reason)
        self.tracker.log_epochs(key, 0, [{"epochs_run": epochs}], [event.time])
        self.tracker.set_tags(
            key, {"trialstack.stopped_by": "error", "trialstack.error": event.reason}
        )
        self.tracker.describe(key, describe_failed(row))
        if event.traceback:
            self.tracker.log_file(key, "traceback.txt", event.traceback.encode())
        self.tracker.end_run(key, "FAILED", event.time)
        self._trial_ended(None, event.time)

    def _add_row(
        self,
        spec: TrialSpec,
        values: Mapping[str, Any],
        score: float | None,
        best_epoch: int | None,
        epochs_run: int,
        reason: str = "",
    ) -> TrialRow:
        row = TrialRow(
            spec.trial_id,
            spec.number,
            self.names.run_name(spec.number, values),
            run_key(spec.trial_id, spec.attempt),
            self.names.readable(values),
            score,
            best_epoch,
            epochs_run,
            reason,
        )
        self.rows[spec.trial_id] = row
        self.running.pop(spec.trial_id, None)
        return row

    def _trial_ended(self, score: float | None, ended: float) -> None:
        self._count(score, ended)
        self._on_trial_ended(self)

    def _count(self, score: float | None, ended: float) -> None:
        """Draws the search's own curve one trial further.

        With the journal's time: where a point is written again after a crash, it is the same one.
        """
        if score is not None and self.objective.better(score, self._best):
            self._best = score
        if math.isfinite(self._best):
            # A key of its own: under a trial's key the search would be ranked among its trials.
            self.tracker.log_epochs(PARENT, self._ended, [{"search_best": self._best}], [ended])
        self._ended += 1

    # --- after an interruption ---------------------------------------------------------------

    def catch_up(self, journal: Journal, known: Mapping[str, KnownRun]) -> None:
        """Writes what the journal has and the store lacks, and remembers the rest.

        Args:
            journal: The search's record.
            known: The store's runs of this search, by key.
        """
        numbers: dict[str, int] = {}
        started: dict[str, float] = {}
        for entry in journal.of("asked", "started", "finished", "failed"):
            trial_id = entry["trial_id"]
            if entry["event"] == "asked":
                numbers[trial_id] = entry["number"]
                continue
            if entry["event"] == "started":
                started[trial_id] = entry["time"]
                continue
            spec = spec_of(entry, numbers[trial_id], journal.header["seed"])
            event = event_of(entry)
            run = known.get(run_key(trial_id, spec.attempt))
            if run is not None and run.status in OWN_END:
                self._run_ids[run.key] = run.run_id
                self._remember(spec, spec.hyperparameters, event)
            else:
                self._write_again(spec, entry, event, started.get(trial_id, event.time))
        if self.rows:
            self._on_trial_ended(self)

    def run_id_of(self, row: TrialRow) -> str:
        """The store's id of a trial's run."""
        return self._run_ids.get(row.key) or self.tracker.run_id(row.key)

    def _remember(
        self, spec: TrialSpec, values: Mapping[str, Any], event: Finished | Failed
    ) -> None:
        if isinstance(event, Finished):
            score = event.metrics[self.objective.name]
            self._pictures.forget(spec.trial_id)
            self._add_row(spec, values, score, event.best_epoch, event.epochs_run)
            self._count(score, event.time)
        else:
            self._add_row(spec, values, None, None, epochs_run(event.history), event.reason)
            self._count(None, event.time)

    def _write_again(
        self, spec: TrialSpec, entry: Entry, event: Finished | Failed, started: float
    ) -> None:
        self.trial_started(spec, spec.hyperparameters, started)
        self.epochs(spec, epochs_of(entry, event))
        if isinstance(event, Finished):
            self.trial_finished(spec, spec.hyperparameters, event)
        else:
            self.trial_failed(spec, spec.hyperparameters, event)

    def drop_pictures(self) -> None:
        """Removes what pictures were drawn of: all of them are tracked."""
        self._pictures.drop()
