"""Fits of decided models, by `model.fit` and by a training of somebody's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from trialstack.errors import TrialstackError
from trialstack.pipeline.data import Rows
from trialstack.pipeline.fits import FitPlan, build_seeded, fit
from trialstack.pipeline.fitted import FittedModel
from trialstack.plots.evolution import Evolution
from trialstack.plots.plane import plane_of
from trialstack.tracking.base import NewRun
from trialstack.tracking.memory import MemoryTracker

EPOCHS = 2


def build() -> keras.Model:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy", run_eagerly=True)
    return model


@pytest.fixture
def rows() -> Rows:
    generator = np.random.default_rng(0)
    X = generator.normal(size=(40, 2)).astype(np.float32)
    return Rows(X, (X.sum(axis=1) > 0).astype(np.int64))


@pytest.fixture
def tracker() -> MemoryTracker:
    tracker = MemoryTracker()
    tracker.start_run(NewRun("search", "search", "search", started=0.0))
    return tracker


Fitted = tuple[FittedModel, Any]


@pytest.fixture
def fitted(rows: Rows, tracker: MemoryTracker) -> Callable[..., Fitted]:
    """Fits a model of one seed; returns it and its run."""

    def fitted(train_by: Any = None, **changes: Any) -> Fitted:
        model = build_seeded(0, build)
        plan = FitPlan("final", "final", "final", model, rows, None, EPOCHS, 32, 7)
        plan = dataclasses.replace(plan, train_by=train_by, **changes)
        return fit(plan, tracker, lambda y: y[:, None], "search"), tracker["final"]

    return fitted


def weights(fitted: FittedModel) -> Any:
    return np.concatenate([part.ravel() for part in fitted.model.get_weights()])


def test_model_fit_by_default(fitted: Callable[..., Fitted]) -> None:
    result, run = fitted()
    assert run.params == {"batch_size": "32", "epochs": "2", "rows": "40", "weights": "3"}
    assert list(run.metrics) == list(result.history) == ["loss"]
    assert result.model.optimizer.iterations == EPOCHS * 2


def test_a_training_of_ones_own_that_forwards_has_the_same_rows_in_the_same_order(
    fitted: Callable[..., Fitted],
) -> None:
    plain, _ = fitted()
    own, run = fitted(lambda model, *args, **kwargs: model.fit(*args, **kwargs).history["loss"][0])
    assert weights(own) == pytest.approx(weights(plain), abs=0)
    assert own.history == plain.history
    assert run.metrics["loss"] == dict(enumerate(own.history["loss"]))


def test_the_batch_size_shown_is_the_one_used(fitted: Callable[..., Fitted]) -> None:
    def smaller(model: Any, *args: Any, **kwargs: Any) -> Any:
        return model.fit(*args, **(kwargs | {"batch_size": 8}))

    result, run = fitted(smaller, params={"batch_size": 16})
    assert result.model.optimizer.iterations == EPOCHS * 5
    assert run.params["batch_size"] == "8"


def test_validation_by_training_rows_is_not_shown(
    fitted: Callable[..., Fitted], rows: Rows
) -> None:
    def validated(model: Any, *args: Any, **kwargs: Any) -> Any:
        seen = (rows.X, rows.y[:, None])
        return {"val_loss": min(model.fit(*args, **(kwargs | {"validation_data": seen})).history)}

    result, run = fitted(validated)
    assert list(run.metrics) == list(result.history) == ["loss"]


def test_epochs_of_a_history_when_it_was_not_given_the_callbacks(
    fitted: Callable[..., Fitted],
) -> None:
    def without_callbacks(model: Any, *args: Any, callbacks: Any, **kwargs: Any) -> Any:
        return model.fit(*args, **kwargs)

    result, run = fitted(without_callbacks)
    plain, _ = fitted()
    assert result.history == plain.history
    assert len(run.metrics["loss"]) == EPOCHS


def test_a_loop_of_ones_own_tells_nothing(fitted: Callable[..., Fitted]) -> None:
    def loop(model: Any, x: Any, y: Any, *, epochs: int, **_: Any) -> float:
        for _ in range(epochs):
            model.train_on_batch(x, y)
        return 0.5

    result, run = fitted(loop, params={"batch_size": 16})
    assert (result.history, run.metrics) == ({}, {})
    assert run.params["batch_size"] == "16"
    assert result.model.optimizer.iterations == EPOCHS


def test_the_boundary_is_followed_if_asked_for_and_changes_nothing(
    fitted: Callable[..., Fitted], rows: Rows
) -> None:
    evolution = Evolution.on(plane_of(rows.X), rows.X, rows.y, ["no", "yes"])
    result, run = fitted(evolution=evolution)
    plain, plain_run = fitted()
    assert list(run.images) == ["boundary"]
    assert list(run.images["boundary"]) == [0, 1, 2]
    assert run.files["plots/boundary_evolution.gif"].startswith(b"GIF89a")
    assert plain_run.images == {}
    assert weights(result) == pytest.approx(weights(plain), abs=0)


def test_stages_of_a_training_are_one_evolution(fitted: Callable[..., Fitted], rows: Rows) -> None:
    def in_stages(model: Any, *args: Any, epochs: int, **kwargs: Any) -> None:
        for _ in range(epochs):
            model.fit(*args, epochs=1, **kwargs)

    evolution = Evolution.on(plane_of(rows.X), rows.X, rows.y, ["no", "yes"])
    _, run = fitted(in_stages, evolution=evolution)
    assert list(run.images["boundary"]) == [0, 1, 2]


def test_a_fit_that_diverges_is_failed_and_has_its_params(
    fitted: Callable[..., Fitted], tracker: MemoryTracker
) -> None:
    def diverging(model: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        return model.fit(x * np.float32(np.inf), *args, **kwargs)

    with pytest.raises(TrialstackError, match="the final fit failed: loss became nan"):
        fitted(diverging)
    assert tracker["final"].status == "FAILED"
    assert tracker["final"].params["batch_size"] == "32"
