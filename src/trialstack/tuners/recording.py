"""What is kept of a training while it runs: epoch rows, and the weights of the best epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from trialstack.executors.base import Tell
from trialstack.trials import EpochBlock, EpochRow, Objective, Weights


class TrialDiverged(ArithmeticError):  # noqa: N818 - a finding about the trial, as StopIteration is
    """The loss or the objective became NaN or infinite."""


class Execution:
    """One training of a trial: its rows, and the best of them.

    Args:
        trial_id: The trial.
        index: Which of the trial's executions, from 0.
        objective: What the best epoch is chosen by.
        tell: Takes the epochs as they end.
    """

    def __init__(self, trial_id: str, index: int, objective: Objective, tell: Tell) -> None:
        self.trial_id = trial_id
        self.index = index
        self.rows: list[EpochRow] = []
        self.best_epoch = 0
        self.best_weights: Weights | None = None
        self.stopped_by = "epochs"
        self.model: Any = None
        self._objective = objective
        self._best_value = objective.worst
        self._tell = tell

    @property
    def history(self) -> dict[str, list[float]]:
        """Metric name -> value an epoch; NaN where an epoch lacks the metric."""
        names = dict.fromkeys(name for row in self.rows for name in row)
        return {name: [row.get(name, math.nan) for row in self.rows] for name in names}

    @property
    def best_value(self) -> float:
        """The objective at the best epoch; the worst value there is before the first epoch."""
        return self._best_value

    def add(self, row: EpochRow) -> bool:
        """Takes the row of the next epoch and tells it.

        Epochs are counted here: what a custom training calls them may begin again, or not at 0.

        Returns:
            Whether the weights of this epoch are the best so far. Without the objective among
            the metrics (it may be computed after `fit`) every epoch is.

        Raises:
            TrialDiverged: The loss or the objective is NaN or infinite.
        """
        epoch = len(self.rows)
        self.rows.append(row)
        self._tell(EpochBlock(self.trial_id, epoch, [row], [time.time()], self.index))
        for name in dict.fromkeys(("loss", "val_loss", self._objective.name)):
            if name in row and not math.isfinite(row[name]):
                raise TrialDiverged(f"{name} became {row[name]} in epoch {epoch}")
        value = row.get(self._objective.name)
        if value is None or self._objective.better(value, self._best_value):
            self.best_epoch = epoch
            self._best_value = self._best_value if value is None else value
            return True
        return False


class ExecutionRecorder(keras.callbacks.Callback):
    """Fills an `Execution`. Last among the callbacks, so that it sees what the others put in."""

    def __init__(self, execution: Execution, objective: Any) -> None:
        super().__init__()
        self._execution = execution
        self._objective = objective

    def __deepcopy__(self, memo: dict[int, Any]) -> ExecutionRecorder:
        """Itself: what it records has to reach the one who asked."""
        return self

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Keeps the row, and the weights if they are the best so far."""
        # Not first when training ends: a custom training may never tell of its end.
        self._execution.model = self.model
        row = {name: float(value) for name, value in (logs or {}).items()}
        if hasattr(self._objective, "objectives") and self._objective.has_value(row):
            # Several objectives count as one number, which Keras Tuner puts among the metrics.
            row[self._objective.name] = float(self._objective.get_value(row))
        if self._execution.add(row):
            self._execution.best_weights = self.model.get_weights()


def stopped_by(callbacks: Sequence[Any], epochs: int | None, epochs_run: int) -> str:
    """Why a training ended: `"epochs"`, or the class name of the callback that stopped it."""
    if epochs is None or epochs_run >= epochs:
        return "epochs"
    for callback in callbacks:
        if getattr(callback, "stopped_epoch", 0):
            return type(callback).__name__
    return "stop_training"
