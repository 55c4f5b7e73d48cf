"""Class weights and encodings: what is chosen for a trial beside its layers."""

from __future__ import annotations

from typing import Any

import keras_tuner
import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from trialstack.errors import ExperimentError
from trialstack.experiment import Experiment
from trialstack.experiment.available import ENCODINGS
from trialstack.hypermodels.make import make_hypermodel
from trialstack.hypermodels.own_fit import has_own_fit
from trialstack.hypermodels.weighted import balanced_weights
from trialstack.preprocessing import encodings

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
RINGS = {"name": "rings", "dataset": {"source": "circles"}}


def experiment(search: dict[str, Any] | None = None, **hypermodel: Any) -> Experiment:
    return Experiment.from_dict(
        RINGS | {"hypermodel": {"units": [[4, 8]]} | hypermodel, "search": search or {}}
    )


def hypermodel(n_classes: int = 2, n_numeric: int | None = None, **table: Any) -> Any:
    return make_hypermodel(experiment(**table), X, n_classes, n_numeric)


def values(hypermodel: Any) -> dict[str, Any]:
    hp = keras_tuner.HyperParameters()
    hypermodel.build(hp)
    return dict(hp.values)


def test_weights_are_those_of_scikit_learn() -> None:
    y = np.array([0, 0, 0, 2, 1, 1, 2, 0])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=y)
    assert balanced_weights(y) == pytest.approx(dict(enumerate(expected)))


def test_without_the_keys_nothing_changes() -> None:
    """Hyperparameters, layers and the way of training are those that searches always had."""
    plain = hypermodel()
    assert values(plain) == {"units_1": 4}
    assert not has_own_fit(plain)
    assert plain.encodings == {}
    layers = [layer.name for layer in plain.build(keras_tuner.HyperParameters()).layers]
    assert layers == ["normalization", "hidden_1", "output"]


def test_lists_are_searched_and_scalars_are_fixed() -> None:
    searched = hypermodel(encoding=["ple", "robust"], class_weight=["none", "balanced"])
    assert values(searched) == {"units_1": 4, "encoding": "ple", "class_weight": "none"}
    assert searched.readable(values(searched)) == values(searched)
    fixed = hypermodel(encoding="quantile", class_weight="balanced")
    assert values(fixed) == {"units_1": 4}
    assert fixed.build(keras_tuner.HyperParameters()).layers[0].name == "quantile_encoding"


def test_a_trial_has_its_own_encoding() -> None:
    made = hypermodel(n_numeric=2, encoding=["standard", "ple"])
    hp = keras_tuner.HyperParameters()
    for name, width in (("standard", 3), ("ple", 2 * 4 + 1)):  # 40 rows make four bins
        hp.values["encoding"] = name
        model = made.build(hp)
        assert model.layers[0] is made.encodings[name]
        assert model.layers[1].kernel.shape[0] == width


class Recording:
    """A model that keeps what `fit` was called with."""

    def fit(self, x: Any, y: Any, **arguments: Any) -> dict[str, Any]:
        return arguments


@pytest.mark.parametrize(("n_classes", "y"), [(2, [0, 0, 0, 1]), (3, [0, 1, 1, 2])])
def test_a_balanced_trial_is_trained_with_the_weights(n_classes: int, y: list[int]) -> None:
    made = hypermodel(n_classes, class_weight=["none", "balanced"])
    hp = keras_tuner.HyperParameters()
    made.build(hp)
    targets = made.encode_targets(np.array(y))
    assert made.fit(hp, Recording(), X[:4], targets, epochs=3) == {"epochs": 3}
    hp.values["class_weight"] = "balanced"
    given = made.fit(hp, Recording(), X[:4], targets, epochs=3)
    assert given == {"epochs": 3, "class_weight": balanced_weights(np.array(y))}


def test_the_names_in_experiment_files_are_those_that_there_are() -> None:
    assert ENCODINGS.there == encodings.ENCODINGS


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"encoding": "log"}, "'log' came; allowed: one or a list of standard, robust, quantile"),
        ({"class_weight": "auto"}, "'auto' came; allowed: one or a list of none, balanced"),
        ({"search": {"class_weight": "even"}}, "'even' came; allowed: none, balanced"),
        (
            {"search": {"class_weight": "balanced"}, "class_weight": "balanced"},
            "key 'search.class_weight': 'balanced' came; allowed: no such key beside",
        ),
    ],
)
def test_what_is_refused(tables: dict[str, Any], said: str) -> None:
    with pytest.raises(ExperimentError) as refusal:
        experiment(**tables)
    assert said in str(refusal.value)


def test_a_setting_that_is_not_given_is_not_part_of_a_search() -> None:
    """Searches that were begun without these keys are taken up as before."""
    assert not {"hypermodel.encoding", "hypermodel.class_weight", "search.class_weight"} & set(
        experiment().identity_settings()
    )
