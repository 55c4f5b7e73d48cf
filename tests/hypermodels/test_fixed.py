"""The network itself: layers, targets, metrics, and the way to a file and back."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from trialstack.experiment.available import ACTIVATIONS, MLP_METRICS, OPTIMIZERS
from trialstack.hypermodels.fixed import encode_targets, fixed_mlp


def test_the_naive_model_of_the_tutorial() -> None:
    model = fixed_mlp([100, 100], n_features=30, n_classes=2)
    assert model.count_params() == 3100 + 10100 + 101
    assert [layer.name for layer in model.layers] == ["hidden_1", "hidden_2", "output"]
    assert type(model.optimizer) is keras.optimizers.Adam
    assert float(model.optimizer.learning_rate) == pytest.approx(0.001)


def test_all_parts_in_their_order() -> None:
    model = fixed_mlp(
        [5],
        n_features=2,
        n_classes=3,
        mean=[0.0, 1.0],
        variance=[1.0, 4.0],
        activation="tanh",
        dropout=0.5,
        batch_normalization=True,
        optimizer="sgd",
        learning_rate=0.25,
    )
    assert [type(layer).__name__ for layer in model.layers] == [
        "Normalization",
        "Dense",
        "BatchNormalization",
        "Activation",
        "Dropout",
        "Dense",
    ]
    assert model.output_shape == (None, 3)
    assert float(model.optimizer.learning_rate) == 0.25


def test_every_layer_may_have_an_activation_of_its_own() -> None:
    model = fixed_mlp(
        [3, 2], 2, 2, activation=["linear", "tanh"], output_activation="linear", optimizer="sgd"
    )
    names = [layer.activation.__name__ for layer in model.layers]
    assert names == ["linear", "tanh", "linear"]
    assert [layer.units for layer in model.layers] == [3, 2, 1]


def test_no_hidden_layer_is_logistic_regression() -> None:
    assert fixed_mlp([], n_features=4, n_classes=2).count_params() == 5


def test_inputs_are_standardised_and_a_constant_column_becomes_zero() -> None:
    model = fixed_mlp([1], n_features=2, n_classes=2, mean=[10.0, 7.0], variance=[4.0, 0.0])
    scaled = model.get_layer("normalization")(np.array([[14.0, 7.0]], dtype=np.float32))
    assert keras.ops.convert_to_numpy(scaled).tolist() == [[2.0, 0.0]]


# Keras calls numpy.array on its variables in a way that NumPy 2 warns of.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_saved_model_is_the_same_in_safe_mode(tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    mean, variance = X.mean(axis=0), X.var(axis=0)
    model = fixed_mlp([3], 2, 2, mean=mean, variance=variance, l1=0.1, dropout=0.1)
    model.fit(X, encode_targets(np.array([0, 1, 0, 1, 0]), 2), verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    assert np.array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))


@pytest.mark.parametrize("n_classes", [2, 4])
def test_metrics_are_named_and_mean_what_they_say(n_classes: int) -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(400, 3)).astype(np.float32)
    y = rng.integers(n_classes, size=400)
    model = fixed_mlp([8], n_features=3, n_classes=n_classes)
    told = model.evaluate(X, encode_targets(y, n_classes), verbose=0, return_dict=True)
    p = model.predict(X, verbose=0)
    assert set(told) == set(MLP_METRICS)
    if n_classes == 2:
        auc, accuracy = roc_auc_score(y, p[:, 0]), ((p[:, 0] > 0.5) == y).mean()
    else:
        p /= p.sum(axis=1, keepdims=True)
        auc = roc_auc_score(y, p, multi_class="ovr", average="macro")
        accuracy = (p.argmax(axis=1) == y).mean()
    assert told["auc"] == pytest.approx(auc, abs=5e-3)  # Keras looks at 200 thresholds
    assert told["accuracy"] == pytest.approx(accuracy)


def test_a_second_model_has_the_same_metric_names() -> None:
    X, y = np.zeros((4, 1), dtype=np.float32), encode_targets(np.array([0, 1, 0, 1]), 2)
    for _ in range(2):
        told = fixed_mlp([2], 1, 2).evaluate(X, y, verbose=0, return_dict=True)
        assert set(told) == {"loss", "auc", "accuracy"}


@pytest.mark.parametrize("name", OPTIMIZERS.there)
def test_every_optimizer_of_the_table(name: str) -> None:
    model = fixed_mlp([1], 1, 2, optimizer=name, learning_rate=0.5)
    assert type(model.optimizer).__name__.lower() == name
    assert float(model.optimizer.learning_rate) == 0.5


@pytest.mark.parametrize("name", ACTIVATIONS.there)
def test_every_activation_of_the_table_is_elementwise(name: str) -> None:
    function = keras.activations.get(name)
    x = np.array([[-1.5, 0.0, 2.0]], dtype=np.float32)
    together = keras.ops.convert_to_numpy(function(keras.ops.convert_to_tensor(x)))
    alone = [float(function(keras.ops.convert_to_tensor(x[:, i : i + 1]))[0, 0]) for i in range(3)]
    assert together[0].tolist() == pytest.approx(alone)
