from __future__ import annotations

import numpy as np
import pytest

from trialstack.evaluation.calibration_error import (
    bins_of,
    calibration_error,
    calibration_error_interval,
    outcomes,
)
from trialstack.evaluation.intervals import wilson_interval


def two_columns(p1):
    return np.column_stack([1 - p1, p1])


def test_bins_have_their_lower_edges_and_the_last_both():
    assert bins_of(np.array([0, 0.0999, 0.1, 0.5, 0.95, 1.0])).tolist() == [0, 0, 1, 5, 9, 9]


def test_several_classes_are_judged_by_the_most_probable_one():
    p, came_true = outcomes(np.array([0, 2]), np.array([[0.7, 0.2, 0.1], [0.1, 0.5, 0.4]]))
    assert p.tolist() == [0.7, 0.5]
    assert came_true.tolist() == [True, False]


def test_error_by_hand():
    # Bin of 0.1 and 0.15: none of two came true; of 0.8: the one did. (2 * 0.125 + 0.2) / 3.
    found = calibration_error(np.array([0, 0, 1]), two_columns(np.array([0.1, 0.15, 0.8])))
    assert found == pytest.approx((2 * 0.125 + 0.2) / 3)


def test_interval_of_a_calibrated_model_reaches_zero():
    rng = np.random.default_rng(0)
    reached = []
    for _ in range(60):
        p1 = rng.random(150)
        y = (rng.random(150) < p1).astype(int)
        low, high = calibration_error_interval(y, two_columns(p1), resamples=200)
        assert low <= calibration_error(y, two_columns(p1)) < high
        reached.append(low == 0)
    assert np.mean(reached) > 0.9


def test_interval_covers_the_error_of_a_model_that_is_too_sure():
    rng = np.random.default_rng(1)
    p1 = np.array([0.05, 0.95])  # said; 0.2 and 0.8 are true: an error of 0.15
    covered = []
    for _ in range(60):
        said = rng.integers(2, size=150)
        y = (rng.random(150) < np.array([0.2, 0.8])[said]).astype(int)
        low, high = calibration_error_interval(y, two_columns(p1[said]), resamples=200)
        covered.append(low <= 0.15 <= high)
    assert np.mean(covered) > 0.88


def test_interval_is_seeded_and_has_a_width():
    y, p = np.array([0, 1] * 20), two_columns(np.array([0.0, 1.0] * 20))
    # Sure, and always right, or always wrong.
    assert calibration_error_interval(y, p) == wilson_interval(0, 40)
    assert calibration_error_interval(1 - y, p) == wilson_interval(40, 40)
    rng = np.random.default_rng(2)
    p = two_columns(rng.random(40))
    assert calibration_error_interval(y, p) == calibration_error_interval(y, p)
    assert calibration_error_interval(y, p) != calibration_error_interval(y, p, seed=1)
