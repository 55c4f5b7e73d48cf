from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from trialstack.errors import DataError
from trialstack.evaluation.auc import newcombe_interval
from trialstack.evaluation.comparison import AucComparison, compare_auc

Z = 1.959963984540054


def two_columns(p):
    return np.c_[1 - p, p]


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


@pytest.fixture
def binary():
    """140 rows; the old model sees the truth through more noise than the new one."""
    rng = np.random.default_rng(7)
    y = rng.integers(2, size=140)
    shared = rng.normal(size=140)
    new = sigmoid(2 * y - 1 + 0.8 * shared + 0.3 * rng.normal(size=140))
    old = sigmoid(2 * y - 1 + 0.8 * shared + 1.2 * rng.normal(size=140))
    return y, two_columns(new.round(2)), two_columns(old.round(2))


@pytest.fixture
def multiclass():
    rng = np.random.default_rng(8)
    y = np.repeat([0, 1, 2], [40, 40, 30])

    def model(noise):
        weights = np.exp(1.5 * np.eye(3)[y] + noise * rng.normal(size=(110, 3)))
        return weights / weights.sum(axis=1, keepdims=True)

    return y, model(0.5), model(2.0)


def test_binary_is_delongs_formula(binary):
    y, new, old = binary
    found = compare_auc(y, new, old)

    # The covariance matrices of both models' components, from comparing all pairs of rows.
    def components(p):
        positive, negative = p[y == 1, 1], p[y == 0, 1]
        wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
        return wins.mean(axis=1), wins.mean(axis=0)

    v10, v01 = zip(components(new), components(old), strict=True)
    covariance = np.cov(v10) / len(v10[0]) + np.cov(v01) / len(v01[0])
    contrast = np.array([1, -1])
    difference = np.mean(v10[0]) - np.mean(v10[1])
    error = math.sqrt(contrast @ covariance @ contrast)

    assert found.auc_new == pytest.approx(np.mean(v10[0]))
    assert found.auc_old == pytest.approx(np.mean(v10[1]))
    assert found.difference == pytest.approx(difference)
    assert found.ci == pytest.approx((difference - Z * error, difference + Z * error))
    assert found.p == pytest.approx(math.erfc(difference / error / math.sqrt(2)))
    assert found.p_one_sided == pytest.approx(found.p / 2)
    assert (found.method, found.rows) == ("delong", 140)
    assert found.p < 0.05


def test_swapping_models_changes_the_sign(binary):
    y, new, old = binary
    there, back = compare_auc(y, new, old), compare_auc(y, old, new)
    assert back.difference == pytest.approx(-there.difference)
    assert back.ci == pytest.approx((-there.ci[1], -there.ci[0]))
    assert back.p == pytest.approx(there.p)
    assert back.p_one_sided == pytest.approx(1 - there.p_one_sided)


def test_identical_predictions(binary, multiclass):
    for y, p, _ in (binary, multiclass):
        found = compare_auc(y, p, p.copy())
        assert (found.difference, found.ci, found.p) == (0, (0, 0), 1)
        assert found.p_one_sided == 0.5
        assert found.sentence().startswith("no difference shown")


def test_models_that_rank_alike_do_not_differ(binary):
    y, p, _ = binary
    found = compare_auc(y, two_columns(p[:, 1] ** 3), p)
    assert (found.difference, found.ci, found.p) == (0, (0, 0), 1)


def test_two_perfect_models_may_still_differ():
    y = np.array([0] * 10 + [1] * 10)
    new = two_columns(np.linspace(0.1, 0.9, 20))
    old = two_columns(np.r_[np.linspace(0.4, 0.1, 10), np.linspace(0.6, 0.9, 10)])
    found = compare_auc(y, new, old)
    margin = 1 - newcombe_interval(1.0, 10, 10)[0]
    assert (found.difference, found.p) == (0, 1)
    assert found.ci == pytest.approx((-margin, margin))

    three = np.repeat([0, 1, 2], 10)
    exact = np.eye(3)[three]
    noise = np.random.default_rng(0).random((30, 3))
    softer = 0.5 * exact + 0.5 * noise / noise.sum(axis=1, keepdims=True)
    found = compare_auc(three, exact, softer)
    assert (found.difference, found.p) == (0, 1)
    assert found.ci[0] < 0 < found.ci[1]


def test_right_against_reversed_has_no_variance_but_a_difference():
    y = np.array([0] * 10 + [1] * 10)
    right = two_columns(np.linspace(0.1, 0.9, 20))
    found = compare_auc(y, right, right[:, ::-1])
    assert found.difference == 1
    assert 0 < found.ci[0] < found.ci[1] == 1
    assert found.p < 1e-6


def test_one_row_of_a_class_shows_nothing():
    found = compare_auc(
        [0, 0, 0, 1],
        two_columns(np.array([0.1, 0.2, 0.3, 0.9])),
        two_columns(np.array([0.1, 0.2, 0.8, 0.5])),
    )
    assert found.difference == pytest.approx(1 / 3)
    assert found.ci[0] < 0
    assert found.p > 0.1


def test_multiclass_bootstrap(multiclass):
    y, new, old = multiclass
    found = compare_auc(y, new, old)
    assert found.method == "paired bootstrap"
    assert 0 < found.ci[0] < found.difference < found.ci[1]
    assert found.p == pytest.approx(1 / 2001)  # no resample in which the old model is better
    assert compare_auc(y, new, old) == found
    back = compare_auc(y, old, new)
    assert back.p_one_sided == pytest.approx(1 - found.p_one_sided)
    assert back.ci == pytest.approx((-found.ci[1], -found.ci[0]))


def test_p_is_uniform_where_there_is_no_difference():
    rng = np.random.default_rng(11)
    y = np.repeat([0, 1], 60)
    models = [
        [two_columns(sigmoid(y + 1.5 * rng.normal(size=120))) for _ in range(2)] for _ in range(300)
    ]
    ps = np.array([compare_auc(y, new, old).p for new, old in models])
    assert 0.02 < (ps < 0.05).mean() < 0.09
    assert 0.42 < (ps < 0.5).mean() < 0.58


def test_different_classes_are_refused(multiclass):
    y, new, _ = multiclass
    with pytest.raises(DataError, match="the models give 3 and 4 classes"):
        compare_auc(y, new, np.c_[new / 2, np.full(110, 0.5)])


FOUND = AucComparison(0.98, 0.9587, 0.0213, (0.0012, 0.0414), 0.0378, 0.0189, "delong", 143)


def test_sentences():
    assert FOUND.sentence() == (
        "final better than baseline: difference in AUC 0.0213, "
        "95 % interval 0.0012 to 0.0414, p = 0.038"
    )
    worse = replace(FOUND, difference=-0.0213, ci=(-0.0414, -0.0012))
    assert worse.sentence("version 2", "version 1").startswith("version 2 worse than version 1: ")
    same = replace(FOUND, difference=-0.00001, ci=(-0.01, 0.01), p=0.98)
    assert same.sentence() == (
        "no difference shown between final and baseline: difference in AUC 0.0000, "
        "95 % interval -0.0100 to 0.0100, p = 0.980"
    )
    assert replace(FOUND, p=1e-9).sentence().endswith("p < 0.001")


def test_as_dict_is_plain_json(binary):
    y, new, old = binary
    found = compare_auc(y, new, old).as_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert {"auc_difference", "ci", "p"} <= set(found)
