"""What the trials of one `search(...)` call have in common: the job that executors are given."""

from __future__ import annotations

import math
import time
import traceback
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import keras_tuner
import numpy as np
from keras_tuner.src.engine import tuner_utils
from numpy.typing import NDArray

from trialstack.executors.base import Tell
from trialstack.executors.batch_order import OrderedFit
from trialstack.executors.reason import encodable, reason_of
from trialstack.trials import Failed, Finished, TrialSpec
from trialstack.tuners.ahead import BuiltAhead
from trialstack.tuners.attempt import ActiveTrial, read_histories
from trialstack.tuners.random_state import preserved_random_state
from trialstack.tuners.recording import Execution, TrialDiverged
from trialstack.tuners.replay import clear_metrics
from trialstack.tuners.weights import put_weights

if TYPE_CHECKING:
    from trialstack.tuners.base import TrackedTuner


class SearchJob:
    """The `TrainingJob` of a tuner.

    Args:
        tuner: Whose hypermodel, oracle and hooks train a trial.
        fit_args: Positional arguments of `search`.
        fit_kwargs: Keyword arguments of `search`.
        probe: See `trialstack.executors.base.TrainingJob`.

    Attributes:
        ordered_fit: Feeds the trials that `model.fit` trains.
        built_ahead: Models of trials that were asked and are not trained yet.
        begun: Whether a trial was begun.
    """

    def __init__(
        self,
        tuner: TrackedTuner,
        fit_args: Sequence[Any],
        fit_kwargs: Mapping[str, Any],
        probe: NDArray[np.float32] | None,
    ) -> None:
        self.fit_args = fit_args
        self.fit_kwargs = fit_kwargs
        self.probe = probe
        self.objective = tuner.trialstack_objective
        self.search_seed = tuner.search_seed
        self.executions = int(tuner.executions_per_trial)
        self.ordered_fit = OrderedFit(self.search_seed)
        self._tuner = tuner
        self.built_ahead = BuiltAhead(tuner, self.build, fit_args, fit_kwargs)
        self.begun = False

    def build(self, spec: TrialSpec) -> Any:
        """A new compiled model with the initial weights of the trial's own seed."""
        trial = self._tuner.oracle.trials[spec.trial_id]
        with self._tuner.active_trial(ActiveTrial(spec, self.objective, _unheard)):
            return self._tuner._try_build(trial.hyperparameters)

    def described(self, spec: TrialSpec) -> tuple[Any, Mapping[str, Any]]:
        """See `TrainingJob`.

        Raises:
            Unstackable: Its training is more than a call of `model.fit`.
        """
        return self.built_ahead.described(spec)

    def out_of_time(self) -> bool:
        """See `TrainingJob`.

        Asking may take longer than the search is given; without a trial it would come to nothing.
        """
        return self.begun and self._tuner.time_is_up()

    def train(self, spec: TrialSpec, tell: Tell) -> Finished:
        """Trains one trial by the tuner's `run_trial`."""
        tuner = self._tuner
        trial = tuner.oracle.trials[spec.trial_id]
        clear_metrics(trial)
        active = ActiveTrial(spec, self.objective, tell)
        with tuner.active_trial(active), preserved_random_state():
            # For an overridden `run_trial`, which builds and trains in its own way.
            keras.utils.set_random_seed(spec.seed_for_keras())
            results = tuner.run_trial(trial, *self.fit_args, **self.fit_kwargs)
        metrics, best_step = self._metrics(trial, results)
        value = metrics[self.objective.name]
        if not math.isfinite(value):
            raise TrialDiverged(f"{self.objective.name} became {value}")
        best = active.best() or read_histories(active, results)
        if best is None:
            return Finished(spec.trial_id, time.time(), {}, metrics, best_step)
        return Finished(
            spec.trial_id,
            time.time(),
            best.history,
            metrics,
            best.best_epoch,
            weights=best.best_weights,
            stopped_by=best.stopped_by,
            probe=self._probe(best),
            build_config=_build_config(best.model),
        )

    def failure(self, spec: TrialSpec, error: Exception) -> Failed:
        """The event that tells of a trial that raised.

        Raises:
            Exception: `error` itself, if it is one of Keras Tuner's fatal errors.
        """
        if isinstance(error, keras_tuner.errors.FatalError):
            raise error
        active = self._tuner.last_active
        execution = active.best() if active is not None and active.spec is spec else None
        return Failed(
            spec.trial_id,
            time.time(),
            reason=reason_of(error, named=not isinstance(error, TrialDiverged)),
            traceback=encodable("".join(traceback.format_exception(error))),
            history=execution.history if execution else {},
            retry=not isinstance(error, keras_tuner.errors.FailedTrialError),
        )

    def _metrics(self, trial: Any, results: Any) -> tuple[dict[str, float], int]:
        """What the oracle is told, and the best epoch."""
        objective = self._tuner.oracle.objective
        if results is None and trial.metrics.exists(objective.name):
            warnings.warn(
                "`run_trial()` called `self.oracle.update_trial()` by itself; return the metrics "
                "instead",
                DeprecationWarning,
                stacklevel=2,
            )
            told = trial.metrics
            values = {name: float(told.get_best_value(name)) for name in told.metrics}
            return values, int(told.get_best_step(objective.name))
        tuner_utils.validate_trial_results(results, objective, "Tuner.run_trial()")
        _check_objective_is_logged(results, objective)
        metrics = tuner_utils.convert_to_metrics_dict(results, objective)
        metrics = {name: float(value) for name, value in metrics.items()}
        return metrics, int(tuner_utils.get_best_step(results, objective))

    def _probe(self, execution: Execution) -> NDArray[np.float32] | None:
        """The outputs for a picture; None where the model cannot be asked."""
        if self.probe is None or execution.best_weights is None:
            return None
        model = execution.model
        try:
            put_weights(model, execution.best_weights)
            return np.asarray(model(self.probe, training=False), dtype=np.float32)
        except Exception:
            # Points between rows may be no inputs at all, such as half a word of a vocabulary.
            # A picture less must not cost the trial.
            return None


def _unheard(_: Any) -> None:
    return None


def _build_config(model: Any) -> Mapping[str, Any] | None:
    config = getattr(model, "get_build_config", lambda: None)()
    return config if isinstance(config, Mapping) else None


def _check_objective_is_logged(results: Any, objective: Any) -> None:
    for result in results if isinstance(results, list) else [results]:
        if not isinstance(result, keras.callbacks.History):
            continue
        if not objective.has_value(result.history):
            raise keras_tuner.errors.FatalValueError(
                f"objective {objective.name!r} is not among the metrics of the training: "
                f"{', '.join(result.history) or 'none'}; compile the model with it, and give "
                "validation data for a val_ metric"
            )
