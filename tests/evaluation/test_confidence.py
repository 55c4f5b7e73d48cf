from __future__ import annotations

import numpy as np
import pytest

from trialstack.errors import DataError
from trialstack.evaluation.confidence import confidence_curve

P = [[0.5, 0.25, 0.25], [0.125, 0.75, 0.125], [0.25, 0.25, 0.5], [1.0, 0.0, 0.0]]


def test_by_hand():
    """The two rows at one half are counted together; one of them and the surest are right."""
    curve = confidence_curve([0, 2, 1, 0], P, list("abc"))
    assert curve.thresholds == pytest.approx([1 / 3, 0.5, 0.75, 1])
    assert curve.coverage.tolist() == [1, 1, 0.5, 0.25]
    assert curve.accuracy.tolist() == [0.5, 0.5, 0.5, 1]


def test_agrees_with_counting_at_every_threshold():
    rng = np.random.default_rng(3)
    p = rng.dirichlet(np.ones(4), size=80)
    y = np.append(rng.integers(4, size=76), range(4))
    curve = confidence_curve(y, p, list("abcd"))
    sure = (p / p.sum(axis=1, keepdims=True)).max(axis=1)
    for k, threshold in enumerate(curve.thresholds):
        counted = sure >= threshold
        assert curve.coverage[k] == pytest.approx(counted.mean())
        assert curve.accuracy[k] == pytest.approx((p.argmax(axis=1) == y)[counted].mean())


def test_rows_that_know_nothing_begin_the_curve_once():
    curve = confidence_curve([0, 1], [[0.5, 0.5], [0.5, 0.5]], ["a", "b"])
    assert (curve.thresholds.tolist(), curve.accuracy.tolist()) == ([0.5], [0.5])


def test_names_must_fit_the_columns():
    with pytest.raises(DataError, match="2 class names came for 3 columns"):
        confidence_curve([0, 2, 1, 0], P, ["a", "b"])
