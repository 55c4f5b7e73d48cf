"""What is asked of a model, and models that cannot be asked."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from trialstack.errors import DataError
from trialstack.plots import model_outputs as module
from trialstack.plots.model_outputs import check_takes, model_outputs


def test_rows_are_given_in_parts_and_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS_A_CALL", 2)
    calls: list[int] = []

    def model(rows: Any, training: bool) -> Any:
        calls.append(len(rows))
        return rows.sum(axis=1, keepdims=True)

    said = model_outputs(model, [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    assert said.tolist() == [[3.0], [7.0], [11.0]]
    assert said.dtype == np.float32
    assert calls == [2, 1]


def test_layers_behave_as_after_training() -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.9)])
    np.testing.assert_array_equal(model_outputs(model, np.ones((5, 2))), np.ones((5, 2)))


def test_a_model_that_was_never_built_is_built() -> None:
    model = keras.Sequential([keras.layers.Dense(3)])
    assert model_outputs(model, np.zeros((4, 2))).shape == (4, 3)


class Subclassed(keras.Model):  # which tells nobody what it takes
    def __init__(self) -> None:
        super().__init__()
        self.layer = keras.layers.Dense(1)

    def call(self, rows: Any) -> Any:
        return self.layer(rows)


def test_wrong_features_of_a_subclassed_model_are_told_in_one_line() -> None:
    model = Subclassed()
    model(np.zeros((1, 5)))
    with pytest.raises(DataError, match="cannot be called on rows of 2 features") as raised:
        model_outputs(model, np.zeros((4, 2)))
    assert "\n" not in str(raised.value)


def test_two_inputs_are_refused() -> None:
    inputs = [keras.Input((2,)), keras.Input((2,))]
    model = keras.Model(inputs, keras.layers.Add()(inputs))
    with pytest.raises(DataError, match="only models of one input"):
        check_takes(model, 2)
    with pytest.raises(DataError, match="cannot be called on rows of 2 features"):
        model_outputs(model, np.zeros((4, 2)))


def test_a_model_of_columns_takes_rows() -> None:
    model = keras.Sequential([keras.Input((5, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
    check_takes(model, 5)
    assert model_outputs(model, np.zeros((4, 5))).shape == (4, 1)
    with pytest.raises(DataError, match="the model takes 5 features, but the rows have 2"):
        check_takes(model, 2)
