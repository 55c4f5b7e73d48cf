from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from trialstack.errors import ModelRefusedError
from trialstack.registry.challenge import challenge
from trialstack.registry.evidence import Evidence

NEW = Evidence(
    test_digest="same",
    feature_names=("x", "y"),
    classes=(0, 1),
    y_test=np.array([0, 1, 1]),
    probabilities_test=np.array([[0.9, 0.1], [0.3, 0.7], [0.4, 0.6]]),
    training_row_hashes=np.array([1, 2, 3], dtype="uint64"),
    test_row_hashes=np.array([10, 11, 12], dtype="uint64"),
)
OLD = replace(NEW, probabilities_test=np.array([[0.5, 0.5]] * 3))
OTHER_ROWS = replace(
    OLD, test_digest="other", test_row_hashes=np.array([20, 21, 22], dtype="uint64")
)


@dataclass
class Found:
    difference: float
    p_one_sided: float


def decide(new, old, difference=0.05, p=0.01, score_champion=None):
    calls = []

    def compare(y, probabilities_new, probabilities_old):
        calls.append((y, probabilities_new, probabilities_old))
        return Found(difference, p)

    verdict = challenge(
        new,
        old,
        champion="models:/circles/3",
        compare=compare,
        score_champion=score_champion,
    )
    return verdict, calls


def test_the_stored_predictions_are_compared():
    verdict, [(y, new, old)] = decide(NEW, OLD)
    assert verdict.wins
    assert verdict.comparable
    np.testing.assert_array_equal(y, NEW.y_test)
    np.testing.assert_array_equal(new, NEW.probabilities_test)
    np.testing.assert_array_equal(old, OLD.probabilities_test)
    assert verdict.reason == (
        "better than models:/circles/3 on the same test rows: difference in AUC +0.0500, "
        "one-sided p = 0.01 (below 0.1 moves the champion)"
    )


@pytest.mark.parametrize(
    ("difference", "p", "wins"),
    [
        (0.01, 0.0999, True),
        (0.01, 0.1, False),
        (0.0, 0.01, False),
        (-0.01, 0.01, False),
        (0.01, float("nan"), False),
        (0.0, 0.5, False),
    ],
)
def test_better_beyond_chance_or_the_place_is_kept(difference, p, wins):
    verdict, _ = decide(NEW, OLD, difference, p)
    assert verdict.wins is wins
    assert verdict.comparable


def test_without_test_rows_nothing_can_be_compared():
    none = replace(
        NEW,
        y_test=NEW.y_test[:0],
        probabilities_test=NEW.probabilities_test[:0],
        test_row_hashes=NEW.test_row_hashes[:0],
    )
    verdict, calls = decide(none, none)
    assert (verdict.wins, verdict.comparable, calls) == (False, False, [])
    assert verdict.reason.endswith("there are no test rows")


def test_on_other_rows_the_champion_is_scored():
    asked = []

    def score(uri):
        asked.append(uri)
        return np.array([[0.6, 0.4]] * 3)

    verdict, [(y, _, old)] = decide(NEW, OTHER_ROWS, score_champion=score)
    assert verdict.wins
    assert asked == ["models:/circles/3"]
    np.testing.assert_array_equal(old, [[0.6, 0.4]] * 3)
    np.testing.assert_array_equal(y, NEW.y_test)
    assert "on new test rows" in verdict.reason


def test_the_same_digest_in_another_order_counts_as_other_rows():
    shuffled = replace(OLD, test_row_hashes=OLD.test_row_hashes[::-1])
    verdict, calls = decide(NEW, shuffled)
    assert not calls
    assert not verdict.comparable


def refusing(uri):
    raise ModelRefusedError(f"{uri}: digest mismatch")


@pytest.mark.parametrize(
    ("old", "score", "reason"),
    [
        (None, None, "its run holds no test predictions"),
        (replace(OLD, feature_names=("x", "z")), None, "it takes other columns"),
        (replace(OLD, classes=(0, 2)), None, "it knows other classes"),
        (replace(OLD, classes=(False, True)), None, "it knows other classes"),
        (OTHER_ROWS, None, "other test rows, on which it was not scored"),
        (OTHER_ROWS, refusing, "models:/circles/3: digest mismatch"),
        (
            replace(OTHER_ROWS, training_row_hashes=np.array([5, 11, 12], dtype="uint64")),
            lambda uri: pytest.fail("it must not be scored"),
            "it was trained on 2 of the new test rows",
        ),
    ],
)
def test_what_cannot_be_compared_moves_nothing(old, score, reason):
    verdict, calls = decide(NEW, old, score_champion=score)
    assert not calls
    assert not verdict.wins
    assert not verdict.comparable
    assert verdict.reason == f"not comparable with models:/circles/3: {reason}"


def test_columns_in_another_order_are_the_same_columns():
    verdict, calls = decide(NEW, replace(OLD, feature_names=("y", "x")))
    assert calls
    assert verdict.comparable
