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

    # --- what stands on the disk -------------------------------------------------------------

    @property
    def _journal_path(self) -> Path:
        return Path(self.project_dir) / FILE_NAME

    @property
    def journal(self) -> Journal:
        """The search's own record."""
        if self._journal is None:
            self._journal = Journal(self._journal_path)
        return self._journal

    @property
    def trialstack_objective(self) -> Objective:
        """The objective as plain data."""
        objective = self.oracle.objective
        return Objective(objective.name, objective.direction)

    @property
    def best_weights(self) -> BestWeights:
        """The weights of the best trials so far."""
        store = BestWeights(Path(self.project_dir) / "weights", self.trialstack_objective)
        for entry in self.journal.of("finished"):
            store.know(entry["trial_id"], float(entry["metrics"][self.oracle.objective.name]))
        return store

    def reload(self) -> None:
        """Takes up an earlier search of this project from its journal."""
        if not self._journal_path.exists():
            super().reload()
            return
        self._replayed = True
        if "seed" in self.journal.header:
            self.oracle.seed = self.journal.header["seed"]
            self.oracle._seed_state = self.oracle.seed
        self._disable_failure_rule()
        replay(self.journal, self.oracle)
        asked = self.journal.of("asked")
        self._known_space = sum(len(entry["oracle"]["space"]) for entry in asked)
        if not self._known_space:
            # Keras Tuner leaves this out where it reloads, trusting that a trial was asked.
            self._populate_initial_space()

    def _populate_initial_space(self) -> None:
        """As Keras Tuner's, which builds with default hyperparameters."""
        try:
            super()._populate_initial_space()
        except Exception:
            if self._needs_default_build:
                raise
            space = self.oracle.get_space()
            with contextlib.suppress(Exception):
                self.hypermodel.build(space)
            self.oracle.update_space(space)

    def _disable_failure_rule(self) -> None:
        # Keras Tuner's own raises before the last failure is saved and keeps its lock.
        self.oracle.max_consecutive_failed_trials = sys.maxsize

    @property
    def search_seed(self) -> int:
        """Seed of the search; Keras Tuner takes negative ones, NumPy's generators do not."""
        return int(self.oracle.seed) % 2**64

    # --- the search --------------------------------------------------------------------------

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

    def _open_journal(self) -> None:
        if len(self.journal):
            return
        header = {
            "seed": self.oracle.seed,
            "objective": {
                "name": self.oracle.objective.name,
                "direction": self.oracle.objective.direction,
            },
            "algorithm": type(self).__name__,
        }
        self.journal.open(uuid.uuid4().hex, header)

    def _close_journal(self) -> None:
        if self.journal.closed is None:
            self.journal.append("closed", trials=len(self.oracle.trials), reason=self._ended_by)

    def _check_any_completed(self) -> None:
        failed = next(self.journal.of("failed"), None)
        if failed and not next(self.journal.of("finished"), None):
            raise AllTrialsFailedError(
                f"all {len(self.oracle.trials)} trials failed; the first: {failed['reason']}; mend "
                "that, then begin anew with --fresh (in a script: overwrite=True)"
            )

    # --- ask ---------------------------------------------------------------------------------

    _ended_by = "max_trials"

    def _ask(self) -> Iterator[TrialSpec | None]:
        """Trials as the oracle hands them out; None while it waits for results."""
        asked = 0
        while True:
            stop_if_interrupted()
            if self.deadline is not None and time.monotonic() > self.deadline:
                self._ended_by = "time limit"
                return
            self.pre_create_trial()
            # A tuner id of its own for each: the oracle gives one id the same trial again.
            tuner_id = f"{self.tuner_id}/{asked}"
            trial = self.oracle.create_trial(tuner_id)
            self._asked_as[trial.trial_id] = tuner_id
            asked += 1
            if trial.status == kt_trial.TrialStatus.STOPPED:
                limit = self.oracle.max_trials
                reached = limit is not None and len(self.oracle.trials) >= limit
                self._ended_by = "max_trials" if reached else "space exhausted"
                return
            if trial.status == kt_trial.TrialStatus.IDLE:
                yield None
                continue
            yield self._asked(trial)

    def _number_of(self, trial_id: str) -> int:
        """Position in the order of asking; nearly always the last."""
        order = self.oracle.start_order
        return len(order) - 1 if order[-1] == trial_id else int(order.index(trial_id))

    def _asked(self, trial: Any) -> TrialSpec:
        trial.hyperparameters = NotedHyperParameters.of(trial.hyperparameters)
        number = self._number_of(trial.trial_id)
        spec = TrialSpec(
            trial.trial_id,
            number,
            dict(trial.hyperparameters.values),
            (self.search_seed, number),
            attempt=int(self.oracle._run_times[trial.trial_id]),
        )
        if self._builds_by_itself:
            assert self._job is not None
            self._job.ask_ahead(spec, describe=self.executor.describes)
            self.oracle.update_space(trial.hyperparameters)
            # Building may have named more of them, and left some alone.
            values = trial.hyperparameters.active_values()
            spec = dataclasses.replace(spec, hyperparameters=values)
        self._specs[spec.trial_id] = spec
        self.journal.append(
            "asked",
            trial_id=spec.trial_id,
            number=number,
            attempt=spec.attempt,
            oracle={
                "seed_state": self.oracle._seed_state,
                "space": space_config(self.oracle.hyperparameters, self._known_space),
                "values": {},
            },
            **trial.hyperparameters.get_config(),
        )
        self._known_space = len(self.oracle.hyperparameters.space)
        return spec

    @property
    def stacking_obstacle(self) -> str | None:
        """Why no trial of this tuner can be stacked; None when they may be."""
        for name in ("run_trial", "_build_and_fit_model", "on_trial_begin", *HOOKS):
            if self._overrides(name):
                return f"an overridden {name}"
        if self.hypermodel is None:
            return "no hypermodel"
        if self.executions_per_trial != 1:
            return "several executions a trial"
        return "a distribution strategy" if self.distribution_strategy is not None else None

    @property
    def _builds_by_itself(self) -> bool:
        """Whether a trial is built by our own code, and before anything of the user's runs."""
        return self.hypermodel is not None and not self._overrides(
            "run_trial", "_build_and_fit_model", "on_trial_begin"
        )

    def _overrides(self, *names: str) -> bool:
        return any(
            name in vars(self) or getattr(type(self), name) is not getattr(TrackedTuner, name)
            for name in names
        )

    # --- train -------------------------------------------------------------------------------

    @contextlib.contextmanager
    def active_trial(self, active: ActiveTrial) -> Iterator[None]:
        """Makes a trial the one whose seed builds and whose record is filled."""
        before, self._active = self._active, active
        self.last_active = active
        try:
            yield
        finally:
            self._active = before

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        """Trains a trial as often as `executions_per_trial` says; see `keras_tuner.Tuner`."""
        self._trained += 1
        if self._trained % COLLECT_EVERY == 0:
            gc.collect()
        callbacks = kwargs.pop("callbacks", None) or []
        active = self._active
        if active is None:
            # Called by the user's own code, outside of a search.
            spec = TrialSpec(trial.trial_id, 0, trial.hyperparameters.values, (self.search_seed, 0))
            active = ActiveTrial(spec, self.trialstack_objective, lambda _: None)
        results = []
        for index in range(self.executions_per_trial):
            execution = active.begin_execution()
            own = self._deepcopy_callbacks(callbacks)
            self._configure_tensorboard_dir(own, trial, index)
            own.extend(self._hook_callbacks(trial))
            recorder = ExecutionRecorder(execution, self.oracle.objective)
            results.append(
                self._build_and_fit_model(trial, *args, callbacks=[*own, recorder], **kwargs)
            )
            epochs = (recorder.params or {}).get("epochs")
            execution.stopped_by = stopped_by(own, epochs, len(execution.rows))
        return results

    def _hook_callbacks(self, trial: Any) -> list[Any]:
        """Keras Tuner's own callbacks, where somebody may look for what they do."""
        if self._overrides("_build_and_fit_model"):
            checkpoint = tuner_utils.SaveBestEpoch(
                self.oracle.objective, self._get_checkpoint_fname(trial.trial_id)
            )
            return [tuner_utils.TunerCallback(self, trial), checkpoint]
        return [tuner_utils.TunerCallback(self, trial)] if self._overrides(*HOOKS) else []

    def _build_and_fit_model(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        """Builds and trains one execution; AutoKeras and others override it."""
        job, active = self._job, self._active
        first = active is not None and len(active.executions) <= 1
        model = job.take_built(trial.trial_id) if job and first else None
        if model is None:
            model = self._try_build(trial.hyperparameters)
        if job is None:
            return self.hypermodel.fit(trial.hyperparameters, model, *args, **kwargs)
        job.ordered_fit.attach(model)
        try:
            results = self.hypermodel.fit(trial.hyperparameters, model, *args, **kwargs)
        finally:
            job.ordered_fit.detach(model)
        tuner_utils.validate_trial_results(results, self.oracle.objective, "HyperModel.fit()")
        return results

    def _try_build(self, hp: Any) -> Any:
        """As Keras Tuner's, which collects garbage twice: half a second that a trial can save."""
        keras.backend.clear_session(free_memory=False)
        model = self._build_hypermodel(hp)
        if not isinstance(model, keras.Model):
            raise keras_tuner.errors.FatalTypeError(
                "Expected the model-building function, or HyperModel.build() to return a valid "
                f"Keras Model instance. Received: {model} of type {type(model)}."
            )
        size = kt_tuner.maybe_compute_model_size(model)
        if self.max_model_size and size > self.max_model_size:
            raise keras_tuner.errors.FailedTrialError(
                f"Oversized model: {size} parameters. Skip model."
            )
        return model

    def _build_hypermodel(self, hp: Any) -> Any:
        """Builds with the trial's own seed: Keras Tuner has cleared the session just before."""
        if self._active is not None:
            keras.utils.set_random_seed(self._active.keras_seed())
        return super()._build_hypermodel(hp)

    def _configure_tensorboard_dir(self, callbacks: Any, trial: Any, execution: int = 0) -> None:
        """As Keras Tuner's, which imports tensorboard even when no callback needs it."""
        if any(type(callback).__name__ == "TensorBoard" for callback in callbacks):
            super()._configure_tensorboard_dir(callbacks, trial, execution)

    # --- tell --------------------------------------------------------------------------------

    def _tell(self, event: Event) -> None:
        """Writes an event down, then follows it: journal, oracle, tracker, in this order."""
        stop_if_interrupted()
        spec = self._specs[event.trial_id]
        trial = self.oracle.trials[event.trial_id]
        if isinstance(event, Started):
            self.journal.append("started", trial_id=spec.trial_id, attempt=spec.attempt)
            self._run.trial_started(spec, spec.hyperparameters, event.time)
            self.on_trial_begin(trial)
        elif isinstance(event, EpochBlock):
            self._run.epochs(spec, event)
        elif isinstance(event, Finished):
            self._finished(spec, trial, event)
        else:
            self._failed(spec, trial, event)

    def _finished(self, spec: TrialSpec, trial: Any, event: Finished) -> None:
        objective = self.oracle.objective.name
        score = event.metrics[objective]
        values = trial.hyperparameters.active_values()
        if event.weights is not None:
            self._weights.offer(spec.trial_id, score, event.weights, event.build_config)
        self._run.keep_picture(spec, event)
        entry = self._record(
            "finished",
            spec,
            trial,
            status=kt_trial.TrialStatus.COMPLETED,
            history=event.history,
            times=self._run.epoch_times(spec),
            metrics=event.metrics,
            best_epoch=event.best_epoch,
            stopped_by=event.stopped_by,
            stacked=event.stacked,
        )
        self._weights.forget_others()
        self.execution_report.add(event.stacked)
        assert self._job is not None
        self._job.forget_built(spec.trial_id)
        if not trial.metrics.exists(objective):
            register_metrics(trial.metrics, event.metrics, self.oracle.objective)
            self.oracle.update_trial(spec.trial_id, dict(event.metrics), step=event.best_epoch)
        trial.status = kt_trial.TrialStatus.COMPLETED
        self._end_trial(trial)
        self._run.trial_finished(spec, values, dataclasses.replace(event, time=entry["time"]))

    def _failed(self, spec: TrialSpec, trial: Any, event: Failed) -> None:
        status = kt_trial.TrialStatus.INVALID if event.retry else kt_trial.TrialStatus.FAILED
        values = trial.hyperparameters.active_values()
        entry = self._record(
            "failed",
            spec,
            trial,
            status=status,
            reason=event.reason,
            traceback=event.traceback,
            history=event.history,
            times=self._run.epoch_times(spec),
        )
        trial.status = status
        trial.message = event.traceback or event.reason
        self._end_trial(trial)
        self._run.trial_failed(spec, values, dataclasses.replace(event, time=entry["time"]))
        self._check_consecutive_failures()

    def _end_trial(self, trial: Any) -> None:
        look_at_first(self.oracle, self._asked_as[trial.trial_id])
        self.on_trial_end(trial)

    def _record(self, kind: str, spec: TrialSpec, trial: Any, **fields: Any) -> Entry:
        return self.journal.append(
            kind,
            trial_id=spec.trial_id,
            attempt=spec.attempt,
            active=list(trial.hyperparameters.active_values()),
            **trial.hyperparameters.get_config(),
            **fields,
        )

    def _check_consecutive_failures(self) -> None:
        limit = self._max_consecutive_failures
        if limit is None:
            return
        last = [self.oracle.trials[trial_id] for trial_id in self.oracle.end_order[-limit:]]
        if len(last) == limit and all(t.status == kt_trial.TrialStatus.FAILED for t in last):
            raise RuntimeError(
                f"Number of consecutive failures exceeded the limit of {limit}.\n{last[-1].message}"
            )

    # --- afterwards --------------------------------------------------------------------------

    def load_model(self, trial: Any) -> Any:
        """A trial's model with the weights of its best epoch, in this or in a later process.

        Raises:
            KeyError: The trial is not among the best ten, whose weights are kept.
        """
        if not self.best_weights.path(trial.trial_id).exists():
            checkpoint = Path(self._get_checkpoint_fname(trial.trial_id))
            if checkpoint.exists():  # a stock Keras Tuner project, taken over
                return super().load_model(trial)
        stored = self.best_weights.load(trial.trial_id)
        model = self._try_build(trial.hyperparameters)
        if not model.built and stored.build_config:
            model.build_from_config(stored.build_config)
        put_weights(model, stored.arrays)
        return model

    def best_values(self) -> dict[str, Any]:
        """The best trial's active hyperparameters."""
        return dict(self.oracle.get_best_trials(1)[0].hyperparameters.values)

    def recorded_hyperparameters(self, trial_id: str) -> keras_tuner.HyperParameters:
        """A trial's hyperparameters as the journal has them."""
        entries = [e for e in self.journal.of("asked", "finished") if e["trial_id"] == trial_id]
        return hyperparameters_of(entries[-1])
