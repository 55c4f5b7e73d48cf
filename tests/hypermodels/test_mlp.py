"""The hypermodel as Keras Tuner uses it."""

from __future__ import annotations

import keras
import keras_tuner
import numpy as np
import pytest

from trialstack.datasets.base import moments
from trialstack.experiment import MLPSettings
from trialstack.hypermodels.mlp import MLPHyperModel

SPACE = MLPSettings.model_validate(
    {"units": [[25, 99], [20, 98]], "tapering": True, "l1": [0.0, 0.1], "standardize": True}
)


def test_builds_the_trial_that_the_values_describe() -> None:
    hypermodel = MLPHyperModel(30, 2, SPACE, mean=np.zeros(30), variance=np.ones(30))
    hp = keras_tuner.HyperParameters()
    hp.values.update(units_1=62, units_2_fraction=0.5, l1=0.1)
    model = hypermodel.build(hp)
    assert [w.shape for w in model.trainable_weights] == [
        (30, 62),
        (62,),
        (62, 41),
        (41,),
        (41, 1),
        (1,),
    ]
    assert model.get_layer("output").bias_regularizer.get_config()["l1"] == pytest.approx(0.1)
    assert hypermodel.readable(hp.values) == {"units_1": 62, "units_2": 41, "l1": 0.1}


def test_equal_seeds_make_equal_weights() -> None:
    hypermodel = MLPHyperModel(3, 2, SPACE, mean=np.zeros(3), variance=np.ones(3))

    def weights(seed: int) -> list[np.ndarray]:
        keras.utils.set_random_seed(seed)
        return hypermodel.build(keras_tuner.HyperParameters()).get_weights()

    assert all(map(np.array_equal, weights(1), weights(1)))
    assert not all(map(np.array_equal, weights(1), weights(2)))


def test_standardising_needs_moments() -> None:
    with pytest.raises(ValueError, match="standardize = true, and no mean and variance came"):
        MLPHyperModel(2, 2, SPACE)


def test_raw_inputs_ignore_moments() -> None:
    raw = SPACE.model_copy(update={"standardize": False})
    model = MLPHyperModel(2, 2, raw, mean=[0, 0], variance=[1, 1]).build(
        keras_tuner.HyperParameters()
    )
    assert model.layers[0].name == "hidden_1"


@pytest.mark.parametrize("n_classes", [2, 3])
def test_learns_with_its_own_targets(n_classes: int) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(60) % n_classes
    X = (rng.normal(size=(60, 2)) * 0.1 + np.stack([y, y == 1], axis=1)).astype(np.float32)
    settings = MLPSettings.model_validate({"units": [16], "learning_rate": 0.05})
    hypermodel = MLPHyperModel(2, n_classes, settings, *moments(X))
    keras.utils.set_random_seed(0)
    model = hypermodel.build(keras_tuner.HyperParameters())
    history = model.fit(X, hypermodel.encode_targets(y), epochs=15, verbose=0).history
    assert history["auc"][-1] > 0.99
    assert history["accuracy"][-1] > 0.95
