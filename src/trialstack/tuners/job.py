"""What the trials of one `search(...)` call have in common: the job that executors are given."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import random
import time
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import keras_tuner
import numpy as np
from keras_tuner.src.engine import tuner_utils
from numpy.typing import NDArray

from trialstack.executors.base import Tell
from trialstack.executors.batch_order import OrderedFit, bind_fit_arguments
from trialstack.executors.deferred import DeferredModel
from trialstack.executors.stacked.reasons import Unstackable
from trialstack.trials import Failed, Finished, Objective, TrialSpec
from trialstack.tuners.reason import encodable, reason_of
from trialstack.tuners.recording import Execution, TrialDiverged
from trialstack.tuners.replay import clear_metrics
from trialstack.tuners.weights import put_weights

if TYPE_CHECKING:
    from trialstack.tuners.base import TrackedTuner

RandomState = tuple[tuple[Any, ...], Any]


class ActiveTrial:
    """The attempt that is being trained: its seed, its executions, where its events go."""

    def __init__(self, spec: TrialSpec, objective: Objective, tell: Tell) -> None:
        self.spec = spec
        self.executions: list[Execution] = []
        self._objective = objective
        self._tell = tell

    def begin_execution(self) -> Execution:
        """Opens the next execution's record."""
        execution = Execution(self.spec.trial_id, len(self.executions), self._objective, self._tell)
        self.executions.append(execution)
        return execution

    def keras_seed(self) -> int:
        """Seed of the execution that is running, or of the first before any is."""
        index = len(self.executions) - 1 if self.executions else self.spec.execution
        return dataclasses.replace(self.spec, execution=index).seed_for_keras()

    def best(self) -> Execution | None:
        """The execution with the best epoch, if any trained a model."""
        trained = [execution for execution in self.executions if execution.rows]
        best: Execution | None = None
        for execution in trained:
            if best is None or self._objective.better(execution.best_value, best.best_value):
                best = execution
        return best


class SearchJob:
    """The `TrainingJob` of a tuner.

    Args:
        tuner: Whose hypermodel, oracle and hooks train a trial.
        fit_args: Positional arguments of `search`.
        fit_kwargs: Keyword arguments of `search`.
        probe: See `trialstack.executors.base.TrainingJob`.
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
        # trial_id -> model, or the error of building it; the random state that building left
        self._built: dict[str, tuple[DeferredModel | Exception, RandomState]] = {}
        # trial_id -> arguments of its `model.fit`, or why they are not known
        self._fits: dict[str, dict[str, Any] | Unstackable] = {}
        self._fit_obstacle: Unstackable | None = None

    def build(self, spec: TrialSpec) -> Any:
        """A new compiled model with the initial weights of the trial's own seed."""
        trial = self._tuner.oracle.trials[spec.trial_id]
        with self._tuner.active_trial(ActiveTrial(spec, self.objective, _unheard)):
            return self._tuner._try_build(trial.hyperparameters)

    def ask_ahead(self, spec: TrialSpec, describe: bool) -> None:
        """Builds a trial's model when it is asked, so that the oracle learns its space.

        The model is what the trial's first execution then trains. An error is kept for that
        moment too: it is the trial's, not the asking's.

        Args:
            spec: The trial.
            describe: Whether an executor is going to ask `described` of it.
        """
        with preserved_random_state():
            try:
                built: DeferredModel | Exception = self._built_deferred(spec)
            except Exception as error:
                built = error
                # It did not come to ask for all that it has.
                self._tuner.oracle.trials[spec.trial_id].hyperparameters.noted.clear()
            self._built[spec.trial_id] = built, random_state()
            if describe and isinstance(built, DeferredModel):
                self._describe_ahead(spec, built.model)

    def _built_deferred(self, spec: TrialSpec) -> DeferredModel:
        try:
            return DeferredModel.of(lambda: self.build(spec))
        except Exception:
            # Code that cannot do with a model that is not all there: if it is that, it works here.
            return DeferredModel(self.build(spec), [])

    def take_built(self, trial_id: str) -> Any | None:
        """The model that was built ahead, once; for `train`, which sets the random state.

        Weights of layers that Keras builds at the first batch are drawn after those of the others.

        Raises:
            Exception: What building it raised.
        """
        if trial_id not in self._built:
            return None
        built, state = self._built.pop(trial_id)
        if isinstance(built, Exception):
            raise built
        set_random_state(state)
        return built.realize()

    def _describe_ahead(self, spec: TrialSpec, model: Any) -> None:
        """Asks an overridden `HyperModel.fit` for its arguments, when the trial is asked.

        It may name hyperparameters too, which the oracle must learn before the next trial.
        """
        if self._tuner.stacking_obstacle is not None:
            return
        if self._fit_obstacle is not None:
            self._fits[spec.trial_id] = self._fit_obstacle
            return
        arguments = self._recorded_fit(spec, model)
        self._fits[spec.trial_id] = arguments
        if isinstance(arguments, Unstackable):
            # It is not asked again: what else it does would be done twice for every trial.
            self._fit_obstacle = arguments
            # A training of its own may have begun on the model; `train` builds another.
            self.forget_built(spec.trial_id)

    def described(self, spec: TrialSpec) -> tuple[Any, Mapping[str, Any]]:
        """See `TrainingJob`.

        Raises:
            Unstackable: Its training is more than a call of `model.fit`.
        """
        if self._tuner.stacking_obstacle is not None:
            raise Unstackable(self._tuner.stacking_obstacle)
        if spec.execution:
            return self._described_again(spec)
        arguments = self._fits.pop(spec.trial_id, {})  # none if building it failed
        if isinstance(arguments, Unstackable):
            raise arguments
        built, _ = self._built[spec.trial_id]
        if isinstance(built, Exception):
            raise built
        return built.model, arguments

    def _described_again(self, spec: TrialSpec) -> tuple[Any, Mapping[str, Any]]:
        """A later execution of a trial: the same again, with initial weights of its own."""
        with preserved_random_state():
            model = self._built_deferred(spec).model
            arguments = self._recorded_fit(spec, model)
        if isinstance(arguments, Unstackable):
            raise arguments
        return model, arguments

    def forget_built(self, trial_id: str) -> None:
        """Lets go of a model that nobody is going to train."""
        self._built.pop(trial_id, None)

    def _recorded_fit(self, spec: TrialSpec, model: Any) -> dict[str, Any] | Unstackable:
        """The arguments that `model.fit` would be called with, or why that is not known."""
        trial = self._tuner.oracle.trials[spec.trial_id]
        calls: list[dict[str, Any]] = []
        history = keras.callbacks.History()

        def record(*args: Any, **kwargs: Any) -> Any:
            calls.append(bind_fit_arguments(args, kwargs))
            return history

        object.__setattr__(model, "fit", record)
        try:
            result = self._tuner.hypermodel.fit(
                trial.hyperparameters, model, *self.fit_args, **self.fit_kwargs
            )
        except Exception:
            return Unstackable("a HyperModel.fit that does more than call model.fit")
        finally:
            vars(model).pop("fit", None)
        if result is not history or len(calls) != 1:
            return Unstackable("a HyperModel.fit that does more than call model.fit")
        return calls[0]

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
        best = active.best() or _read_histories(active, results)
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


def _read_histories(active: ActiveTrial, results: Any) -> Execution | None:
    """Takes the epochs of a training that was not given our callback from what it returned."""
    for result in results if isinstance(results, list) else [results]:
        if isinstance(result, keras.callbacks.History):
            execution = active.begin_execution()
            for values in zip(*result.history.values(), strict=False):
                row = {name: float(v) for name, v in zip(result.history, values, strict=True)}
                execution.add(row)
    return active.best()


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


@contextlib.contextmanager
def preserved_random_state() -> Iterator[None]:
    """Leaves the random state of the program as it was: a trial's seed is nobody else's."""
    state = random_state()
    try:
        yield
    finally:
        set_random_state(state)


def random_state() -> RandomState:
    """The states of Python's and NumPy's global generators; Keras draws its seeds from Python's."""
    return random.getstate(), np.random.get_state()


def set_random_state(state: RandomState) -> None:
    """Takes up a state that `random_state` has returned."""
    python_state, numpy_state = state
    random.setstate(python_state)
    np.random.set_state(numpy_state)
