"""The attempt at a trial that is being trained, and what is known of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras

from trialstack.executors.base import Tell
from trialstack.trials import Objective, TrialSpec
from trialstack.tuners.recording import Execution


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


def read_histories(active: ActiveTrial, results: Any) -> Execution | None:
    """Takes the epochs of a training that was not given our callback from what it returned.

    Returns:
        The execution with the best epoch, if any trained a model.
    """
    for result in results if isinstance(results, list) else [results]:
        if isinstance(result, keras.callbacks.History):
            execution = active.begin_execution()
            for values in zip(*result.history.values(), strict=False):
                row = {name: float(v) for name, v in zip(result.history, values, strict=True)}
                execution.add(row)
    return active.best()
