"""Is one classifier more often right than another on the same rows?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from trialstack.errors import DataError
from trialstack.evaluation.checks import check_predictions
from trialstack.evaluation.intervals import Interval


@dataclass(frozen=True)
class McNemar:
    """What `mcnemar` found.

    Attributes:
        only_new_right: Rows that only the new model gets right.
        only_old_right: Rows that only the old model gets right.
        ci: 95 % interval of the difference.
        p: Two-sided: how often a difference at least as large arises where there is none.
        rows: How many rows were compared.
    """

    only_new_right: int
    only_old_right: int
    ci: Interval
    p: float
    rows: int

    @property
    def difference(self) -> float:
        """Accuracy of the new model less that of the old one."""
        return (self.only_new_right - self.only_old_right) / self.rows

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, under names that fit beside those of `AucComparison`."""
        return {
            "accuracy_difference": self.difference,
            "accuracy_ci": list(self.ci),
            "accuracy_p": self.p,
            "only_new_right": self.only_new_right,
            "only_old_right": self.only_old_right,
        }

    def sentence(self, new: str = "final", old: str = "baseline") -> str:
        """The result in words.

        Args:
            new: Name of the new model.
            old: Name of the old model.

        Example:
            >>> McNemar(8, 2, (-0.0083, 0.0666), 0.109375, 143).sentence()
            'accuracy: only final right on 8 rows, only baseline on 2, p = 0.109'
        """
        return (
            f"accuracy: only {new} right on {self.only_new_right} rows, "
            f"only {old} on {self.only_old_right}, {p_in_words(self.p)}"
        )


def compare_accuracy(
    y: ArrayLike, probabilities_new: ArrayLike, probabilities_old: ArrayLike
) -> McNemar:
    """Tests whether two models' accuracies differ, on the same rows.

    Args:
        y: Class indices 0 to classes - 1, shape `(rows,)`.
        probabilities_new: Of the new model, shape `(rows, classes)`; of equally probable classes
            the first is predicted.
        probabilities_old: Of the old model, shape `(rows, classes)`.

    Raises:
        DataError: See `trialstack.evaluation.checks.check_predictions`.

    Example:
        >>> y = [0, 0, 1, 1]
        >>> old = np.array([[0.9, 0.1], [0.4, 0.6], [0.4, 0.6], [0.1, 0.9]])
        >>> compare_accuracy(y, old, old).p
        1.0
    """
    labels, new = check_predictions(y, probabilities_new)
    _, old = check_predictions(y, probabilities_old)
    return mcnemar(labels, new.argmax(axis=1), old.argmax(axis=1))


def mcnemar(y: ArrayLike, predictions_new: ArrayLike, predictions_old: ArrayLike) -> McNemar:
    """McNemar's test, exact: of two models' predictions, are those of one more often right?

    Only rows that one model gets right and the other wrong tell. If the models are equally
    accurate, each such row is a coin toss: a binomial test. The interval is Clopper's and Pearson's
    of the share that falls to the new model, given how many such rows there are, so it leaves out
    0 where p is below 0.05.

    Args:
        y: True classes, shape `(rows,)`.
        predictions_new: Of the new model, shape `(rows,)`.
        predictions_old: Of the old model, shape `(rows,)`.

    Raises:
        DataError: They are of different lengths, or none.

    Reference:
        McNemar, Q. (1947). Note on the sampling error of the difference between correlated
        proportions or percentages. Psychometrika 12, 153-157.

    Example:
        >>> found = mcnemar([1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 0])
        >>> found.only_new_right, found.only_old_right, found.p
        (5, 0, 0.0625)
    """
    from scipy.stats import binomtest

    true, new, old = (np.asarray(each) for each in (y, predictions_new, predictions_old))
    if not new.shape == old.shape == true.shape != (0,):
        raise DataError(
            f"{true.size} labels and {new.size} and {old.size} predictions came; expected as many "
            "of each, and one at least"
        )
    gained = int(np.count_nonzero((new == true) & (old != true)))
    lost = int(np.count_nonzero((new != true) & (old == true)))
    apart = gained + lost
    if not apart:
        return McNemar(0, 0, (0.0, 0.0), 1.0, true.size)
    test = binomtest(gained, apart)
    share = test.proportion_ci(method="exact")
    low, high = ((2 * float(end) - 1) * apart / true.size for end in (share.low, share.high))
    return McNemar(gained, lost, (low, high), float(test.pvalue), true.size)


def p_in_words(p: float) -> str:
    """A p-value with as many digits as mean something.

    Example:
        >>> p_in_words(0.0378), p_in_words(2e-9)
        ('p = 0.038', 'p < 0.001')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
