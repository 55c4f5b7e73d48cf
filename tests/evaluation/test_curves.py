from __future__ import annotations

import numpy as np
import pytest

from trialstack.errors import DataError
from trialstack.evaluation.curves import calibration, confusion, precision_recall, roc_curve
from trialstack.evaluation.intervals import wilson_interval

Y = [0, 0, 1, 1]
P = [[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]]
BINARY = ["no", "yes"]

Y3 = [0, 1, 2, 1]
P3 = [[0.6, 0.3, 0.1], [0.5, 0.2, 0.3], [0.1, 0.1, 0.8], [0.1, 0.7, 0.2]]
THREE = ["a", "b", "c"]


def test_roc_by_hand():
    (curve,) = roc_curve(Y, P, BINARY)
    # From the highest score down: 0.8 is positive, 0.4 negative, 0.3 positive, 0.1 negative.
    assert curve.label == "yes"
    assert curve.x.tolist() == [0, 0, 0.5, 0.5, 1]
    assert curve.y.tolist() == [0, 0.5, 0.5, 1, 1]
    assert curve.area == 0.75


def test_precision_recall_by_hand():
    (curve,) = precision_recall(Y, P, BINARY)
    assert curve.x.tolist() == [0, 0.5, 0.5, 1, 1]
    assert curve.y == pytest.approx([1, 1, 1 / 2, 2 / 3, 1 / 2])
    assert curve.area == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert curve.prevalence == 0.5


def test_several_classes_have_a_curve_each():
    curves = roc_curve(Y3, P3, THREE)
    assert [curve.label for curve in curves] == THREE
    # Class b: 0.7 beats 0.3 and 0.1; 0.2 beats 0.1 and loses to 0.3.
    assert [curve.area for curve in curves] == [1, 3 / 4, 1]
    assert [curve.prevalence for curve in curves] == [1 / 4, 1 / 2, 1 / 4]


def test_a_class_that_does_not_occur_has_no_curve():
    y, p = [0, 1, 1, 0], np.array(P3)
    assert [curve.label for curve in roc_curve(y, p, THREE)] == ["a", "b"]
    assert [curve.label for curve in precision_recall(y, p, THREE)] == ["a", "b"]
    assert confusion(y, p, THREE).shape == (3, 3)


def test_calibration_by_hand():
    curve = calibration(Y, P, BINARY, bins=4)
    # Probabilities of "yes" 0.1, 0.4, 0.3, 0.8 fall into the bins 0, 1, 1 and 3.
    assert curve.counts.tolist() == [1, 2, 0, 1]
    assert curve.filled_counts.tolist() == [1, 2, 1]
    assert curve.predicted == pytest.approx([0.1, 0.35, 0.8])
    assert curve.observed == pytest.approx([0, 1 / 2, 1])
    assert curve.error == pytest.approx((0.1 + 2 * 0.15 + 0.2) / 4)
    assert (curve.low[1], curve.high[1]) == pytest.approx(wilson_interval(1, 2))


def test_calibration_of_several_classes_is_of_the_predicted_one():
    curve = calibration(Y3, P3, THREE, bins=2)
    # Confidences 0.6, 0.5, 0.8, 0.7; right, wrong, right, right.
    assert curve.label == ""
    assert curve.counts.tolist() == [0, 4]
    assert curve.predicted == pytest.approx([0.65])
    assert curve.observed == pytest.approx([0.75])
    assert curve.error == pytest.approx(0.1)


def test_calibration_counts_probabilities_of_zero_and_one():
    curve = calibration([0, 1, 0], [[1, 0], [0, 1], [0, 1]], BINARY)
    assert curve.counts[0] == 1
    assert curve.counts[-1] == 2
    assert curve.error == pytest.approx(1 / 3)


def test_confusion_by_hand():
    assert confusion(Y, P, BINARY).tolist() == [[2, 0], [1, 1]]
    assert confusion(Y3, P3, THREE).tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]


@pytest.mark.parametrize("compute", [roc_curve, precision_recall, calibration, confusion])
def test_names_must_fit_the_columns(compute):
    with pytest.raises(DataError, match="3 class names came for 2 columns"):
        compute(Y, P, THREE)
