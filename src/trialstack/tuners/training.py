"""How a trial is built and trained, as often as `executions_per_trial` says.

What a user may override of Keras Tuner is here: `run_trial`, `_build_and_fit_model`, the `on_*`
hooks. Whoever does gets what Keras Tuner would give, but no trial of theirs can be stacked.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from typing import Any

import keras
import keras_tuner
from keras_tuner.src.engine import tuner as kt_tuner
from keras_tuner.src.engine import tuner_utils

from trialstack.trials import TrialSpec
from trialstack.tuners.attempt import ActiveTrial
from trialstack.tuners.job import SearchJob
from trialstack.tuners.recording import ExecutionRecorder, stopped_by
from trialstack.tuners.stored import StoredTuner

COLLECT_EVERY = 10
"""Trials trained by `model.fit` after which the reference cycles of old models are collected."""

HOOKS = ("on_batch_begin", "on_batch_end", "on_epoch_begin", "on_epoch_end")


class TrainingTuner(StoredTuner):
    """A tuner that trains each trial with the trial's own seed and records every epoch.

    Attributes:
        last_active: The attempt that was trained last.
    """

    last_active: ActiveTrial | None = None
    _active: ActiveTrial | None = None
    _job: SearchJob | None = None  # of the search that is running
    _trained = 0

    @property
    def stacking_obstacle(self) -> str | None:
        """Why no trial of this tuner can be stacked; None when they may be."""
        for name in ("run_trial", "_build_and_fit_model", "on_trial_begin", *HOOKS):
            if self._overrides(name):
                return f"an overridden {name}"
        if self.hypermodel is None:
            return "no hypermodel"
        return "a distribution strategy" if self.distribution_strategy is not None else None

    @property
    def builds_by_itself(self) -> bool:
        """Whether a trial is built by our own code, and before anything of the user's runs."""
        return self.hypermodel is not None and not self._overrides(
            "run_trial", "_build_and_fit_model", "on_trial_begin"
        )

    @property
    def builds_harmlessly(self) -> bool:
        """Whether building a trial runs no code of the user's, which might kill the process."""
        return type(self.hypermodel).__module__.startswith("trialstack.")

    def _overrides(self, *names: str) -> bool:
        return any(
            name in vars(self) or getattr(type(self), name) is not getattr(TrainingTuner, name)
            for name in names
        )

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
        model = job.built_ahead.take(trial.trial_id) if job and first else None
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
