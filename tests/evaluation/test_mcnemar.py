from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import beta

from trialstack.errors import DataError
from trialstack.evaluation.mcnemar import McNemar, compare_accuracy, mcnemar

# Eight rows that only the new model gets right, two that only the old one does, five for both.
Y = np.ones(15, dtype=int)
NEW = np.array([1] * 8 + [0] * 2 + [1] * 5)
OLD = np.array([0] * 8 + [1] * 2 + [1] * 5)


def test_by_hand():
    found = mcnemar(Y, NEW, OLD)
    assert (found.only_new_right, found.only_old_right, found.rows) == (8, 2, 15)
    assert found.p == pytest.approx(2 * 56 / 1024)  # 2 (1 + 10 + 45) / 2^10
    assert found.difference == pytest.approx(6 / 15)
    # Clopper and Pearson's interval of 8 in 10, as a difference between -10 and 10 of 15 rows.
    ends = np.array([beta.ppf(0.025, 8, 3), beta.ppf(0.975, 9, 2)])
    assert found.ci == pytest.approx((2 * ends - 1) * 10 / 15)


def test_swapping_models_changes_the_sign():
    there, back = mcnemar(Y, NEW, OLD), mcnemar(Y, OLD, NEW)
    assert back.difference == -there.difference
    assert back.ci == pytest.approx((-there.ci[1], -there.ci[0]))
    assert back.p == there.p


@pytest.mark.parametrize("gained", range(11))
def test_the_interval_leaves_out_zero_where_p_is_small(gained):
    new = np.array([1] * gained + [0] * (10 - gained) + [1] * 5)
    found = mcnemar(Y, new, np.where(np.arange(15) < 10, 1 - new, 1))
    assert (found.p < 0.05) == (found.ci[0] > 0 or found.ci[1] < 0)


def test_models_that_are_right_alike():
    assert mcnemar(Y, NEW, NEW) == McNemar(0, 0, (0.0, 0.0), 1.0, 15)
    # Both wrong, in different ways: no row tells.
    assert mcnemar([0, 0], [1, 1], [2, 2]).p == 1


def test_many_rows():
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=100_000)
    new, old = (np.where(rng.random(100_000) < share, y, 1 - y) for share in (0.9, 0.88))
    found = mcnemar(y, new, old)
    assert found.p < 1e-9
    assert found.ci[0] < 0.02 < found.ci[1]


def test_from_probabilities():
    p = np.column_stack([1 - 0.6 * NEW, 0.6 * NEW])
    q = np.column_stack([1 - 0.6 * OLD, 0.6 * OLD])
    y = np.append(Y, 0)
    p, q = np.vstack([p, [1, 0]]), np.vstack([q, [1, 0]])
    found = compare_accuracy(y, p, q)
    assert (found.only_new_right, found.only_old_right, found.rows) == (8, 2, 16)
    with pytest.raises(DataError, match="all of one class"):
        compare_accuracy(Y, p[:15], q[:15])


def test_what_does_not_fit_is_refused():
    with pytest.raises(DataError, match="15 labels and 15 and 14 predictions came"):
        mcnemar(Y, NEW, OLD[:14])
    with pytest.raises(DataError, match="0 labels"):
        mcnemar([], [], [])


def test_as_dict_and_in_words():
    found = mcnemar(Y, NEW, OLD)
    document = found.as_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert list(document) == [
        "accuracy_difference",
        "accuracy_ci",
        "accuracy_p",
        "only_new_right",
        "only_old_right",
    ]
    assert found.sentence("version 2", "version 1") == (
        "accuracy: only version 2 right on 8 rows, only version 1 on 2, p = 0.109"
    )
