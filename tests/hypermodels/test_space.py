"""From the table to hyperparameters, and from values to networks."""

from __future__ import annotations

from typing import Any

import keras_tuner
import numpy as np
import pytest
from scipy.stats import chisquare

from trialstack.experiment import MLPSettings
from trialstack.hypermodels import space
from trialstack.hypermodels.space import tapered_width

TUTORIAL = {"units": [[25, 99], [20, 98]], "tapering": True}


def table(**keys: Any) -> MLPSettings:
    return MLPSettings.model_validate({"standardize": False, **keys})


def declared(settings: MLPSettings, **values: Any) -> keras_tuner.HyperParameters:
    hp = keras_tuner.HyperParameters()
    hp.values.update(values)
    space.declare(hp, settings)
    return hp


def draws(settings: MLPSettings, count: int) -> list[dict[str, Any]]:
    """Values as the random oracle draws them."""
    hp = declared(settings)
    oracle = keras_tuner.oracles.RandomSearchOracle(
        objective=keras_tuner.Objective("val_auc", "max"), seed=7, hyperparameters=hp
    )
    return [oracle.populate_space(str(i))["values"] for i in range(count)]


def test_unset_parts_and_fixed_parts_are_no_hyperparameters() -> None:
    hp = declared(table(units=[16, [2, 8]], l1=0.1, activation="tanh", batch_normalization=True))
    assert hp.values == {"units_2": 2}


def test_every_part_can_be_searched() -> None:
    settings = table(
        units=[[2, 8]],
        layers=[1, 2],
        activation=["relu", "tanh"],
        dropout={"min": 0, "max": 0.5, "step": 0.25},
        batch_normalization=[True, False],
        l1=[0, 1e-15],
        l2=0.5,
        optimizer=["adam", "sgd"],
        learning_rate={"min": 1e-4, "max": 1e-2, "sampling": "log"},
    )
    hp = declared(settings, layers=2)
    kinds = {h.name: type(h).__name__ for h in hp.space}
    assert kinds == {
        "layers": "Int",
        "units_1": "Int",
        "units_2": "Int",
        "activation": "Choice",
        "optimizer": "Choice",
        "batch_normalization": "Boolean",
        "l1": "Choice",
        "dropout": "Float",
        "learning_rate": "Float",
    }
    assert space.network(hp.values, settings) == {
        "units": (2, 2),
        "activation": "relu",
        "optimizer": "adam",
        "l1": 0.0,
        "l2": 0.5,
        "dropout": 0.0,
        "learning_rate": 1e-4,
        "batch_normalization": False,
    }
    drawn = draws(settings, 200)
    assert {values["dropout"] for values in drawn} == {0.0, 0.25, 0.5}
    assert {values["batch_normalization"] for values in drawn} == {True, False}
    rates = np.log10([values["learning_rate"] for values in drawn])
    assert -4 <= rates.min() < -3.9
    assert -2.1 < rates.max() <= -2
    assert rates.mean() == pytest.approx(-3, abs=0.15)


def test_layers_that_do_not_exist_have_no_values() -> None:
    settings = table(units=[[2, 9], [2, 9], [2, 9]], layers=[1, 3])
    drawn = draws(settings, 60)
    assert {values["layers"] for values in drawn} == {1, 2, 3}
    for values in drawn:
        count = values["layers"]
        assert {k for k in values if k != "layers"} == {f"units_{i + 1}" for i in range(count)}
        widths = space.widths(values, settings)
        assert len(widths) == count
        assert list(space.readable(values, settings).values()) == [count, *widths]


def test_the_whole_space_is_known_after_one_build() -> None:
    names = {h.name for h in declared(table(units=[[2, 9]], layers=[1, 3])).space}
    assert names == {"layers", "units_1", "units_2", "units_3"}


def test_widths_by_hand() -> None:
    settings = table(**TUTORIAL)
    assert space.widths({"units_1": 25, "units_2_fraction": 0.0}, settings) == (25, 20)
    assert space.widths({"units_1": 25, "units_2_fraction": 0.99}, settings) == (25, 24)
    assert space.widths({"units_1": 99, "units_2_fraction": 0.5}, settings) == (99, 59)
    assert space.widths({"units_1": 99, "units_2_fraction": 1.0}, settings) == (99, 98)
    # An upper bound below the width before it holds too.
    assert tapered_width(0.999, low=2, high=10, before=50) == 10
    assert tapered_width(0.999, low=2, high=10, before=3) == 2


def test_tapering_holds_over_many_layers() -> None:
    settings = table(units=[[20, 40], 15, [10, 30], [5, 12]], tapering=True)
    for values in draws(settings, 200):
        widths = space.widths(values, settings)
        assert list(widths) == sorted(set(widths), reverse=True)
        assert widths[1] == 15
        assert 10 <= widths[2] <= 14
        assert 5 <= widths[3] <= 12


def test_drawn_widths_are_distributed_as_in_the_tutorial() -> None:
    """h1 uniform on 25..99 and h2 uniform on 20..h1-1.

    So P(h1) = 1/75 and P(h2 = k) = sum over h1 > k of 1/75 * 1/(h1 - 20).
    """
    settings = table(**TUTORIAL)
    count = 20_000
    h1, h2 = np.array([space.widths(values, settings) for values in draws(settings, count)]).T
    of_h1 = np.bincount(h1, minlength=100)[25:]
    assert chisquare(of_h1).pvalue > 0.01
    expected = [
        count * sum(1 / 75 / (first - 20) for first in range(max(25, k + 1), 100))
        for k in range(20, 99)
    ]
    assert sum(expected) == pytest.approx(count)
    of_h2 = np.bincount(h2, minlength=99)[20:]
    # Chi-square wants about five expected draws a cell, which the widest layers do not have.
    few = 75
    seen = [*of_h2[:few], of_h2[few:].sum()]
    assert chisquare(seen, [*expected[:few], sum(expected[few:])]).pvalue > 0.01
    # Given h1, the position of h2 in its range is uniform: the dependence itself.
    position = (h2 - 20 + 0.5) / (h1 - 20)
    for narrow, wide in ((25, 49), (50, 74), (75, 99)):
        inside = position[(h1 >= narrow) & (h1 <= wide)]
        assert inside.mean() == pytest.approx(0.5, abs=0.02)


def test_readable_shows_widths_and_no_fractions() -> None:
    settings = table(**TUTORIAL, l1=[0.0, 0.1], l2=[0.0, 0.1], learning_rate=[0.1, 0.01])
    values = {"learning_rate": 0.1, "l2": 0.0, "l1": 0.1, "units_2_fraction": 0.5, "units_1": 62}
    shown = space.readable(values, settings)
    assert list(shown.items()) == [
        ("units_1", 62),
        ("units_2", 41),
        ("l1", 0.1),
        ("l2", 0.0),
        ("learning_rate", 0.1),
    ]


def test_readable_shows_fixed_widths() -> None:
    assert space.readable({}, table(units=[7, 5], l1=0.1)) == {"units_1": 7, "units_2": 5}
