"""Permutation importance: how much worse a model ranks when it cannot read one of its columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstack.datasets.chosen_rows import ChosenRows
from trialstack.errors import DataError
from trialstack.evaluation.checks import Labels, Probabilities, check_predictions, scored_classes

Predict = Callable[[NDArray[np.float32]], ArrayLike]
"""Gives the probability of each class, shape `(rows, classes)`; of two classes that of the second
will do, shape `(rows, 1)` or `(rows,)`."""

REPEATS = 10
MOST_PREDICTED_ROWS = 200_000
"""Of more, a sample of the rows is used, which keeps an importance below some seconds ..."""

MOST_NUMBERS = 100_000_000
"""... however many columns they have."""

FEWEST_OF_A_CLASS = 20
"""Rows of each class that a sample has, if there are so many."""

MOST_FEATURES = 500
"""Beyond, there would be a sample of few rows, and a picture of nothing."""

BLOCK_NUMBERS = 4_000_000
"""Numbers handed to the model at a time (16 MB)."""


@dataclass(frozen=True, eq=False)
class Importance:
    """What `permutation_importance` found.

    Attributes:
        features: Names of the columns, in their order.
        drops: By how much the AUC fell when the values of a column were dealt out anew, shape
            `(features, repeats)`; below 0 where chance made it better.
        auc: With all columns as they are.
        rows: How many rows were scored.
    """

    features: tuple[str, ...]
    drops: NDArray[np.float64]
    auc: float
    rows: int

    @property
    def means(self) -> NDArray[np.float64]:
        """The importance of each column, shape `(features,)`."""
        return np.asarray(self.drops.mean(axis=1))

    @property
    def deviations(self) -> NDArray[np.float64]:
        """Standard deviation over repeats, shape `(features,)`; 0 for a single one."""
        ddof = min(1, self.drops.shape[1] - 1)
        return np.asarray(self.drops.std(axis=1, ddof=ddof))

    @property
    def ranking(self) -> NDArray[np.intp]:
        """Indices of the columns, the most important first."""
        return np.argsort(-self.means, kind="stable")


def permutation_importance(
    predict: Predict,
    X: ArrayLike | ChosenRows,
    y: ArrayLike,
    feature_names: Sequence[str] | None = None,
    *,
    groups: Sequence[Sequence[int]] | None = None,
    repeats: int = REPEATS,
    seed: int = 0,
) -> Importance:
    """Importance of each column for a model's AUC, on rows that it was not fitted on.

    The values of a column are dealt out anew among the rows, which leaves their distribution and
    breaks what they tell. Of columns that say the same, each looks unimportant as long as the
    others are there. All copies of the rows with one column shuffled are predicted together, in
    few calls. Of very many rows a sample is used, stratified by class.

    Args:
        predict: The model: `model.predict_proba` of scikit-learn, `model.predict` of Keras.
        X: Shape `(rows, features)`.
        y: Class indices 0 to classes - 1, shape `(rows,)`.
        feature_names: One a column, or one a group; `x0`, `x1`, ... if not given.
        groups: Columns of `X` that are shuffled together, since they say the same thing in several
            ways: a category as 0 and 1, a number and whether it is missing. None = each by itself.
        repeats: How many times each column is shuffled.
        seed: Of shuffling and sampling.

    Raises:
        DataError: Names and columns do not fit, `repeats` is below 1, or see `check_predictions`.

    Reference:
        Breiman, L. (2001). Random forests. Machine Learning 45, 5-32, section 10.
        The same score as scikit-learn's `permutation_importance(scoring="roc_auc_ovr")`, which
        asks the model once for each copy.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(200, 2))
        >>> y = (X[:, 0] > 0).astype(int)
        >>> found = permutation_importance(lambda X: 1 / (1 + np.exp(-X[:, 0])), X, y, ["a", "b"])
        >>> found.auc, bool(0.3 < found.means[0] < 0.7), found.means[1].item()
        (1.0, True, 0.0)
    """
    rows = X if isinstance(X, ChosenRows) else np.asarray(X, dtype=np.float32)
    together = [[i] for i in range(rows.shape[1])] if groups is None else list(groups)
    names = tuple(feature_names or [f"x{i}" for i in range(len(together))])
    if len(names) != len(together) or repeats < 1:
        raise DataError(
            f"importance: {len(names)} feature names came for {len(together)} columns, to be "
            f"shuffled {repeats} times; expected one name a column and one time at least"
        )
    affordable = _affordable_rows(len(names), repeats, rows.shape[1])
    kept = _sample(np.asarray(y), affordable, seed)
    rows = rows[kept]  # of many a sample
    labels, probabilities = check_predictions(np.asarray(y)[kept], _columns(predict(rows)))
    auc = float(_aucs(labels, probabilities[np.newaxis])[0])
    rng = np.random.default_rng([seed, 1])
    copies = [(own, rng.permutation(len(rows))) for own in together for _ in range(repeats)]
    block = max(1, BLOCK_NUMBERS // rows.size)
    shuffled = np.concatenate(
        [
            _shuffled_aucs(predict, rows, labels, copies[start : start + block])
            for start in range(0, len(copies), block)
        ]
    )
    return Importance(names, auc - shuffled.reshape(len(names), repeats), auc, len(rows))


def _affordable_rows(names: int, repeats: int, columns: int) -> int:
    copies = names * repeats
    return min(MOST_PREDICTED_ROWS // copies, MOST_NUMBERS // (copies * columns))


def _sample(y: NDArray[np.generic], size: int, seed: int) -> NDArray[np.intp]:
    """Indices of about so many rows, as large a share of each class; all if there are no more."""
    if len(y) <= size:
        return np.arange(len(y))
    rng = np.random.default_rng(seed)
    kept = []
    for k in np.unique(y):
        members = np.flatnonzero(y == k)
        share = max(math.ceil(len(members) * size / len(y)), FEWEST_OF_A_CLASS)
        kept.append(rng.permutation(members)[:share])
    return np.sort(np.concatenate(kept))


def _shuffled_aucs(
    predict: Predict,
    rows: NDArray[np.float32],
    labels: Labels,
    copies: Sequence[tuple[Sequence[int], NDArray[np.intp]]],
) -> NDArray[np.float64]:
    """AUC of each copy of the rows in which some columns have another order, from one call."""
    stacked = np.tile(rows, (len(copies), 1, 1))
    for copy, (columns, order) in zip(stacked, copies, strict=True):
        for column in columns:
            copy[:, column] = rows[order, column]
    said = _columns(predict(stacked.reshape(-1, rows.shape[1])))
    return _aucs(labels, said.reshape(len(copies), len(rows), -1))


def _columns(outputs: ArrayLike) -> Probabilities:
    """Probabilities with a column for each class."""
    said = np.asarray(outputs, dtype=np.float64)
    if said.ndim == 1 or said.shape[-1] == 1:
        return np.column_stack([1 - said.reshape(-1), said.reshape(-1)])
    return said


def _aucs(labels: Labels, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Macro AUC of several predictions of the same rows, given as `(copies, rows, classes)`.

    Of a class it is the share of pairs won, read off the sum of its rows' mid-ranks.
    """
    from scipy.stats import rankdata

    areas = []
    for k in scored_classes(labels, probabilities.shape[2]):
        positive = labels == k
        m = np.count_nonzero(positive)
        ranks = rankdata(probabilities[:, :, k], axis=1)[:, positive].sum(axis=1)
        areas.append((ranks - m * (m + 1) / 2) / (m * (len(labels) - m)))
    return np.asarray(np.mean(areas, axis=0))
