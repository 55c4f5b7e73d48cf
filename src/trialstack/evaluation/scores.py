"""The scores of a classifier on rows that it was not fitted on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from trialstack.evaluation.checks import Labels, Probabilities, check_predictions
from trialstack.evaluation.intervals import (
    Interval,
    auc_interval,
    bootstrap_interval,
    wilson_interval,
)


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found.

    Attributes:
        scores: By name, as `evaluate` lists them.
        auc_ci: 95 % interval of the AUC.
        accuracy_ci: 95 % interval of the accuracy (Wilson).
        rows: How many rows they come from.
    """

    scores: Mapping[str, float]
    auc_ci: Interval
    accuracy_ci: Interval
    rows: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: each score, each interval as a list, and the number of rows."""
        result: dict[str, Any] = {}
        intervals = {"auc": self.auc_ci, "accuracy": self.accuracy_ci}
        for name, value in self.scores.items():
            result[name] = value
            if name in intervals:
                result[f"{name}_ci"] = list(intervals[name])
        return {**result, "rows": self.rows}


def evaluate(y: ArrayLike, probabilities: ArrayLike) -> Evaluation:
    """Scores of predicted probabilities against the true classes.

    | score | | best |
    |---|---|---|
    | `auc` | area under the ROC curve | 1 |
    | `average_precision` | area under the precision-recall curve, as a sum of steps | 1 |
    | `log_loss` | mean of -ln(probability of the true class), in nats | 0 |
    | `brier` | mean squared error of the probabilities | 0 |
    | `accuracy` | share of rows whose most probable class is the true one | 1 |
    | `balanced_accuracy` | mean over classes of the share of their rows found (recall) | 1 |
    | `f1` | harmonic mean of precision and recall | 1 |
    | `mcc` | Matthews' correlation of predicted and true classes | 1 |

    Of two classes, `auc`, `average_precision` and `f1` are those of class 1; of more, the mean over
    each class against the rest (macro), where only classes that occur in `y` count. `brier` of two
    classes is the mean of `(p1 - y)²`, from 0 to 1; of more, the mean over rows of the sum over
    classes of the squared errors, from 0 to 2 (scikit-learn's convention). A true class of
    probability 0 counts in `log_loss` as the smallest step of a double, 2.2e-16. Of equally
    probable classes the first is predicted.

    Args:
        y: Class indices 0 to classes - 1, shape `(rows,)`.
        probabilities: Shape `(rows, classes)`; binary: column 1 is the positive class.

    Returns:
        The scores, with 95 % intervals of AUC (DeLong; bootstrap for more than two classes) and
        accuracy.

    Raises:
        DataError: See `check_predictions`.

    Example:
        >>> evaluation = evaluate([0, 0, 1, 1], [[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]])
        >>> evaluation.scores["auc"], evaluation.scores["accuracy"]
        (0.75, 0.75)
    """
    labels, matrix = check_predictions(y, probabilities)
    binary = matrix.shape[1] == 2
    predictions = matrix.argmax(axis=1)
    scores = {**_ranking_scores(labels, matrix), **_class_scores(labels, predictions, binary)}
    correct = int(np.count_nonzero(predictions == labels))
    return Evaluation(
        scores=scores,
        auc_ci=auc_interval(labels, matrix[:, 1]) if binary else bootstrap_interval(labels, matrix),
        accuracy_ci=wilson_interval(correct, len(labels)),
        rows=len(labels),
    )


def _ranking_scores(y: Labels, probabilities: Probabilities) -> dict[str, float]:
    """Scores of the probabilities themselves."""
    from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

    classes = probabilities.shape[1]
    curves = [1] if classes == 2 else np.unique(y)
    errors = probabilities - np.eye(classes)[y]
    # Two columns hold the same error twice.
    brier = np.mean(np.sum(errors**2, axis=1)) / (2 if classes == 2 else 1)
    one_vs_rest = [(y == k, probabilities[:, k]) for k in curves]
    return {
        "auc": float(np.mean([roc_auc_score(is_k, p) for is_k, p in one_vs_rest])),
        "average_precision": float(
            np.mean([average_precision_score(is_k, p) for is_k, p in one_vs_rest])
        ),
        "log_loss": float(log_loss(y, probabilities, labels=np.arange(classes))),
        "brier": float(brier),
    }


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
