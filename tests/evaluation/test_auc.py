from __future__ import annotations

import math

import numpy as np
import pytest

from trialstack.evaluation.auc import auc_interval, bootstrap_interval, newcombe_interval

Z = 1.959963984540054


def softmax(logits):
    weights = np.exp(logits)
    return weights / weights.sum(axis=1, keepdims=True)


def test_delong_interval_by_hand():
    # Pairs won: 2, 3, 3 of 3. AUC 8/9; V10 and V01 are each (2/3, 1, 1) in some order, so the
    # variance is twice (1/27) / 3.
    y = np.array([0, 0, 0, 1, 1, 1])
    scores = np.array([0.1, 0.2, 0.6, 0.5, 0.8, 0.9])
    auc, error = 8 / 9, math.sqrt(2 / 81)
    margin = Z * error / (auc * (1 - auc))
    ends = [1 / (1 + math.exp(-(math.log(8) + sign * margin))) for sign in (-1, 1)]
    assert auc_interval(y, scores) == pytest.approx(ends)


def test_a_higher_level_is_wider():
    y = np.array([0, 0, 0, 1, 1, 1])
    scores = np.array([0.1, 0.2, 0.6, 0.5, 0.8, 0.9])
    low90, high90 = auc_interval(y, scores, level=0.9)
    low99, high99 = auc_interval(y, scores, level=0.99)
    assert low99 < low90 < high90 < high99


def test_newcombe_of_one_pair_by_hand():
    # m = n = 1 leaves V(a) = a (1 - a); 1 - a = z² a gives a = 1 / (1 + z²).
    assert newcombe_interval(1.0, 1, 1) == pytest.approx((1 / (1 + Z**2), 1))
    assert newcombe_interval(0.0, 1, 1) == pytest.approx((0, Z**2 / (1 + Z**2)))


@pytest.mark.parametrize("auc", [0.02, 0.3, 0.5, 0.871, 0.999])
@pytest.mark.parametrize(("m", "n"), [(1, 4), (12, 7), (90, 53), (1000, 30)])
def test_newcombe_ends_solve_its_equation(auc, m, n):
    size = (m + n) / 2 - 1
    for end in newcombe_interval(auc, m, n):
        bracket = 1 + size * (1 - end) / (2 - end) + size * end / (1 + end)
        variance = end * (1 - end) * bracket / (m * n)
        assert abs(auc - end) == pytest.approx(Z * math.sqrt(variance), abs=1e-8)
    low, high = newcombe_interval(auc, m, n)
    assert 0 < low < auc < high < 1


def test_newcombe_mirrors():
    low, high = newcombe_interval(0.8, 20, 35)
    assert newcombe_interval(0.2, 20, 35) == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize(
    ("scores", "auc"), [([1, 2, 3, 4, 5], 1), ([5, 4, 3, 2, 1], 0), ([7, 7, 7, 7, 7], 0.5)]
)
def test_newcombe_where_delong_has_no_width(scores, auc):
    y = np.array([0, 0, 1, 1, 1])
    assert auc_interval(y, np.array(scores, dtype=float)) == newcombe_interval(auc, 3, 2)


def test_newcombe_with_one_row_of_a_class():
    interval = auc_interval(np.array([0, 0, 0, 1]), np.array([0.1, 0.2, 0.7, 0.5]))
    assert interval == newcombe_interval(2 / 3, 1, 3)


def test_perfect_on_the_breast_cancer_test_rows():
    low, high = newcombe_interval(1.0, 90, 53)
    assert high == 1
    # 1 - a = z² a (1 + 70.5 [(1-a)/(2-a) + a/(1+a)]) / 4770 has its root near 0.9706.
    assert low == pytest.approx(0.9706, abs=1e-4)


def test_delong_interval_covers():
    # Two normal distributions one apart: AUC = Phi(1 / sqrt 2) = 0.7602.
    rng = np.random.default_rng(1)
    y = np.repeat([0, 1], 40)
    truth = 0.7602499389065233
    intervals = [auc_interval(y, rng.normal(size=80) + y) for _ in range(400)]
    covered = sum(low <= truth <= high for low, high in intervals)
    assert 0.92 < covered / 400 < 0.98


def test_bootstrap_agrees_with_delong_for_two_classes():
    rng = np.random.default_rng(2)
    y = np.repeat([0, 1], 150)
    p = 1 / (1 + np.exp(-rng.normal(size=300) - y))
    low, high = bootstrap_interval(y, np.c_[1 - p, p])
    expected_low, expected_high = auc_interval(y, p)
    assert low == pytest.approx(expected_low, abs=0.01)
    assert high == pytest.approx(expected_high, abs=0.01)


def test_bootstrap_is_seeded():
    rng = np.random.default_rng(3)
    y = rng.integers(3, size=143)
    p = softmax(rng.normal(size=(143, 3)) + np.eye(3)[y])
    assert bootstrap_interval(y, p) == bootstrap_interval(y, p)
    assert bootstrap_interval(y, p) != bootstrap_interval(y, p, seed=1)


def test_bootstrap_of_a_perfect_model_has_a_width():
    y = np.repeat([0, 1, 2], [10, 20, 30])
    low, high = bootstrap_interval(y, np.eye(3)[y])
    each = [newcombe_interval(1.0, n, 60 - n)[0] for n in (10, 20, 30)]
    assert (low, high) == pytest.approx((np.mean(each), 1))
