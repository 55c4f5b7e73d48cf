"""Searches that are small enough to be made by the hundred."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest

import trialstack
from trialstack.tuners.base import TrackedTuner

ROWS = 40
EPOCHS = 2
FIT: dict[str, Any] = {"validation_split": 0.25, "epochs": EPOCHS, "verbose": 0}


@pytest.fixture(scope="session")
def X() -> np.ndarray:  # noqa: N802 - the field's name for it
    return np.random.default_rng(0).normal(size=(ROWS, 2)).astype(np.float32)


@pytest.fixture(scope="session")
def y(X: np.ndarray) -> np.ndarray:
    return (X.sum(axis=1) > 0).astype(int)


def build(hp: keras_tuner.HyperParameters) -> keras.Model:
    """Few units; eager, because tracing a graph takes longer than ten such trainings."""
    units = hp.Int("units", 2, 9)
    rate = hp.Float("rate", 1e-3, 1e-1, sampling="log")
    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(
        keras.optimizers.SGD(rate), "binary_crossentropy", metrics=["accuracy"], run_eagerly=True
    )
    return model


class Pretended(keras_tuner.HyperModel):
    """Builds real models and only pretends to train them, as custom training loops do.

    A trial's curve is made of its hyperparameters and its initial weights, so both must be right
    for its score to be.

    Attributes:
        built: Values of every build.
        trained: Values of every training.
        epoch: Called with the number of the training and of the epoch.
    """

    def __init__(self) -> None:
        super().__init__()
        self.built: list[dict[str, Any]] = []
        self.trained: list[dict[str, Any]] = []
        self.epoch: Callable[[int, int], None] = lambda training, epoch: None

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        units, bonus = hp.Int("units", 2, 9), hp.Float("bonus", 0.0, 1.0)
        self.built.append({"units": units, "bonus": bonus})
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(units)])
        model.compile("sgd", "mse")
        return model

    def fit(self, hp: Any, model: keras.Model, *_: Any, callbacks: Any, **__: Any) -> float:
        self.trained.append(dict(hp.values))
        for callback in callbacks:
            callback.set_model(model)
        score = hp.get("bonus") + float(np.abs(model.get_weights()[0]).mean())
        for epoch, share in enumerate((0.5, 1.0, 0.8)):
            self.epoch(len(self.trained) - 1, epoch)
            for callback in callbacks:
                callback.on_epoch_end(epoch, {"loss": 2 - share, "val_score": score * share})
        return score


@pytest.fixture
def pretended() -> Pretended:
    return Pretended()


@pytest.fixture
def eager() -> Callable[[Any], keras.Model]:
    """A build function of small real models; see `build`."""
    return build


@pytest.fixture
def fit() -> dict[str, Any]:
    return dict(FIT)


@pytest.fixture
def tuner_of(tmp_path: Path) -> Callable[..., TrackedTuner]:
    """Makes tuners of one project; `folder` names another."""

    def make(
        hypermodel: Any = build,
        trials: int = 3,
        folder: Path = tmp_path,
        kind: type[TrackedTuner] = trialstack.RandomSearch,
        **arguments: Any,
    ) -> TrackedTuner:
        objective = "val_score" if isinstance(hypermodel, Pretended) else "val_accuracy"
        defaults = {
            "objective": keras_tuner.Objective(objective, "max"),
            "seed": 42,
            "tracking": None,
            "executor": "one-by-one",
            "directory": str(folder),
            "project_name": "project",
        }
        return kind(hypermodel, max_trials=trials, **(defaults | arguments))

    return make


def scores_of(tuner: TrackedTuner) -> dict[str, float | None]:
    return {trial_id: trial.score for trial_id, trial in tuner.oracle.trials.items()}


@pytest.fixture
def scores() -> Callable[[TrackedTuner], dict[str, float | None]]:
    """Trial id -> score, None for a failed trial."""
    return scores_of


@pytest.fixture
def table() -> Callable[[TrackedTuner], dict[str, tuple[str, dict[str, Any], float | None]]]:
    """Trial id -> status, hyperparameters, score: what must not depend on how it was run."""

    def table_of(tuner: TrackedTuner) -> dict[str, tuple[str, dict[str, Any], float | None]]:
        return {
            trial_id: (trial.status, dict(trial.hyperparameters.values), trial.score)
            for trial_id, trial in tuner.oracle.trials.items()
        }

    return table_of
