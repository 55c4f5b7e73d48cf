"""What of a `fit` call a stack can do."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import numpy as np
import pytest

from trialstack.executors.stacked.fit_call import fit_of
from trialstack.executors.stacked.reasons import Unstackable

X = np.zeros((8, 2), dtype=np.float32)
Y = np.zeros(8, dtype=np.int64)


def test_arguments_at_their_defaults_may_be_named() -> None:
    parameters = inspect.signature(keras.Model.fit).parameters
    defaults = {name: p.default for name, p in parameters.items() if name != "self"}
    named = fit_of(defaults | {"x": X, "y": Y})
    assert named == fit_of({"x": X, "y": Y})
    assert (named.epochs, named.batch_size, named.shuffle, named.validation) == (1, 32, True, None)


@pytest.mark.parametrize("argument", [{"steps_per_epoch": 3}, {"initial_epoch": 1}, {"speed": 2}])
def test_arguments_that_need_keras_own_fit_are_named(argument: dict[str, Any]) -> None:
    (name,) = argument
    with pytest.raises(Unstackable, match=f"^the fit argument {name}$"):
        fit_of({"x": X, "y": Y} | argument)


def test_parts_of_one_array_are_told_apart() -> None:
    rows = np.arange(16, dtype=np.float32).reshape(8, 2)
    parts = [rows[:4], rows[::2], rows[4:], rows[:4]]
    first, second, third, again = [fit_of({"x": part, "y": Y[:4]}).key for part in parts]
    assert first == again
    assert len({first, second, third}) == 3
    wide = np.arange(48, dtype=np.float32).reshape(8, 6)
    assert fit_of({"x": wide[:, :3], "y": Y}).key != fit_of({"x": wide[:, ::2], "y": Y}).key
