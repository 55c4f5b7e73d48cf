from __future__ import annotations

import json
import math

import numpy as np
import pytest
from sklearn import metrics

from trialstack.errors import DataError
from trialstack.evaluation.auc import auc_interval, bootstrap_interval
from trialstack.evaluation.average_precision import average_precision_interval
from trialstack.evaluation.class_intervals import f1_interval
from trialstack.evaluation.intervals import mean_interval, wilson_interval
from trialstack.evaluation.scores import evaluate

Y = [0, 0, 1, 1]
P1 = [0.1, 0.4, 0.3, 0.8]
P = [[1 - p, p] for p in P1]


def test_two_classes_by_hand():
    scores = evaluate(Y, P).scores
    assert scores["auc"] == 3 / 4  # 0.8 beats both, 0.3 beats 0.1
    # Thresholds from above find: 0.8 right (precision 1), 0.4 wrong, 0.3 right (precision 2/3).
    assert scores["average_precision"] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert scores["log_loss"] == pytest.approx(-math.log(0.9 * 0.6 * 0.3 * 0.8) / 4)
    assert scores["brier"] == pytest.approx((0.01 + 0.16 + 0.49 + 0.04) / 4)
    # Each probability is alone in its bin of ten.
    assert scores["ece"] == pytest.approx((0.1 + 0.4 + 0.7 + 0.2) / 4)
    # Predicted 0, 0, 0, 1: precision 1 and recall 1/2 of class 1.
    assert scores["accuracy"] == 3 / 4
    assert scores["balanced_accuracy"] == (1 + 1 / 2) / 2
    assert scores["f1"] == pytest.approx(2 / 3)
    assert scores["mcc"] == pytest.approx((1 * 2 - 0 * 1) / math.sqrt(1 * 2 * 2 * 3))


def test_three_classes_by_hand():
    y = [0, 1, 2]
    p = [[0.6, 0.3, 0.1], [0.5, 0.2, 0.3], [0.1, 0.1, 0.8]]
    scores = evaluate(y, p).scores
    # Class 0: 0.6 beats both. Class 1: 0.2 beats 0.1, loses to 0.3. Class 2: 0.8 beats both.
    assert scores["auc"] == pytest.approx((1 + 1 / 2 + 1) / 3)
    assert scores["log_loss"] == pytest.approx(-math.log(0.6 * 0.2 * 0.8) / 3)
    squares = (0.16 + 0.09 + 0.01) + (0.25 + 0.64 + 0.09) + (0.01 + 0.01 + 0.04)
    assert scores["brier"] == pytest.approx(squares / 3)
    assert scores["ece"] == pytest.approx((0.4 + 0.5 + 0.2) / 3)  # right, wrong, right
    # Predicted 0, 0, 2. F1: of class 0 2/3, of class 1 0, of class 2 1.
    assert scores["accuracy"] == pytest.approx(2 / 3)
    assert scores["balanced_accuracy"] == pytest.approx(2 / 3)
    assert scores["f1"] == pytest.approx((2 / 3 + 0 + 1) / 3)


def test_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    y = rng.integers(4, size=200)
    p = rng.dirichlet(np.ones(4), size=200) * 0.6 + 0.4 * np.eye(4)[y] * rng.random((200, 1))
    p /= p.sum(axis=1, keepdims=True)
    predicted = p.argmax(axis=1)
    scores = dict(evaluate(y, p).scores)
    assert 0 < scores.pop("ece") < 1  # which scikit-learn does not have
    assert scores == pytest.approx(
        {
            "auc": metrics.roc_auc_score(y, p, multi_class="ovr"),
            "average_precision": metrics.average_precision_score(y, p),
            "log_loss": metrics.log_loss(y, p),
            "brier": metrics.brier_score_loss(y, p),
            "accuracy": metrics.accuracy_score(y, predicted),
            "balanced_accuracy": metrics.balanced_accuracy_score(y, predicted),
            "f1": metrics.f1_score(y, predicted, average="macro"),
            "mcc": metrics.matthews_corrcoef(y, predicted),
        }
    )


def test_intervals():
    y, p1 = np.array(Y), np.array(P1)
    found = evaluate(Y, P).intervals
    assert found["auc"] == evaluate(Y, P).auc_ci == auc_interval(y, p1)
    assert found["average_precision"] == average_precision_interval(y, np.array(P))
    assert found["accuracy"] == wilson_interval(3, 4)
    assert found["f1"] == f1_interval(np.array([[2, 0], [1, 1]]))
    losses = np.array([0.01, 0.16, 0.49, 0.04])
    assert found["brier"] == pytest.approx(mean_interval(losses, 1))
    losses = -np.log([0.9, 0.6, 0.3, 0.8])
    assert found["log_loss"] == pytest.approx(mean_interval(losses, 36))
    y, p = [0, 1, 2], np.array([[0.6, 0.3, 0.1], [0.5, 0.2, 0.3], [0.1, 0.1, 0.8]])
    assert evaluate(y, p).auc_ci == bootstrap_interval(np.array(y), p)


@pytest.mark.parametrize("classes", [2, 3])
def test_every_score_is_within_its_interval(classes):
    rng = np.random.default_rng(classes)
    y = np.arange(60) % classes
    for strength in (0, 2, 60):  # from guessing to certain and right
        weights = np.exp(rng.normal(size=(60, classes)) + strength * np.eye(classes)[y])
        found = evaluate(y, weights / weights.sum(axis=1, keepdims=True))
        assert list(found.intervals) == list(found.scores)
        for name, (low, high) in found.intervals.items():
            assert low <= found.scores[name] <= high, (strength, name)
            assert math.isfinite(low), (strength, name)
            assert math.isfinite(high), (strength, name)
            assert low < high, (strength, name)
    assert found == evaluate(y, weights / weights.sum(axis=1, keepdims=True))


def test_as_dict_is_plain_json():
    found = evaluate(np.array(Y), np.array(P, dtype=np.float32)).as_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["rows"] == 4
    assert found["auc_ci"][0] < found["auc"] < found["auc_ci"][1]
    assert list(found)[:4] == ["auc", "auc_ci", "average_precision", "average_precision_ci"]
    assert len(found) == 2 * 9 + 1


def test_a_class_that_does_not_occur_is_left_out_of_means():
    y = [0, 0, 1, 1]
    p = [[0.6, 0.1, 0.3], [0.2, 0.3, 0.5], [0.3, 0.6, 0.1], [0.1, 0.8, 0.1]]
    scores = evaluate(y, p).scores  # class 2 is predicted once
    assert scores["balanced_accuracy"] == (1 / 2 + 1) / 2
    assert scores["auc"] == (3 / 4 + 1) / 2


def test_extreme_probabilities_stay_finite():
    found = evaluate([0, 1, 1, 0], np.array([[1, 0], [0, 1], [1, 0], [1, 0]], dtype=np.float32))
    assert all(math.isfinite(value) for value in found.scores.values())
    assert np.isfinite(list(found.intervals.values())).all()


def test_rows_all_predicted_alike():
    found = evaluate([0, 1, 1, 0], np.full((4, 2), 0.5))
    assert found.scores["auc"] == 0.5
    assert found.scores["f1"] == 0
    assert found.scores["mcc"] == 0
    assert found.auc_ci[0] < 0.5 < found.auc_ci[1]


def test_one_class_only_is_refused():
    with pytest.raises(DataError, match="all of one class"):
        evaluate([1, 1, 1, 1], P)
