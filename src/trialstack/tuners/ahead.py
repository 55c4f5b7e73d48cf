"""Trials that are built when they are asked, and how each of them would be trained.

An oracle learns a dynamically named space from builds only, so all that names hyperparameters has
to happen before the next trial is asked. The executor looks at what is built here, or trains it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras

from trialstack.executors.batch_order import bind_fit_arguments
from trialstack.executors.deferred import DeferredModel
from trialstack.executors.stacked.reasons import Unstackable
from trialstack.trials import TrialSpec
from trialstack.tuners.random_state import (
    RandomState,
    preserved_random_state,
    random_state,
    set_random_state,
)

if TYPE_CHECKING:
    from trialstack.tuners.base import TrackedTuner


class BuiltAhead:
    """The models of trials that are asked and not yet trained.

    Args:
        tuner: Whose hypermodel and oracle they are of.
        build: Builds a trial's model with the trial's own seed.
        fit_args: Positional arguments of `search`.
        fit_kwargs: Keyword arguments of `search`.
    """

    def __init__(
        self,
        tuner: TrackedTuner,
        build: Callable[[TrialSpec], Any],
        fit_args: Sequence[Any],
        fit_kwargs: Mapping[str, Any],
    ) -> None:
        self._tuner = tuner
        self._build = build
        self._fit_args = fit_args
        self._fit_kwargs = fit_kwargs
        # trial_id -> model, or the error of building it; the random state that building left
        self._built: dict[str, tuple[DeferredModel | Exception, RandomState]] = {}
        # trial_id -> arguments of its `model.fit`, or why they are not known
        self._fits: dict[str, dict[str, Any] | Unstackable] = {}
        self._fit_obstacle: Unstackable | None = None

    def add(self, spec: TrialSpec, describe: bool) -> None:
        """Builds a trial's model when it is asked, so that the oracle learns its space.

        The model is what the trial's first execution then trains. An error is kept for that
        moment too: it is the trial's, not the asking's.

        Args:
            spec: The trial.
            describe: Whether an executor is going to ask `described` of it.
        """
        with preserved_random_state():
            try:
                built: DeferredModel | Exception = self._deferred(spec)
            except Exception as error:
                built = error
                # It did not come to ask for all that it has.
                self._tuner.oracle.trials[spec.trial_id].hyperparameters.noted.clear()
            self._built[spec.trial_id] = built, random_state()
            if describe and isinstance(built, DeferredModel):
                self._describe_ahead(spec, built.model)

    def _deferred(self, spec: TrialSpec) -> DeferredModel:
        try:
            return DeferredModel.of(lambda: self._build(spec))
        except Exception:
            # Code that cannot do with a model that is not all there: if it is that, it works here.
            return DeferredModel(self._build(spec), [])

    def take(self, trial_id: str) -> Any | None:
        """The model that was built ahead, once; for `SearchJob.train`, which sets the random state.

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
            self.forget(spec.trial_id)

    def described(self, spec: TrialSpec) -> tuple[Any, Mapping[str, Any]]:
        """A trial's model to look at, and the arguments of its fit; see `TrainingJob`.

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
            model = self._deferred(spec).model
            arguments = self._recorded_fit(spec, model)
        if isinstance(arguments, Unstackable):
            raise arguments
        return model, arguments

    def forget(self, trial_id: str) -> None:
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
                trial.hyperparameters, model, *self._fit_args, **self._fit_kwargs
            )
        except Exception:
            return Unstackable("a HyperModel.fit that does more than call model.fit")
        finally:
            vars(model).pop("fit", None)
        if result is not history or len(calls) != 1:
            return Unstackable("a HyperModel.fit that does more than call model.fit")
        return calls[0]
