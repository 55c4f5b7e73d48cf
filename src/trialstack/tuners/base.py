"""The loop that all tuners share: ask the oracle, run, write it down, tell the oracle.

`TrackedTuner` goes before a Keras Tuner class among the bases of ours::

    class RandomSearch(TrackedTuner, keras_tuner.RandomSearch): ...

and replaces its loop, its checkpoints and its state files; what a user may override (`run_trial`,
`_build_and_fit_model`, the `on_*` hooks, `HyperModel.fit`) is called as Keras Tuner calls it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import keras_tuner
from keras_tuner.engine import trial as kt_trial
from keras_tuner.src.distribute import utils as kt_distribute
from keras_tuner.src.engine import tuner as kt_tuner
from keras_tuner.src.engine import tuner_utils

from trialstack.errors import AllTrialsFailedError
from trialstack.executors.base import Executor
from trialstack.executors.deferred import many_builds
from trialstack.executors.table import make_executor
from trialstack.signals import stop_if_interrupted
from trialstack.trials import EpochBlock, Event, Failed, Finished, Objective, Started, TrialSpec
from trialstack.tuners.active import NotedHyperParameters
from trialstack.tuners.collecting import collecting_apart
from trialstack.tuners.job import ActiveTrial, SearchJob
from trialstack.tuners.journal import FILE_NAME, Entry, Journal
from trialstack.tuners.lock import locked
from trialstack.tuners.recording import ExecutionRecorder, stopped_by
from trialstack.tuners.replay import (
    hyperparameters_of,
    look_at_first,
    register_metrics,
    replay,
    space_config,
    without_bookkeeping,
)
from trialstack.tuners.report import ExecutionReport
from trialstack.tuners.tracked import DEFAULT_TRACKING, tracked_search
from trialstack.tuners.weights import BestWeights, put_weights

COLLECT_EVERY = 10
"""Trials trained by `model.fit` after which the reference cycles of old models are collected."""

HOOKS = ("on_batch_begin", "on_batch_end", "on_epoch_begin", "on_epoch_end")


class TrackedTuner(keras_tuner.Tuner):
    """A Keras Tuner search whose trials are MLflow runs and whose journal survives a crash.

    Args:
        *args: As the Keras Tuner class takes them.
        executor: `"auto"`, `"one-by-one"`, or an `Executor`.
        tracking: Where runs go: an MLflow tracking URI, a `Tracker`, None for nowhere; by default
            MLflow at `MLFLOW_TRACKING_URI` or the embedded store, in the experiment
            `project_name`.
        journal: The search's record, where somebody else writes to it too; by default one of this
            tuner's own in the project's folder.
        max_consecutive_failed_trials: Ends the search with a RuntimeError after so many failures
            in a row. Unlike Keras Tuner's, the default is to go on.
        needs_default_build: Whether an error of building with the default hyperparameters, from
            which Keras Tuner learns the search space, is raised as there. If not, the space is what
            was named before the error, and trials add to it.
        **kwargs: As the Keras Tuner class takes them.
    """

    def __init__(
        self,
        *args: Any,
        executor: str | Executor = "auto",
        tracking: Any = DEFAULT_TRACKING,
        journal: Journal | None = None,
        needs_default_build: bool = True,
        **kwargs: Any,
    ) -> None:
        self._journal = journal
        self._needs_default_build = needs_default_build
        self.executor = make_executor(executor)
        self.tracking = tracking
        self.execution_report = ExecutionReport()
        self.deadline: float | None = None
        self.seconds = 0.0
        self.last_active: ActiveTrial | None = None
        self._active: ActiveTrial | None = None
        self._job: SearchJob | None = None
        self._specs: dict[str, TrialSpec] = {}
        self._asked_as: dict[str, str] = {}  # trial_id -> tuner id that it was asked for
        failures = kwargs.pop("max_consecutive_failed_trials", None)
        super().__init__(*args, **kwargs)
        if self.hypermodel is None and not self._overrides("run_trial"):
            raise ValueError(
                "Received `hypermodel=None`. Give a hypermodel, or override `run_trial()`"
            )
        self._max_consecutive_failures = failures
        self._disable_failure_rule()
        if not self._replayed:
            if getattr(self, "seed", None) == 0:  # which Keras Tuner takes for "no seed given"
                self.oracle.seed = self.oracle._seed_state = 0
            if self._journal_path.exists():
                self.reload()

    _replayed = False
    _known_space = 0
    _trained = 0

    def search(self, *fit_args: Any, **fit_kwargs: Any) -> None:
        """Runs the search, or goes on with it.

        Args:
            *fit_args: As `keras.Model.fit` takes them.
            **fit_kwargs: As `keras.Model.fit` takes them.

        Raises:
            AllTrialsFailedError: No trial came to a score.
            SearchHeldError: Another process is running this search.
            trialstack.errors.Interrupted: A signal asked to stop; the journal holds what is done.
        """
        if kt_distribute.has_chief_oracle():
            # Keras Tuner's own distribution: its chief and workers know nothing of a journal.
            super().search(*fit_args, **fit_kwargs)
            return
        if "verbose" in fit_kwargs:
            self.oracle.verbose = fit_kwargs["verbose"]
        with locked(Path(self.project_dir), f"project {self.project_name!r}"):
            self._search(fit_args, fit_kwargs)

    def _search(self, fit_args: tuple[Any, ...], fit_kwargs: dict[str, Any]) -> None:
        self._open_journal()
        self._weights = self.best_weights
        with tracked_search(self, fit_args, fit_kwargs) as run:
            self._run = run
            self._job = SearchJob(self, fit_args, fit_kwargs, run.probe)
            started = time.monotonic()
            try:
                with without_bookkeeping(self.oracle), collecting_apart(), self._many_builds():
                    self.on_search_begin()
                    self.execution_report.reasons = self.executor.reasons
                    self.executor.run(self._ask(), self._job, self._tell)
                    self._close_journal()
                    self.on_search_end()
            finally:
                self.seconds = time.monotonic() - started
                self._job = None
                self.save()
            self._check_any_completed()

    def _many_builds(self) -> contextlib.AbstractContextManager[None]:
        return many_builds() if self.executor.describes else contextlib.nullcontext()

    def save(self) -> None:
        """As Keras Tuner's; while a search runs, its journal has everything already."""
        if self._job is None:
            super().save()

    def _check_any_completed(self) -> None:
        failed = next(self.journal.of("failed"), None)
        if failed and not next(self.journal.of("finished"), None):
            raise AllTrialsFailedError(
                f"all {len(self.oracle.trials)} trials failed; the first: {failed['reason']}; mend "
                "that, then begin anew with --fresh (in a script: overwrite=True)"
            )
