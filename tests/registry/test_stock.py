from __future__ import annotations

import keras
import numpy as np
import pytest

from trialstack.errors import ModelRefusedError
from trialstack.registry.stock import stock_copy


class Doubling(keras.layers.Layer):
    def call(self, inputs):
        return inputs * 2


class Whole(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.layer = keras.layers.Dense(1)

    def call(self, inputs):
        return self.layer(inputs)


def doubled(inputs):
    return inputs * 2


def halved_loss(y_true, y_pred):
    return keras.losses.binary_crossentropy(y_true, y_pred) / 2


def stack(*layers):
    return keras.Sequential([keras.Input((2,)), *layers, keras.layers.Dense(1)], name="net")


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (stack(keras.layers.Lambda(doubled, name="twice")), r"layer 'twice' \(Lambda\) holds"),
        (stack(Doubling(name="own")), r"layer 'own' \(Doubling\) is not one of Keras' own"),
        (stack(keras.layers.Dense(2, activation=doubled)), "function 'doubled' is not one"),
        (stack(keras.Sequential([Doubling(name="deep")])), r"layer 'deep' \(Doubling\)"),
    ],
    ids=["Lambda", "layer", "function", "nested"],
)
def test_what_is_not_stock_is_named(model, words):
    with pytest.raises(ModelRefusedError, match=f"model 'net': {words}") as refusal:
        stock_copy(model)
    assert "build the model of stock layers" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_subclassed_model_is_refused():
    model = Whole(name="mine")
    model(np.zeros((1, 2)))
    with pytest.raises(ModelRefusedError, match=r"model 'mine': .*Whole.* is not one of Keras"):
        stock_copy(model)


def test_the_copy_survives_saving_and_carries_no_loss(tmp_path):
    rows = np.random.default_rng(0).normal(50, 9, size=(40, 2)).astype("float32")
    normalization = keras.layers.Normalization()
    normalization.adapt(rows)
    model = stack(normalization, keras.layers.Dense(3, kernel_regularizer="l2"))
    model.compile(optimizer="adam", loss=halved_loss)
    model.fit(rows, rows[:, :1], verbose=0)

    stock_copy(model).save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)

    np.testing.assert_array_equal(loaded(rows), model(rows))
    assert not loaded.compiled
    assert model.compiled
