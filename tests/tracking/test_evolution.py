"""Pictures of a model that learns, followed without training."""

from __future__ import annotations

import copy
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from trialstack.plots.evolution import Evolution
from trialstack.plots.plane import plane_of
from trialstack.tracking.base import NewRun
from trialstack.tracking.evolution import ANIMATION, EvolutionRecorder
from trialstack.tracking.memory import MemoryTracker

X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])


class Model:
    """Its output everywhere is the share of ten epochs that it was trained."""

    input_shape = (None, 2)
    width = 1

    def __init__(self) -> None:
        self.epochs = 0

    def __call__(self, rows: np.ndarray, training: bool) -> np.ndarray:
        return np.full((len(rows), self.width), self.epochs / 10, np.float32)


@pytest.fixture
def tracker() -> MemoryTracker:
    tracker = MemoryTracker()
    tracker.start_run(NewRun("model", "model", "net", started=0.0))
    return tracker


@pytest.fixture
def model() -> Model:
    return Model()


def recorder(
    tracker: MemoryTracker, model: Any, epochs: int, every: int | None = None
) -> EvolutionRecorder:
    evolution = Evolution.on(plane_of(X), X, [0, 1, 0, 1], ["no", "yes"], every)
    made = EvolutionRecorder(evolution, tracker, "model", epochs, "net")
    made.set_model(model)
    return made


def train(recorder: EvolutionRecorder, model: Model, epochs: int, first: int = 0) -> None:
    """One `fit`, as Keras tells its callbacks of it."""
    for epoch in range(first, first + epochs):
        recorder.on_epoch_begin(epoch)
        model.epochs += 1
        recorder.on_epoch_end(epoch)


def n_frames(tracker: MemoryTracker) -> int:
    return int(Image.open(BytesIO(tracker["model"].files[ANIMATION])).n_frames)


def test_a_step_is_the_number_of_epochs_trained(tracker: MemoryTracker, model: Model) -> None:
    following = recorder(tracker, model, epochs=5)
    train(following, model, 5)
    following.finish(model)
    pictures = tracker["model"].images["boundary"]
    assert list(pictures) == [0, 1, 2, 3, 4, 5]
    painter = recorder(tracker, model, 5)._evolution.painter
    points = len(painter.plane.points)
    for step, png in pictures.items():
        assert png == painter.paint(np.full(points, step / 10, np.float32))
    assert n_frames(tracker) == 6


def test_steps_are_multiples_and_the_animation_ends_with_the_end(
    tracker: MemoryTracker, model: Model
) -> None:
    following = recorder(tracker, model, epochs=7, every=3)
    train(following, model, 7)
    following.finish(model)
    assert list(tracker["model"].images["boundary"]) == [0, 3, 6]
    assert n_frames(tracker) == 4


def test_weights_restored_at_the_end_are_a_frame_of_their_own(
    tracker: MemoryTracker, model: Model
) -> None:
    following = recorder(tracker, model, epochs=4)
    train(following, model, 4)
    model.epochs = 2  # as early stopping leaves it
    following.finish(model)
    assert list(tracker["model"].images["boundary"]) == [0, 1, 2, 3, 4]
    assert n_frames(tracker) == 6


def test_stages_are_counted_through(tracker: MemoryTracker, model: Model) -> None:
    following = recorder(tracker, model, epochs=6, every=2)
    train(following, model, 2)
    train(following, model, 4)  # another `fit`, whose epochs begin at 0 again
    following.finish(model)
    assert list(tracker["model"].images["boundary"]) == [0, 2, 4, 6]


def test_a_fit_that_goes_on_begins_at_its_first_epoch(tracker: MemoryTracker, model: Model) -> None:
    following = recorder(tracker, model, epochs=10, every=2)
    train(following, model, 3, first=5)
    following.finish(model)
    assert list(tracker["model"].images["boundary"]) == [6, 8]


def test_a_training_without_callbacks_has_no_pictures(tracker: MemoryTracker, model: Model) -> None:
    recorder(tracker, model, epochs=3).finish(model)
    assert (tracker["model"].images, tracker["model"].files) == ({}, {})


def test_outputs_that_are_no_classifiers_are_left_alone(
    tracker: MemoryTracker, model: Model
) -> None:
    model.width = 3
    following = recorder(tracker, model, epochs=3)
    train(following, model, 3)
    following.finish(model)
    assert (tracker["model"].images, tracker["model"].files) == ({}, {})


def test_a_copy_records_for_the_one_who_asked(tracker: MemoryTracker, model: Model) -> None:
    following = recorder(tracker, model, epochs=1)
    assert copy.deepcopy([following])[0] is following
