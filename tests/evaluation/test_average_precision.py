from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from trialstack.evaluation.average_precision import (
    average_precision_influences,
    average_precision_interval,
)
from trialstack.evaluation.intervals import wilson_interval

Z = 1.959963984540054


def softmax(logits):
    weights = np.exp(logits)
    return weights / weights.sum(axis=1, keepdims=True)


def test_influences_on_the_average_precision_by_hand():
    # In falling order: positive, negative, positive. With weights u, v, w
    #   2 AP = u u / u + w (u + w) / (u + v + w),
    # whose derivatives at weights of 1 are 1 + 1/9 by u, -2/9 by v, and 2/3 + 1/9 by w.
    found = average_precision_influences(np.array([True, False, True]), np.array([0.9, 0.5, 0.1]))
    assert found == pytest.approx([(1 + 1 / 9) / 2, -1 / 9, (2 / 3 + 1 / 9) / 2])


def test_influences_are_derivatives_of_scikit_learns_average_precision():
    rng = np.random.default_rng(5)
    y = rng.integers(2, size=40)
    scores = rng.integers(8, size=40) + y  # with ties
    found = average_precision_influences(y == 1, scores.astype(float))
    assert found.sum() == pytest.approx(average_precision_score(y, scores))
    for row in range(40):
        step = 1e-6 * (np.arange(40) == row)
        up, down = (average_precision_score(y, scores, sample_weight=1 + s) for s in (step, -step))
        # scikit-learn divides by the weight of all positive rows, which here stays as it is.
        if y[row]:
            up, down = up * (y.sum() + 1e-6), down * (y.sum() - 1e-6)
            up, down = up / y.sum(), down / y.sum()
        assert found[row] == pytest.approx((up - down) / 2e-6, abs=1e-6)


def test_interval_of_the_average_precision_has_the_error_of_a_bootstrap():
    rng = np.random.default_rng(6)
    y = np.repeat([0, 1, 2], [60, 40, 50])
    p = softmax(rng.normal(size=(150, 3)) + 1.5 * np.eye(3)[y])
    members = [np.flatnonzero(y == k) for k in range(3)]
    drawn = (np.concatenate([rng.choice(rows, len(rows)) for rows in members]) for _ in range(300))
    areas = [
        [average_precision_influences(y[rows] == k, p[rows, k]).sum() for k in range(3)]
        for rows in drawn
    ]
    error = np.std(np.mean(areas, axis=1))
    area = average_precision_score(y, p)
    low, high = average_precision_interval(y, p)
    assert low < area < high
    width = math.log(high / (1 - high)) - math.log(low / (1 - low))
    assert width / (2 * Z) == pytest.approx(error / (area * (1 - area)), rel=0.15)


@pytest.mark.parametrize(("p1", "area"), [([0.1, 0.2, 0.7, 0.8, 0.9], 1.0), ([0.5] * 5, 3 / 5)])
def test_interval_of_the_average_precision_where_nothing_changes_it(p1, area):
    y, p1 = np.array([0, 0, 1, 1, 1]), np.array(p1)
    found = average_precision_interval(y, np.c_[1 - p1, p1])
    assert found == pytest.approx(wilson_interval(area * 3, 3))


def test_interval_of_the_average_precision_of_perfect_classes():
    y = np.repeat([0, 1, 2], [10, 20, 30])
    each = [wilson_interval(n, n)[0] for n in (10, 20, 30)]
    assert average_precision_interval(y, np.eye(3)[y]) == pytest.approx((np.mean(each), 1))


def test_interval_of_the_average_precision_with_one_row_of_a_class():
    p1 = np.array([0.1, 0.2, 0.7, 0.5])
    found = average_precision_interval(np.array([0, 0, 0, 1]), np.c_[1 - p1, p1])
    assert found == pytest.approx(wilson_interval(1 / 2, 1))
