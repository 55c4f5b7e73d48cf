"""The mean of several models as one Keras model."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from trialstack.hypermodels.averaged import averaged_model
from trialstack.hypermodels.fixed import fixed_mlp
from trialstack.preprocessing.encodings import is_encoding, make_encoding
from trialstack.registry.stock import stock_copy

X = np.random.default_rng(3).normal(size=(40, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def members() -> list[keras.Model]:
    """Four networks of three classes: two share an encoding, one has no encoding."""
    ple, robust = (make_encoding(name, X, 3) for name in ("ple", "robust"))
    keras.utils.set_random_seed(1)
    return [
        fixed_mlp((5,), 4, 3, encoding=ple),
        fixed_mlp((3, 2), 4, 3, encoding=robust, dropout=0.5),
        fixed_mlp((4,), 4, 3, encoding=ple),
        fixed_mlp((4,), 4, 3, mean=[0.5] * 4, variance=[2.0] * 4),
    ]


def said(model: keras.Model) -> np.ndarray:
    return np.asarray(model(X, training=False))


def test_what_is_saved_says_the_mean_of_its_members(
    members: list[keras.Model], tmp_path: Path
) -> None:
    model = averaged_model(members, [3, 1, 1, 2])
    expected = np.average([said(member) for member in members], axis=0, weights=[3, 1, 1, 2])
    np.testing.assert_allclose(said(model), expected, atol=1e-6)
    stock_copy(model).save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_allclose(said(loaded), expected, atol=1e-6)


def test_an_encoding_is_worked_out_once_for_all_members_with_it(members: list[keras.Model]) -> None:
    model = averaged_model(members, [1] * 4)
    assert sum(map(is_encoding, model.layers)) == 2


def test_probabilities_are_never_above_1() -> None:
    def certain() -> keras.Model:
        dense = keras.layers.Dense(1, "sigmoid", bias_initializer=keras.initializers.Constant(99))
        return keras.Sequential([keras.Input((4,)), dense])

    model = averaged_model([certain() for _ in range(7)], [1, 2, 3, 4, 5, 6, 20])
    assert (said(model) == 1.0).all()


def test_one_member_is_itself(members: list[keras.Model]) -> None:
    model = averaged_model(members[:1], [4])
    np.testing.assert_allclose(said(model), said(members[0]), atol=1e-7)
