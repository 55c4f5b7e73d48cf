from __future__ import annotations

import numpy as np
import pytest
from sklearn.inspection import permutation_importance as scikit_learns
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from trialstack.errors import DataError
from trialstack.evaluation import importance
from trialstack.evaluation.importance import Importance, permutation_importance


@pytest.fixture(scope="module")
def rows():
    """Three classes; the first column tells most, the second a little, the third nothing."""
    rng = np.random.default_rng(0)
    y = np.arange(150) % 3
    X = rng.normal(size=(150, 3)) + y[:, None] * [2.0, 0.7, 0.0]
    return X.astype(np.float32), y


@pytest.fixture(scope="module")
def model(rows):
    return LogisticRegression().fit(*rows)


def test_a_column_that_decides_all_by_hand():
    # Two rows, told apart by the first column: dealt out anew they keep or swap their places.
    X, y = np.array([[0, 5], [1, 7]], dtype=np.float32), [0, 1]
    found = permutation_importance(lambda X: X[:, 0], X, y, ["a", "b"], repeats=50)
    assert (found.auc, found.rows) == (1, 2)
    assert set(found.drops[0].tolist()) == {0, 1}
    assert 0.2 < found.means[0] < 0.8
    assert (found.drops[1] == 0).all()
    assert found.ranking.tolist() == [0, 1]


def test_agrees_with_scikit_learn(rows, model):
    X, y = rows
    found = permutation_importance(model.predict_proba, X, y, repeats=40)
    expected = scikit_learns(
        model, X, y, scoring="roc_auc_ovr", n_repeats=40, random_state=0
    ).importances_mean
    assert found.means == pytest.approx(expected, abs=0.02)
    assert found.auc == pytest.approx(
        roc_auc_score(y, model.predict_proba(X), multi_class="ovr"), abs=1e-6
    )
    assert found.features == ("x0", "x1", "x2")
    assert found.ranking.tolist() == [0, 1, 2]
    assert found.deviations.shape == (3,)


def test_few_calls_of_the_model(rows, model, monkeypatch):
    X, y = rows
    calls = []

    def predict(X):
        calls.append(len(X))
        return model.predict_proba(X)

    whole = permutation_importance(predict, X, y, repeats=4)
    assert calls == [150, 3 * 4 * 150]
    monkeypatch.setattr(importance, "BLOCK_NUMBERS", 5 * 150 * 3)
    blocks = permutation_importance(predict, X, y, repeats=4)
    assert calls[2:] == [150, 750, 750, 300]
    assert np.array_equal(blocks.drops, whole.drops)


def test_the_rows_stay_as_they_are(rows, model):
    X, y = rows
    before = X.copy()
    permutation_importance(model.predict_proba, X, y)
    assert np.array_equal(X, before)


def test_is_seeded(rows, model):
    first, again, other = (
        permutation_importance(model.predict_proba, *rows, seed=seed).drops for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_of_many_rows_a_sample_with_all_classes_is_used(monkeypatch):
    monkeypatch.setattr(importance, "MOST_PREDICTED_ROWS", 100 * 2 * 10)
    y = np.r_[np.zeros(970, int), np.ones(30, int)]
    X = np.c_[y, np.arange(1000)].astype(np.float32)
    seen = []
    found = permutation_importance(lambda X: seen.append(X) or X[:, 0], X, y)
    assert found.rows == 97 + 20
    assert np.count_nonzero(seen[0][:, 0]) == 20
    assert found.auc == 1


def test_one_column_of_probabilities_will_do(rows):
    X, y = rows
    X, y = X[y < 2], y[y < 2]
    p = lambda X: 1 / (1 + np.exp(1 - X[:, 0]))  # noqa: E731
    found = [
        permutation_importance(predict, X, y).drops
        for predict in (p, lambda X: p(X)[:, None], lambda X: np.c_[1 - p(X), p(X)])
    ]
    assert np.array_equal(found[0], found[1])
    assert found[2] == pytest.approx(found[0])


def test_a_single_repeat_has_no_deviation():
    found = Importance(("a",), np.array([[0.25]]), 0.9, 10)
    assert found.means.tolist() == [0.25]
    assert found.deviations.tolist() == [0]


@pytest.mark.parametrize(
    ("names", "repeats", "y", "said"),
    [
        (["a"], 5, [0, 1, 0], "1 feature names came for 2 columns"),
        (["a", "b"], 0, [0, 1, 0], "shuffled 0 times"),
        (["a", "b"], 5, [1, 1, 1], "all of one class"),
    ],
)
def test_what_does_not_fit_is_refused(names, repeats, y, said):
    with pytest.raises(DataError, match=said):
        permutation_importance(lambda X: X[:, 0], np.zeros((3, 2)), y, names, repeats=repeats)
