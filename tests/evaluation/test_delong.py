from __future__ import annotations

import numpy as np
import pytest

from trialstack.errors import DataError
from trialstack.evaluation.delong import delong_components, delong_variance, pair_wins


def components_by_all_pairs(y, scores):
    """The definition: compare every positive row with every negative row."""
    positive, negative = scores[y == 1], scores[y == 0]
    wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    return wins.mean(axis=1), wins.mean(axis=0)


def test_hand_worked_components():
    # Positive rows 3, 5, 5 and negative rows 1, 3, 4, 6. Pairs won, ties one half:
    #   3 beats 1, ties 3              -> 1.5 of 4
    #   5 beats 1, 3, 4                -> 3 of 4 (twice)
    #   1 is beaten by all three       -> 3 of 3;  3 by the fives, tied once -> 2.5 of 3
    #   4 by the fives                 -> 2 of 3;  6 by none                 -> 0
    y = np.array([1, 0, 1, 0, 0, 1, 0])
    scores = np.array([3.0, 1, 5, 3, 4, 5, 6])
    v10, v01 = delong_components(y, scores)
    assert v10 == pytest.approx([1.5 / 4, 3 / 4, 3 / 4])
    assert v01 == pytest.approx([1, 2.5 / 3, 2 / 3, 0])

    auc, variance = delong_variance(y, scores)
    assert auc == pytest.approx(7.5 / 12)
    # var(V10) = 0.046875 over 3 rows; var(V01) = 0.1921296 over 4 rows.
    assert variance == pytest.approx(0.046875 / 3 + 0.19212963 / 4)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("levels", [3, 20, 10**9])
def test_ranks_agree_with_all_pairs(seed, levels):
    rng = np.random.default_rng(seed)
    y = np.r_[0, 0, 1, 1, rng.integers(2, size=80)]
    scores = rng.integers(levels, size=84) + y * levels / 3
    v10, v01 = components_by_all_pairs(y, scores)
    ours = delong_components(y, scores)
    assert ours[0] == pytest.approx(v10)
    assert ours[1] == pytest.approx(v01)
    auc, variance = delong_variance(y, scores)
    assert auc == pytest.approx(v10.mean())
    expected = np.var(v10, ddof=1) / len(v10) + np.var(v01, ddof=1) / len(v01)
    assert variance == pytest.approx(expected)


def test_wins_are_whole_numbers():
    rng = np.random.default_rng(0)
    y = np.arange(50) % 2
    for wins in pair_wins(y, rng.integers(7, size=50).astype(float)):
        assert (wins == np.round(wins)).all()


def test_variance_is_exactly_zero_where_all_rows_win_alike():
    y = np.array([0, 0, 0, 1, 1, 1, 1])
    assert delong_variance(y, y.astype(float)) == (1.0, 0.0)
    assert delong_variance(y, 1.0 - y) == (0.0, 0.0)
    assert delong_variance(y, np.full(7, 0.3)) == (0.5, 0.0)


def test_variance_is_unknown_with_one_row_of_a_class():
    auc, variance = delong_variance(np.array([0, 0, 1]), np.array([0.1, 0.5, 0.3]))
    assert auc == 0.5
    assert np.isnan(variance)


def test_a_class_without_rows_is_refused():
    with pytest.raises(DataError, match="3 positive and 0 negative rows"):
        delong_variance(np.ones(3, dtype=int), np.arange(3.0))
