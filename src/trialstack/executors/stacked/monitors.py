"""Keras' own callbacks, one set a trial, on a stand-in for the trial's model."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from trialstack.executors.stacked.metrics import StackedMetric
from trialstack.trials import Weights


class StandInOptimizer:
    """Keeps a learning rate as Keras' variable would: in float32."""

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = learning_rate

    @property
    def learning_rate(self) -> np.float32:
        """The rate of the next step."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._learning_rate = np.float32(value)


class StandInModel:
    """What callbacks see of a trial's model.

    The weights that a trial hands back are those of its best epoch, whatever its callbacks keep;
    so they are given nothing to keep.

    Args:
        learning_rate: Of the trial.
        metrics: Of the trial; a callback may ask for their direction.
    """

    def __init__(self, learning_rate: float, metrics: Sequence[StackedMetric]) -> None:
        self.stop_training = False
        self.optimizer = StandInOptimizer(learning_rate)
        self.metrics = [_listed([metric.keras for metric in metrics])]

    def get_weights(self) -> Weights:
        """Nothing to keep."""
        return []

    def set_weights(self, _weights: Weights) -> None:
        """Nothing to restore."""


class Monitors:
    """The callbacks of one trial.

    Args:
        callbacks: As they were given to `fit`; copied.
        model: The stand-in.
        epochs: At most.
    """

    def __init__(self, callbacks: Sequence[Any], model: StandInModel, epochs: int) -> None:
        self.model = model
        # What ends a trial on NaN is the rule of all executors: it fails.
        self._callbacks = [
            copy.deepcopy(c) for c in callbacks if type(c).__name__ != "TerminateOnNaN"
        ]
        for callback in self._callbacks:
            callback.set_params({"epochs": epochs, "verbose": 0})
            callback.set_model(model)
            callback.on_train_begin()
            if getattr(callback, "monitor_op", False) is None:
                callback._set_monitor_op()
            _compare_in_numpy(callback)

    def epoch_begins(self, epoch: int) -> float:
        """Returns the learning rate of the epoch."""
        for callback in self._callbacks:
            callback.on_epoch_begin(epoch)
        return float(self.model.optimizer.learning_rate)

    def epoch_ended(self, epoch: int, row: dict[str, float]) -> str | None:
        """Shows an epoch's row to the callbacks, which may add to it.

        Returns:
            Who stops the training, if anybody does.
        """
        stopper = None
        for callback in self._callbacks:
            callback.on_epoch_end(epoch, row)
            if self.model.stop_training and stopper is None:
                stopper = type(callback).__name__
        return stopper


def _listed(metrics: list[Any]) -> Any:
    """Metrics in the kind of list in which callbacks look for them."""
    from keras.src.trainers.compile_utils import MetricsList

    return MetricsList(metrics)


def _compare_in_numpy(callback: Any) -> None:
    """Compares as Keras does, in float32, without a TensorFlow operation for each comparison."""
    operation = getattr(callback, "monitor_op", None)
    if operation is keras.ops.less:
        callback.monitor_op = lambda a, b: bool(np.float32(a) < np.float32(b))
    elif operation is keras.ops.greater:
        callback.monitor_op = lambda a, b: bool(np.float32(a) > np.float32(b))
