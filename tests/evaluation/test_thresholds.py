from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from trialstack.errors import DataError
from trialstack.evaluation.thresholds import threshold_curve

Y = [0, 0, 1, 1]
P = [[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]]


def test_by_hand():
    curve = threshold_curve(Y, P, ["no", "yes"])
    assert curve.label == "yes"
    assert curve.thresholds.tolist() == [0, 0.1, 0.3, 0.4, 0.8, 1]
    # Taken for "yes": all, all, three, two, one, none.
    assert curve.precision[:5] == pytest.approx([1 / 2, 1 / 2, 2 / 3, 1 / 2, 1])
    assert np.isnan(curve.precision[5])
    assert curve.recall == pytest.approx([1, 1, 1, 1 / 2, 1 / 2, 0])
    assert curve.f1 == pytest.approx([2 / 3, 2 / 3, 4 / 5, 1 / 2, 2 / 3, 0])
    assert curve.accuracy == pytest.approx([1 / 2, 1 / 2, 3 / 4, 1 / 2, 3 / 4, 1 / 2])
    assert curve.best_f1 == pytest.approx((0.3, 0.8))


def test_agrees_with_scikit_learn_at_every_threshold():
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=60)
    p1 = np.clip((rng.normal(0.3 + 0.4 * y, 0.3)).round(1), 0, 1)  # ties, zeros and ones
    curve = threshold_curve(y, np.column_stack([1 - p1, p1]), ["a", "b"])
    assert (np.diff(curve.thresholds) > 0).all()
    assert (curve.thresholds[0], curve.thresholds[-1]) == (0, 1)
    for k, threshold in enumerate(curve.thresholds):
        taken = (p1 >= threshold).astype(int)
        assert curve.precision[k] == pytest.approx(precision_score(y, taken))
        assert curve.recall[k] == pytest.approx(recall_score(y, taken))
        assert curve.f1[k] == pytest.approx(f1_score(y, taken))
        assert curve.accuracy[k] == pytest.approx(accuracy_score(y, taken))


def test_several_classes_have_no_threshold():
    with pytest.raises(DataError, match="3 classes came; expected two"):
        threshold_curve([0, 1, 2], np.eye(3), list("abc"))


def test_names_must_fit_the_columns():
    with pytest.raises(DataError, match="3 class names came for 2 columns"):
        threshold_curve(Y, P, list("abc"))
