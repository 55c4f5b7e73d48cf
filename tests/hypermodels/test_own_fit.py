from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest

from trialstack.hypermodels.own_fit import has_own_fit, offer_batch_size

X = np.zeros((4, 2), np.float32)


class Model:
    """Only tells what its `fit` is called with."""

    def fit(self, *args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return args, kwargs


def hypermodel_of(fit: Callable[..., Any]) -> keras_tuner.HyperModel:
    kind = type("Own", (keras_tuner.HyperModel,), {"fit": fit})
    hypermodel: keras_tuner.HyperModel = kind()
    offer_batch_size(hypermodel)
    return hypermodel


class TestBatchSize:
    def test_the_guides_way_of_tuning_it_is_no_conflict(self) -> None:
        def fit(self: Any, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
            return model.fit(*args, batch_size=16, **kwargs)

        _, kwargs = hypermodel_of(fit).fit(None, Model(), X, X, batch_size=32, epochs=5)
        assert kwargs == {"batch_size": 16, "epochs": 5}

    def test_is_what_the_experiment_says_where_it_is_not_chosen(self) -> None:
        def fit(self: Any, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
            return model.fit(*args, class_weight={0: 2.0}, **kwargs)

        _, kwargs = hypermodel_of(fit).fit(None, Model(), X, X, batch_size=32)
        assert kwargs == {"batch_size": 32, "class_weight": {0: 2.0}}

    @pytest.mark.parametrize("x", [None, object()])
    def test_is_not_put_upon_what_has_batches_of_its_own(self, x: Any) -> None:
        def fit(self: Any, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
            return model.fit(x)

        assert hypermodel_of(fit).fit(None, Model(), X, X, batch_size=32) == ((x, None), {})

    def test_chosen_by_position(self) -> None:
        def fit(self: Any, hp: Any, model: Any, x: Any, y: Any, **kwargs: Any) -> Any:
            return model.fit(x, y, 8)

        args, kwargs = hypermodel_of(fit).fit(None, Model(), X, X, batch_size=32)
        assert (args[2], kwargs) == (8, {})

    def test_a_fit_that_names_it_is_given_it(self) -> None:
        def fit(self: Any, hp: Any, model: Any, *args: Any, batch_size: int, **_: Any) -> Any:
            return batch_size

        assert hypermodel_of(fit).fit(None, Model(), X, X, batch_size=32) == 32


def test_the_model_has_its_fit_back_afterwards() -> None:
    def fit(self: Any, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError

    model = keras.Sequential()
    for mine in (None, lambda: None):
        if mine:
            object.__setattr__(model, "fit", mine)
        with pytest.raises(RuntimeError):
            hypermodel_of(fit).fit(None, model, X, X, batch_size=32)
        assert vars(model).get("fit") is mine


def test_keras_tuners_own_fit_is_left_alone() -> None:
    hypermodel = keras_tuner.HyperModel()
    offer_batch_size(hypermodel)
    assert not has_own_fit(hypermodel)
    assert "fit" not in vars(hypermodel)
