from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from trialstack.evaluation import bootstrap
from trialstack.evaluation.bootstrap import bootstrap_auc


@pytest.fixture
def three_classes():
    rng = np.random.default_rng(4)
    y = rng.integers(3, size=60)
    p = rng.integers(1, 9, size=(60, 3)) + 2.0 * np.eye(3)[y]  # with ties
    return y, p / p.sum(axis=1, keepdims=True)


def test_each_resample_is_scored_as_scikit_learn_would(three_classes):
    y, p = three_classes
    counts = next(bootstrap.resampled_counts(y, 20, seed=0)).astype(int)
    found = bootstrap_auc(y, [p], resamples=20, seed=0)[:, 0]
    for weights, auc in zip(counts.T, found, strict=True):
        rows = np.repeat(np.arange(60), weights)
        expected = roc_auc_score(y[rows], p[rows], multi_class="ovr", average="macro")
        assert auc == pytest.approx(expected)


def test_resamples_keep_the_size_of_each_class(three_classes):
    y, _ = three_classes
    counts = next(bootstrap.resampled_counts(y, 50, seed=0))
    for k in range(3):
        assert (counts[y == k].sum(axis=0) == np.count_nonzero(y == k)).all()
    assert (counts > 1).any()


def test_models_share_their_resamples(three_classes):
    y, p = three_classes
    both = bootstrap_auc(y, [p, p], resamples=30)
    assert (both[:, 0] == both[:, 1]).all()
    assert np.ptp(both[:, 0]) > 0


def test_blocks_cover_all_resamples(three_classes, monkeypatch):
    y, p = three_classes
    monkeypatch.setattr(bootstrap, "BLOCK_ELEMENTS", 60 * 7)
    monkeypatch.setattr(bootstrap, "BLOCK_RESAMPLES", 5)
    assert list(bootstrap.blocks_of(30, 60)) == [7, 7, 7, 7, 2]
    found = bootstrap_auc(y, [p], resamples=30)
    assert found.shape == (30, 1)
    assert len(np.unique(found)) > 20


def test_many_rows_are_drawn_less_often(three_classes, monkeypatch):
    y, p = three_classes
    assert bootstrap_auc(y, [p]).shape == (2000, 1)
    monkeypatch.setattr(bootstrap, "MOST_DRAWN_ROWS", 60 * 3 * 500)
    assert bootstrap_auc(y, [p]).shape == (500, 1)
    monkeypatch.setattr(bootstrap, "MOST_DRAWN_ROWS", 60)
    assert bootstrap_auc(y, [p]).shape == (200, 1)
