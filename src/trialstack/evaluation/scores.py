"""The scores of a classifier on rows that it was not fitted on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstack.evaluation.auc import auc_interval, bootstrap_interval
from trialstack.evaluation.average_precision import average_precision_interval
from trialstack.evaluation.calibration_error import calibration_error, calibration_error_interval
from trialstack.evaluation.checks import (
    Labels,
    Probabilities,
    check_predictions,
    scored_classes,
)
from trialstack.evaluation.class_intervals import (
    balanced_accuracy_interval,
    f1_interval,
    mcc_interval,
)
from trialstack.evaluation.intervals import Interval, mean_interval, wilson_interval

LEAST_PROBABILITY = float(np.finfo(np.float64).eps)
"""What a true class of probability 0 counts as in the log loss, as scikit-learn has it."""


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found.

    Attributes:
        scores: By name, as `evaluate` lists them.
        intervals: 95 % interval of each score.
        rows: How many rows they come from.
    """

    scores: Mapping[str, float]
    intervals: Mapping[str, Interval]
    rows: int

    @property
    def auc_ci(self) -> Interval:
        """95 % interval of the AUC."""
        return self.intervals["auc"]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: each score with its interval as a list, and the number of rows."""
        result: dict[str, Any] = {}
        for name, value in self.scores.items():
            result |= {name: value, f"{name}_ci": list(self.intervals[name])}
        return {**result, "rows": self.rows}


def evaluate(y: ArrayLike, probabilities: ArrayLike) -> Evaluation:
    """Scores of predicted probabilities against the true classes, each with a 95 % interval.

    | score | | best | interval |
    |---|---|---|---|
    | `auc` | area under the ROC curve | 1 | DeLong; bootstrap of several classes |
    | `average_precision` | area under the precision-recall curve, in steps | 1 | jackknife |
    | `log_loss` | mean of -ln(probability of the true class), in nats | 0 | of a mean |
    | `brier` | mean squared error of the probabilities | 0 | of a mean |
    | `ece` | expected calibration error in ten bins of equal width | 0 | bootstrap |
    | `accuracy` | share of rows whose most probable class is the true one | 1 | Wilson |
    | `balanced_accuracy` | mean over classes of the share of their rows found | 1 | Wilson's |
    | `f1` | harmonic mean of precision and recall | 1 | Wilson; bootstrap of several classes |
    | `mcc` | Matthews' correlation of predicted and true classes | 1 | bootstrap |

    Of two classes, `auc`, `average_precision` and `f1` are those of class 1; of more, the mean over
    each class against the rest (macro), where only classes that occur in `y` count. `brier` of two
    classes is the mean of `(p1 - y)²`, from 0 to 1; of more, the mean over rows of the sum over
    classes of the squared errors, from 0 to 2 (scikit-learn's convention). `ece` is that of the
    calibration plot (`trialstack.evaluation.curves.calibration`). A true class of probability 0
    counts in `log_loss` as the smallest step of a double, 2.2e-16. Of equally probable classes the
    first is predicted. What is random in a bootstrap has a fixed seed.

    Args:
        y: Class indices 0 to classes - 1, shape `(rows,)`.
        probabilities: Shape `(rows, classes)`; binary: column 1 is the positive class.

    Raises:
        DataError: See `check_predictions`.

    Example:
        >>> evaluation = evaluate([0, 0, 1, 1], [[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]])
        >>> evaluation.scores["auc"], evaluation.scores["accuracy"]
        (0.75, 0.75)
    """
    labels, matrix = check_predictions(y, probabilities)
    predictions = matrix.argmax(axis=1)
    classes = matrix.shape[1]
    scores = _probability_scores(labels, matrix) | _class_scores(labels, predictions, classes == 2)
    intervals = _probability_intervals(labels, matrix)
    intervals |= _class_intervals(labels, predictions, classes)
    return Evaluation(
        scores=scores,
        # By rounding alone a score may be beyond its interval: 1 beyond 1 - 1e-16.
        intervals={
            name: (min(low, scores[name]), max(high, scores[name]))
            for name, (low, high) in intervals.items()
        },
        rows=len(labels),
    )


def _probability_scores(y: Labels, probabilities: Probabilities) -> dict[str, float]:
    """Scores of the probabilities themselves."""
    from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

    classes = probabilities.shape[1]
    one_vs_rest = [(y == k, probabilities[:, k]) for k in scored_classes(y, classes)]
    return {
        "auc": float(np.mean([roc_auc_score(is_k, p) for is_k, p in one_vs_rest])),
        "average_precision": float(
            np.mean([average_precision_score(is_k, p) for is_k, p in one_vs_rest])
        ),
        "log_loss": float(log_loss(y, probabilities, labels=np.arange(classes))),
        "brier": float(np.mean(_squared_errors(y, probabilities))),
        "ece": calibration_error(y, probabilities),
    }


def _probability_intervals(y: Labels, probabilities: Probabilities) -> dict[str, Interval]:
    binary = probabilities.shape[1] == 2
    of_true_class = np.maximum(probabilities[np.arange(len(y)), y], LEAST_PROBABILITY)
    return {
        "auc": auc_interval(y, probabilities[:, 1])
        if binary
        else bootstrap_interval(y, probabilities),
        "average_precision": average_precision_interval(y, probabilities),
        "log_loss": mean_interval(-np.log(of_true_class), largest=-np.log(LEAST_PROBABILITY)),
        "brier": mean_interval(_squared_errors(y, probabilities), largest=1 if binary else 2),
        "ece": calibration_error_interval(y, probabilities),
    }


def _squared_errors(y: Labels, probabilities: Probabilities) -> NDArray[np.float64]:
    """The Brier score of each row."""
    classes = probabilities.shape[1]
    errors = np.sum((probabilities - np.eye(classes)[y]) ** 2, axis=1)
    # Two columns hold the same error twice.
    return np.asarray(errors / (2 if classes == 2 else 1))


def _class_scores(y: Labels, predictions: Labels, binary: bool) -> dict[str, float]:
    """Scores of the predicted classes."""
    from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef, recall_score

    occurring = np.unique(y)
    f1 = (
        f1_score(y, predictions, zero_division=0)
        if binary
        else f1_score(y, predictions, labels=occurring, average="macro", zero_division=0)
    )
    return {
        "accuracy": float(accuracy_score(y, predictions)),
        # Balanced accuracy; scikit-learn's own warns when a class is predicted that never occurs.
        "balanced_accuracy": float(
            recall_score(y, predictions, labels=occurring, average="macro", zero_division=0)
        ),
        "f1": float(f1),
        "mcc": float(matthews_corrcoef(y, predictions)),
    }


def _class_intervals(y: Labels, predictions: Labels, classes: int) -> dict[str, Interval]:
    counts = np.bincount(y * classes + predictions, minlength=classes**2).reshape(classes, classes)
    return {
        "accuracy": wilson_interval(int(np.trace(counts)), len(y)),
        "balanced_accuracy": balanced_accuracy_interval(counts),
        "f1": f1_interval(counts),
        "mcc": mcc_interval(counts),
    }
