"""Is one classifier better than another on the same rows?

Both are scored on the same rows, so what is easy or hard for both cancels in the difference: a
paired test sees differences that two separate intervals hide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstack.errors import DataError
from trialstack.evaluation.auc import bootstrap_interval, newcombe_interval
from trialstack.evaluation.bootstrap import bootstrap_auc
from trialstack.evaluation.checks import Labels, Probabilities, check_predictions
from trialstack.evaluation.delong import mean_and_variance, pair_wins
from trialstack.evaluation.intervals import Interval
from trialstack.evaluation.mcnemar import p_in_words

SIGNIFICANCE = 0.05
Z_95 = 1.959963984540054
"""97.5 % of a normal distribution lie below: 95 % within plus and minus this."""


@dataclass(frozen=True)
class AucComparison:
    """What `compare_auc` found.

    Attributes:
        auc_new: AUC of the new model.
        auc_old: AUC of the old model.
        difference: New minus old.
        ci: 95 % interval of the difference.
        p: Two-sided: how often a difference at least as large arises where there is none.
        p_one_sided: Against the alternative that the new model is better.
        method: How the interval and the p-values were found.
        rows: How many rows were compared.
    """

    auc_new: float
    auc_old: float
    difference: float
    ci: Interval
    p: float
    p_one_sided: float
    method: Literal["delong", "paired bootstrap"]
    rows: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "auc_difference": self.difference,
            "ci": list(self.ci),
            "p": self.p,
            "p_one_sided": self.p_one_sided,
            "method": self.method,
            "rows": self.rows,
        }

    def sentence(self, new: str = "final", old: str = "baseline") -> str:
        r"""The result in words, with no more certainty than the rows give.

        Args:
            new: Name of the new model.
            old: Name of the old model.

        Example:
            >>> found = AucComparison(0.98, 0.95, 0.03, (0.01, 0.05), 0.003, 0.0015, "delong", 143)
            >>> print(found.sentence().replace(": ", ":\n"))
            final better than baseline:
            difference in AUC 0.0300, 95 % interval 0.0100 to 0.0500, p = 0.003
        """
        if self.p >= SIGNIFICANCE:
            verdict = f"no difference shown between {new} and {old}"
        else:
            verdict = f"{new} {'better' if self.difference > 0 else 'worse'} than {old}"
        low, high = (_four_places(end) for end in self.ci)
        return (
            f"{verdict}: difference in AUC {_four_places(self.difference)}, "
            f"95 % interval {low} to {high}, {p_in_words(self.p)}"
        )


def compare_auc(
    y: ArrayLike, probabilities_new: ArrayLike, probabilities_old: ArrayLike
) -> AucComparison:
    """Tests whether two models' AUCs differ, on the same rows.

    Two classes: DeLong's paired test. Where its variance is zero or unknown (both models separate
    the classes without error; a class of one row) Newcombe's intervals of the two AUCs are combined
    as if they were independent, which errs on the side of doubt. More than two classes: paired
    bootstrap of the one-vs-rest macro AUC, stratified by class, with a fixed seed. Models that rank
    all rows alike have a difference of 0 with the interval 0 to 0 and p = 1.

    Args:
        y: Class indices 0 to classes - 1, shape `(rows,)`.
        probabilities_new: Of the new model, shape `(rows, classes)`.
        probabilities_old: Of the old model, shape `(rows, classes)`.

    Raises:
        DataError: See `check_predictions`; or the models have different classes.

    Reference:
        DeLong et al. (1988), see `trialstack.evaluation.delong`.
        Zou, G. Y. and Donner, A. (2008). Construction of confidence limits about effect measures: a
        general approach. Statistics in Medicine 27, 1693-1702 (the combination of two intervals).

    Example:
        >>> y = [0, 0, 1, 1]
        >>> old = np.array([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [0.1, 0.9]])
        >>> compare_auc(y, old, old).p
        1.0
    """
    labels, new = check_predictions(y, probabilities_new)
    _, old = check_predictions(y, probabilities_old)
    if new.shape != old.shape:
        raise DataError(
            f"the models give {new.shape[1]} and {old.shape[1]} classes; expected the same classes"
        )
    if new.shape[1] == 2:
        return _delong(labels, new[:, 1], old[:, 1])
    return _paired_bootstrap(labels, new, old)


def _delong(y: Labels, new: NDArray[np.float64], old: NDArray[np.float64]) -> AucComparison:
    wins_new, wins_old = pair_wins(y, new), pair_wins(y, old)
    auc_new, _ = mean_and_variance(*wins_new)
    auc_old, _ = mean_and_variance(*wins_old)
    difference, variance = mean_and_variance(wins_new[0] - wins_old[0], wins_new[1] - wins_old[1])
    if variance > 0:
        error = math.sqrt(variance)
        ci = (max(-1.0, difference - Z_95 * error), min(1.0, difference + Z_95 * error))
    elif _rank_alike(new, old):
        error, ci = 0.0, (0.0, 0.0)
    else:
        positives, negatives = (len(wins) for wins in wins_new)
        new_ci, old_ci = (newcombe_interval(a, positives, negatives) for a in (auc_new, auc_old))
        ci = _combined(auc_new, new_ci, auc_old, old_ci)
        # The end nearer to zero decides whether zero is inside.
        error = (difference - ci[0] if difference > 0 else ci[1] - difference) / Z_95
    z = difference / error if error else 0.0
    return AucComparison(
        auc_new=auc_new,
        auc_old=auc_old,
        difference=difference,
        ci=ci,
        p=2 * _normal_above(abs(z)),
        p_one_sided=_normal_above(z),
        method="delong",
        rows=len(y),
    )


def _rank_alike(new: NDArray[np.float64], old: NDArray[np.float64]) -> bool:
    from scipy.stats import rankdata

    return bool(np.array_equal(rankdata(new, axis=0), rankdata(old, axis=0)))


def _combined(new: float, new_ci: Interval, old: float, old_ci: Interval) -> Interval:
    """Interval of `new - old` for independent estimates: each end by the root of squared parts."""
    low = new - old - math.hypot(new - new_ci[0], old_ci[1] - old)
    high = new - old + math.hypot(new_ci[1] - new, old - old_ci[0])
    return max(-1.0, low), min(1.0, high)


def _paired_bootstrap(y: Labels, new: Probabilities, old: Probabilities) -> AucComparison:
    from sklearn.metrics import roc_auc_score

    auc_new, auc_old = (
        float(np.mean([roc_auc_score(y == k, p[:, k]) for k in np.unique(y)])) for p in (new, old)
    )
    resampled = bootstrap_auc(y, [new, old])
    differences = resampled[:, 0] - resampled[:, 1]
    difference = auc_new - auc_old
    if np.ptp(differences) > 0 or _rank_alike(new, old):
        low, high = np.quantile(differences, [SIGNIFICANCE / 2, 1 - SIGNIFICANCE / 2])
    else:
        new_ci, old_ci = (bootstrap_interval(y, p) for p in (new, old))
        low, high = _combined(auc_new, new_ci, auc_old, old_ci)
    # Share of resamples in which the new model is not better; ties and the data themselves count
    # one half, so that no p is 0 and models that agree in every resample get 1/2.
    worse = np.count_nonzero(differences < 0) + np.count_nonzero(differences == 0) / 2
    p_one_sided = float((worse + 0.5) / (len(differences) + 1))
    return AucComparison(
        auc_new=auc_new,
        auc_old=auc_old,
        difference=difference,
        ci=(min(float(low), difference), max(float(high), difference)),
        p=2 * min(p_one_sided, 1 - p_one_sided),
        p_one_sided=p_one_sided,
        method="paired bootstrap",
        rows=len(y),
    )


def _normal_above(z: float) -> float:
    """Share of a normal distribution above `z`."""
    return 0.5 * math.erfc(z / math.sqrt(2))


def _four_places(value: float) -> str:
    """Four decimals, and no minus before a zero."""
    return f"{round(value, 4) + 0.0:.4f}"
