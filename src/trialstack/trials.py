"""The values that cross every border: what a trial is asked to do, and what came of it.

Plain data only, so that an executor can stand in another process or on another machine: no Keras
model, no oracle and no MLflow run is reachable from here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

EpochRow = Mapping[str, float]
"""Metric name -> value of one epoch, named as Keras names it (`loss`, `val_auc`, ...)."""

Weights = Sequence[NDArray[Any]]
"""The arrays of `keras.Model.get_weights()`, in its order."""


@dataclass(frozen=True)
class Objective:
    """What a search optimises.

    Attributes:
        name: Metric as Keras logs it, such as `val_auc`.
        direction: `"max"` or `"min"`; never guessed from the name.
    """

    name: str
    direction: str

    def better(self, a: float, b: float) -> bool:
        """Whether `a` is strictly better than `b` (false when either is NaN)."""
        return a > b if self.direction == "max" else a < b

    @property
    def worst(self) -> float:
        """The value that everything is better than."""
        return float("-inf") if self.direction == "max" else float("inf")


@dataclass(frozen=True)
class TrialSpec:
    """One training that an executor is asked to do.

    Attributes:
        trial_id: The oracle's name of the trial.
        number: Position in the order of asking, from 0.
        hyperparameters: Active values only.
        seed: Entropy of the trial's `numpy.random.SeedSequence`: `(search seed, number)`.
        attempt: 0 at first, one more at every retry.
        execution: Which of the trial's `executions_per_trial` this is, from 0.
    """

    trial_id: str
    number: int
    hyperparameters: Mapping[str, Any]
    seed: tuple[int, int]
    attempt: int = 0
    execution: int = 0

    def seed_for_keras(self) -> int:
        """The 32-bit integer that initial weights and dropout are drawn from.

        The first execution of the first attempt uses `SeedSequence(seed)` itself; others are
        spawned from it, so a retry is not bound to fail in the same way.
        """
        spawn_key = (self.attempt, self.execution) if self.attempt or self.execution else ()
        sequence = np.random.SeedSequence(self.seed, spawn_key=spawn_key)
        return int(sequence.generate_state(1)[0])


@dataclass(frozen=True)
class Started:
    """An executor begins a trial."""

    trial_id: str
    time: float
    """Seconds since the epoch (`time.time()`), as in all events."""


@dataclass(frozen=True)
class EpochBlock:
    """Rows of consecutive epochs, as they come.

    Attributes:
        first_epoch: Index of the first row, from 0.
        rows: One mapping of metric name to value an epoch.
        times: When each epoch ended.
        execution: See `TrialSpec`.
    """

    trial_id: str
    first_epoch: int
    rows: Sequence[EpochRow]
    times: Sequence[float]
    execution: int = 0


@dataclass(frozen=True)
class Finished:
    """A trial came to its end.

    Attributes:
        history: Metric name -> one value an epoch. Empty when the training was not a Keras `fit`.
            Of several executions, the one with the best epoch.
        metrics: The values of the best epoch, averaged over executions: what the oracle is told.
        best_epoch: Index of the best epoch by the objective, from 0.
        weights: Of the best epoch, in `keras.Model.get_weights()` order; None when there is no
            model to take them from.
        stopped_by: Why it ended: `"epochs"` (all were run) or the name of the callback that
            stopped it, such as `"EarlyStopping"`.
        stacked: Whether it was trained in a stack.
        probe: The model's output at the points of `TrainingJob.probe`,
            shape `(points, outputs)`; None where no probe was asked for.
        build_config: What Keras needs to build a subclassed model again before its weights fit.
    """

    trial_id: str
    time: float
    history: Mapping[str, Sequence[float]]
    metrics: Mapping[str, float]
    best_epoch: int
    weights: Weights | None = None
    stopped_by: str = "epochs"
    stacked: bool = False
    probe: NDArray[np.float32] | None = None
    build_config: Mapping[str, Any] | None = None

    @property
    def epochs_run(self) -> int:
        """Number of epochs of the history."""
        return max((len(values) for values in self.history.values()), default=0)


@dataclass(frozen=True)
class Failed:
    """A trial that raised, or whose loss or objective became NaN or infinite.

    Attributes:
        reason: One line.
        traceback: The whole text, or empty.
        history: What was trained until then.
        retry: Whether trying again may help (the oracle decides whether it is tried).
    """

    trial_id: str
    time: float
    reason: str
    traceback: str = ""
    history: Mapping[str, Sequence[float]] = field(default_factory=dict)
    retry: bool = True


Event = Started | EpochBlock | Finished | Failed
