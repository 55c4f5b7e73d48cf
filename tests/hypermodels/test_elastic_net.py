"""The penalty of a real model against its formula."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from trialstack.hypermodels.elastic_net import elastic_net_penalty, regularizers
from trialstack.hypermodels.fixed import fixed_mlp


def test_by_hand() -> None:
    weights = [np.array([[1.0, -2.0], [0.0, 3.0]]), np.array([-1.0])]
    assert elastic_net_penalty(weights, l1=1.0, l2=0.0) == 7.0
    assert elastic_net_penalty(weights, l1=0.0, l2=1.0) == 15.0
    assert elastic_net_penalty(weights, l1=0.5, l2=2.0) == 33.5


def test_no_penalty_wanted_makes_no_regularizer() -> None:
    assert regularizers(None, None) == {}
    assert regularizers(0.0, None)["bias_regularizer"].get_config() == {"l1": 0.0, "l2": 0.0}


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(("l1", "l2"), [(1e-2, 1e-3), (1e-2, None), (None, 1e-3), (1e-15, 0.0)])
def test_every_kernel_and_bias_is_penalised(
    n_classes: int, l1: float | None, l2: float | None
) -> None:
    model = fixed_mlp([5, 4], n_features=3, n_classes=n_classes, l1=l1, l2=l2)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])  # biases too
    penalty = float(sum(map(keras.ops.convert_to_numpy, model.losses)))
    assert len(model.losses) == 6
    assert penalty == pytest.approx(elastic_net_penalty(model.get_weights(), l1 or 0, l2 or 0))


def test_the_loss_is_cross_entropy_plus_penalty() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 3)).astype(np.float32)
    y = np.array([[0.0], [1.0]] * 10, dtype=np.float32)
    model = fixed_mlp([4], n_features=3, n_classes=2, l1=0.1, l2=0.01)
    p = model.predict(X, verbose=0).astype(float)
    cross_entropy = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    loss = model.evaluate(X, y, verbose=0, return_dict=True)["loss"]
    expected = cross_entropy + elastic_net_penalty(model.get_weights(), 0.1, 0.01)
    assert loss == pytest.approx(expected, rel=1e-5)
