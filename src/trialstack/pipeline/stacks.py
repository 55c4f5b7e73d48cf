"""Trainings without a search, such as one model from many seeds, as stacks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.executors.base import Tell
from trialstack.executors.batch_order import OrderedFit
from trialstack.executors.table import AUTO, make_executor
from trialstack.pipeline.fits import build_seeded
from trialstack.pipeline.fitted import outputs_of
from trialstack.trials import Event, Failed, Finished, Objective, TrialSpec

LOSS = Objective("loss", "min")

LAST_EPOCH = Objective("last epoch", "max")
"""No metric has this name, so every epoch is the best so far: the last one's weights are kept."""


class DescribedJob:
    """The `TrainingJob` of models that are built and fitted without a tuner.

    Args:
        build: Makes a training's compiled model; called with the random state of its seed.
        fit_arguments: Gives the keyword arguments of a training's `fit`. Trainings share a stack
            only if their rows are the same arrays.
        order_seed: Of the order of rows.
        objective: What a training's best epoch is chosen by.
        probe: Points at which finished models are evaluated, shape `(points, features)`.
    """

    executions = 1
    fit_args: Sequence[Any] = ()

    def __init__(
        self,
        build: Callable[[TrialSpec], Any],
        fit_arguments: Callable[[TrialSpec], Mapping[str, Any]],
        order_seed: int,
        objective: Objective = LOSS,
        probe: NDArray[np.float32] | None = None,
    ) -> None:
        self.search_seed = order_seed
        self.objective = objective
        self.probe = probe
        self.fit_kwargs: Mapping[str, Any] = {}
        self._build = build
        self._fit_arguments = fit_arguments
        self._execution: Any = None  # of the training that `model.fit` does

    def build(self, spec: TrialSpec) -> Any:
        """See `TrainingJob`."""
        return build_seeded(spec.seed_for_keras(), lambda: self._build(spec))

    def described(self, spec: TrialSpec) -> tuple[Any, Mapping[str, Any]]:
        """See `TrainingJob`."""
        from trialstack.executors.deferred import DeferredModel

        return DeferredModel.of(lambda: self.build(spec)).model, self._fit_arguments(spec)

    def out_of_time(self) -> bool:
        """See `TrainingJob`: there is no limit."""
        return False

    def train(self, spec: TrialSpec, tell: Tell) -> Finished:
        """See `TrainingJob`."""
        from trialstack.tuners.recording import Execution, ExecutionRecorder

        model, arguments = self.build(spec), self._fit_arguments(spec)
        done = self._execution = Execution(spec.trial_id, 0, self.objective, tell)
        callbacks = [*arguments.get("callbacks", ()), ExecutionRecorder(done, self.objective)]
        OrderedFit(self.search_seed).attach(model)
        model.fit(**{"verbose": 0, **arguments, "callbacks": callbacks})
        return Finished(
            spec.trial_id,
            time.time(),
            done.history,
            done.rows[done.best_epoch],
            done.best_epoch,
            weights=done.best_weights,
            probe=None if self.probe is None else outputs_of(model, self.probe),
        )

    def failure(self, spec: TrialSpec, error: Exception) -> Failed:
        """See `TrainingJob`; an error that is not a loss beyond all bounds ends everything."""
        from trialstack.tuners.recording import TrialDiverged

        if not isinstance(error, TrialDiverged):
            raise error
        return Failed(spec.trial_id, time.time(), str(error), history=self._execution.history)


def train_stacked(specs: Sequence[TrialSpec], job: DescribedJob) -> list[Finished | Failed]:
    """Trains models as stacks, and by `model.fit` what cannot be stacked.

    Args:
        specs: One a training; their ids differ.
        job: What they have in common.

    Returns:
        One event a training, in the order of `specs`: `Finished`, or `Failed` when its loss became
        NaN or infinite, both with the history.

    Raises:
        Exception: Whatever a training raises.
    """
    ends: dict[str, Finished | Failed] = {}

    def tell(event: Event) -> None:
        if isinstance(event, Finished | Failed):
            ends[event.trial_id] = event

    make_executor(AUTO).run(iter(specs), job, tell)
    return [ends[spec.trial_id] for spec in specs]
