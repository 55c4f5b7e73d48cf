"""What TensorFlow keeps of a training is given back."""

from __future__ import annotations

import gc
from typing import Any

import keras
import numpy as np
import pytest
from tensorflow.python.framework import ops

from trialstack.executors.release import CUSTOM_GRADIENT, Releases, rare_collections

X = np.linspace(-1, 1, 40, dtype=np.float32).reshape(20, 2)
Y = (X.sum(axis=1) > 0).astype(np.float32)


def trained() -> Any:
    layers = [keras.Input((2,)), keras.layers.Dense(3), keras.layers.Dense(1, activation="sigmoid")]
    model = keras.Sequential(layers)
    model.compile("adam", "binary_crossentropy")
    model.fit(X, Y, epochs=1, batch_size=10, verbose=0)
    return model


def custom_gradients() -> set[str]:
    return {name for name in ops.gradient_registry.list() if name.startswith(CUSTOM_GRADIENT)}


def graphs() -> int:
    gc.collect()
    return sum(type(each).__name__ == "FuncGraph" for each in gc.get_objects())


def test_the_graphs_of_a_training_go_with_its_model() -> None:
    before, known = graphs(), custom_gradients()
    with Releases().after_training():
        trained()
        assert custom_gradients() > known, "else there is nothing to give back"
    assert custom_gradients() == known
    assert graphs() == before


def test_a_model_can_be_used_and_trained_on_afterwards() -> None:
    releases = Releases()
    with releases.after_training():
        model = trained()
    before = model.evaluate(X, Y, verbose=0)
    with releases.after_training():
        model.fit(X, Y, epochs=30, batch_size=10, verbose=0)
    assert model.evaluate(X, Y, verbose=0) < before


def test_it_is_given_back_after_an_error_too() -> None:
    known = custom_gradients()
    with pytest.raises(RuntimeError), Releases().after_training():
        trained()
        raise RuntimeError
    assert custom_gradients() == known


def test_garbage_is_collected_as_often_as_before_afterwards() -> None:
    before = gc.get_threshold()
    with pytest.raises(RuntimeError), rare_collections():
        assert gc.get_threshold()[0] > before[0]
        raise RuntimeError
    assert gc.get_threshold() == before
