from __future__ import annotations

import numpy as np
import pytest

from trialstack.errors import DataError
from trialstack.evaluation.checks import check_predictions

GOOD = np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]])


def test_float32_rows_are_scaled_to_one():
    p = np.random.default_rng(0).random((1000, 7)).astype(np.float32)
    p /= p.sum(axis=1, keepdims=True)
    assert (p.astype(np.float64).sum(axis=1) != 1).any()
    _, checked = check_predictions(np.arange(1000) % 7, p)
    assert checked.dtype == np.float64
    assert checked.sum(axis=1) == pytest.approx(np.ones(1000), abs=1e-15)


def test_the_callers_arrays_are_left_alone():
    p = GOOD * 1.001
    before = p.copy()
    check_predictions([0, 1, 0], p)
    assert (p == before).all()


def changed(row, column, value):
    p = GOOD.copy()
    p[row, column] = value
    return p


@pytest.mark.parametrize(
    ("y", "probabilities", "message"),
    [
        ([0, 1, 1], changed(1, 0, np.nan), "NaN or infinite in 1 of 3 rows"),
        ([0, 1, 1], changed(1, 0, np.inf), "NaN or infinite in 1 of 3 rows"),
        ([0, 1, 1], changed(1, 0, 3.5), r"row 1 of the probabilities is \[3.5 0.8\]"),
        ([0, 1, 1], [[0.9, 0.1], [1.2, -0.2], [0.5, 0.5]], "row 1 of the probabilities"),
        ([1, 1, 1], GOOD, "the 3 rows are all of one class"),
        ([0, 1, 2], GOOD, "label 2 came; expected class indices 0 to 1"),
        ([0, 1, 0.5], GOOD, "label 0.5 came"),
        (["no", "yes", "no"], GOOD, "label no came"),
        ([0, 1], GOOD, r"labels have the shape \(2,\); expected \(3,\)"),
        ([0, 1, 1], GOOD[:, 1], r"probabilities have the shape \(3,\)"),
        ([0, 1, 1], GOOD[:, 1:], r"probabilities have the shape \(3, 1\)"),
    ],
)
def test_refusals_are_one_line(y, probabilities, message):
    with pytest.raises(DataError, match=message) as refusal:
        check_predictions(y, probabilities)
    assert "\n" not in str(refusal.value)
