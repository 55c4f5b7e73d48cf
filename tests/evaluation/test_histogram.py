from __future__ import annotations

import numpy as np
import pytest

from trialstack.errors import DataError
from trialstack.evaluation.histogram import score_histogram


def counts(histogram):
    return {name: rows.tolist() for name, rows in histogram.counts.items()}


def test_two_classes_by_hand():
    p = [[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8], [0, 1]]
    found = score_histogram([0, 0, 1, 1, 1], p, ["no", "yes"], bins=4)
    assert found.label == "yes"
    assert found.edges.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert counts(found) == {"no": [1, 1, 0, 0], "yes": [0, 1, 0, 2]}


def test_several_classes_are_right_or_wrong():
    p = [[0.6, 0.3, 0.1], [0.5, 0.2, 0.3], [0.1, 0.1, 0.8]]
    found = score_histogram([0, 1, 2], p, list("abc"), bins=2)
    assert found.label == ""
    assert counts(found) == {"wrong": [0, 1], "right": [0, 2]}


def test_every_row_is_counted_once():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(5), size=200)
    found = score_histogram(np.arange(200) % 5, p, list("abcde"))
    assert sum(rows.sum() for rows in found.counts.values()) == 200


def test_names_must_fit_the_columns():
    with pytest.raises(DataError, match="3 class names came for 2 columns"):
        score_histogram([0, 1], np.eye(2), list("abc"))
