"""The tensors of a stack, by hand: what lies where, and the way back."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from trialstack.executors.stacked.layout import Layout, Packed
from trialstack.executors.stacked.plan import TrialPlan, plan_of
from trialstack.trials import TrialSpec

X = np.zeros((4, 2), np.float32)
FIT = {"x": X, "y": np.zeros((4, 1)), "epochs": 1}


def plan(units: int, l1: float = 0.0) -> TrialPlan:
    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(units, kernel_regularizer=keras.regularizers.L1(l1)),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(1, "sigmoid", use_bias=False),
        ]
    )
    model.compile("adam", "binary_crossentropy")
    model.set_weights([np.full(w.shape, k + 1.0) for k, w in enumerate(model.get_weights())])
    return plan_of(TrialSpec("0", 0, {}, (0, 0)), model, FIT)


@pytest.fixture(scope="module")
def plans() -> list[TrialPlan]:
    return [plan(1, 0.5), plan(2)]


def test_packed_rows(plans: list[TrialPlan]) -> None:
    """Kernel 2 x 2, bias, gamma, beta of 2 each, kernel 2 x 1; then the moving statistics.

    `get_weights()` has them as 1 kernel, 2 bias, 3 gamma, 4 beta, 5 mean, 6 variance, 7 kernel.
    """
    layout = Layout(plans)
    packed = layout.pack([None, None], plans)
    assert packed.trained.tolist() == [
        [1, 0, 1, 0, 2, 0, 3, 0, 4, 0, 7, 0],
        [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 7, 7],
    ]
    mean, variance = packed.moving
    assert mean.tolist() == [[[5, 0]], [[5, 5]]]
    assert variance.tolist() == [[[6, 1]], [[6, 6]]], "a variance of zero would be divided by"
    assert layout.cuts.sizes.numpy().tolist() == [4, 2, 2, 2, 2]
    assert layout.cuts.shapes.numpy().tolist()[0] == [-1, 2, 2]
    assert layout.cuts.shapes.numpy().tolist()[-1] == [-1, 2, 1]
    assert layout.padding == pytest.approx(24 / (6 + 12) - 1)


def test_the_way_back(plans: list[TrialPlan]) -> None:
    layout = Layout(plans)
    packed = layout.pack([None, None], plans)
    other = Packed(packed.trained + 10, [block + 10 for block in packed.moving])
    for k, each in enumerate(plans):
        weights = layout.unpack(each, k, other)
        expected = [array + 10 for array in each.model.get_weights()]
        assert [w.shape for w in weights] == [e.shape for e in expected]
        assert all((w == e).all() for w, e in zip(weights, expected, strict=True))
    again = layout.pack([layout.unpack(each, k, other) for k, each in enumerate(plans)], plans)
    assert again.trained[0].tolist() == [11, 0, 11, 0, 12, 0, 13, 0, 14, 0, 17, 0]


def test_weights_taken_out_are_copies(plans: list[TrialPlan]) -> None:
    layout = Layout(plans)
    packed = layout.pack([None, None], plans)
    layout.unpack(plans[1], 1, packed)[0][:] = -1
    assert packed.trained.min() >= 0


def test_factors_are_spread_over_their_parameter(plans: list[TrialPlan]) -> None:
    spread = Layout(plans).spread(lambda slot: slot.l1)
    assert spread.tolist() == [[0.5] * 4 + [0.0] * 8, [0.0] * 12]
