from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score, matthews_corrcoef

from trialstack.evaluation.class_intervals import (
    Margins,
    balanced_accuracy_interval,
    f1_interval,
    mcc_interval,
)
from trialstack.evaluation.intervals import wilson_interval

BINARY = np.array([[50, 3], [2, 88]])
THREE = np.array([[20, 3, 1], [4, 30, 2], [0, 5, 15]])


def labels(counts):
    """True and predicted classes with this confusion matrix."""
    true, predicted = np.indices(counts.shape)
    return np.repeat(true.ravel(), counts.ravel()), np.repeat(predicted.ravel(), counts.ravel())


@pytest.mark.parametrize("counts", [BINARY, THREE, np.array([[3, 0, 2], [0, 0, 0], [1, 1, 4]])])
def test_margins_give_scikit_learns_scores(counts):
    y, predicted = labels(counts)
    occurring = np.unique(y)
    f1 = f1_score(y, predicted, labels=occurring, average="macro")
    assert Margins.of(counts).macro_f1() == pytest.approx(f1)
    assert Margins.of(counts).mcc() == pytest.approx(matthews_corrcoef(y, predicted))


def test_balanced_accuracy_by_hand():
    # Both classes found to the same share: the distances of Wilson's ends shrink by sqrt(2).
    low, high = balanced_accuracy_interval(np.array([[40, 10], [10, 40]]))
    end_low, end_high = wilson_interval(40, 50)
    assert low == pytest.approx(0.8 - (0.8 - end_low) / math.sqrt(2))
    assert high == pytest.approx(0.8 + (end_high - 0.8) / math.sqrt(2))


def test_f1_of_two_classes_is_wilsons_interval_on_another_scale():
    # Right 88 of the 93 rows that are of class 1 or taken for it: F1 = 2 J / (1 + J).
    low, high = f1_interval(BINARY)
    ends = wilson_interval(88, 93)
    assert (low, high) == pytest.approx([2 * end / (1 + end) for end in ends])
    assert low < 2 * 88 / (2 * 88 + 5) < high


def test_f1_of_several_classes_and_mcc_have_the_error_of_a_bootstrap_of_rows():
    y, predicted = labels(THREE)
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(y == k) for k in range(3)]
    drawn = (np.concatenate([rng.choice(m, len(m)) for m in members]) for _ in range(500))
    resampled = [
        Margins.of(np.bincount(3 * y[rows] + predicted[rows], minlength=9).reshape(3, 3))
        for rows in drawn
    ]
    f1, mcc = (
        np.std([score(each)[0] for each in resampled]) for score in (Margins.macro_f1, Margins.mcc)
    )
    low, high = f1_interval(THREE)
    assert (high - low) / (2 * 1.96) == pytest.approx(f1, rel=0.15)
    low, high = mcc_interval(THREE)
    assert (high - low) / (2 * 1.96) == pytest.approx(mcc, rel=0.15)


@pytest.mark.parametrize("interval", [balanced_accuracy_interval, f1_interval, mcc_interval])
@pytest.mark.parametrize("counts", [np.diag([50, 90]), np.diag([20, 30, 40])])
def test_no_mistakes_are_no_certainty(interval, counts):
    low, high = interval(counts)
    assert high == pytest.approx(1)
    assert 0.8 < low < 0.99
    assert interval(counts) == (low, high)
    fewer = interval(counts // 10)
    assert fewer[0] < low


@pytest.mark.parametrize(
    ("counts", "mcc"), [([[0, 9], [9, 0]], -1), ([[9, 0], [9, 0]], 0), ([[0, 5], [0, 9]], 0)]
)
def test_mcc_of_models_that_know_nothing(counts, mcc):
    low, high = mcc_interval(np.array(counts))
    assert -1 <= low <= mcc <= high < 1
    assert high - low > 0.1


def test_classes_that_do_not_occur_are_left_out():
    counts = np.array([[8, 1, 1], [2, 8, 0], [0, 0, 0]])
    low, high = balanced_accuracy_interval(counts)
    assert low < 0.8 < high
    low, high = f1_interval(counts)
    assert low < (16 / 20 + 16 / 19) / 2 < high


def test_intervals_cover():
    rng = np.random.default_rng(1)
    sizes, shares = np.array([60, 40]), np.array([[0.9, 0.1], [0.15, 0.85]])
    expected = Margins.of(shares * sizes[:, None])
    scores = {
        balanced_accuracy_interval: 0.875,
        f1_interval: 2 * 34 / (2 * 34 + 6 + 6),
        mcc_interval: expected.mcc()[0],
    }
    drawn = rng.multinomial(sizes, shares, size=(200, 2))
    for interval, score in scores.items():
        ends = (interval(counts) for counts in drawn)
        covered = np.mean([low <= score <= high for low, high in ends])
        assert 0.91 < covered < 1
