"""Labels of every usual form become class indices and names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from trialstack.errors import DataError
from trialstack.plots.labels import class_labels


@pytest.mark.parametrize(
    ("labels", "n_classes", "indices", "names"),
    [
        (["b", "a", "b"], None, [1, 0, 1], ["a", "b"]),
        (pd.Series(["b", "a", "b"]), 2, [1, 0, 1], ["a", "b"]),
        (pd.Categorical(["b", "a", "b"]), None, [1, 0, 1], ["a", "b"]),
        ([1, 0, 1], 2, [1, 0, 1], ["0", "1"]),
        ([2, 0, 2], 3, [2, 0, 2], ["0", "1", "2"]),
        ([2, 0, 2], None, [1, 0, 1], ["0", "2"]),
        ([2.0, 1.0, 2.0], 2, [1, 0, 1], ["1", "2"]),
        ([0.5, 1.0], None, [0, 1], ["0.5", "1"]),
        ([True, False], 2, [1, 0], ["False", "True"]),
        ([[1], [0]], 2, [1, 0], ["0", "1"]),
        ([[0, 1, 0], [0, 0, 1]], 3, [1, 2], ["0", "1", "2"]),
        ([[0, 1, 0], [0, 0, 1]], None, [0, 1], ["1", "2"]),
    ],
)
def test_without_names(
    labels: Any, n_classes: int | None, indices: list[int], names: list[str]
) -> None:
    found = class_labels(labels, n_classes=n_classes)
    assert (found.indices.tolist(), found.names) == (indices, names)


@pytest.mark.parametrize(
    ("labels", "classes", "indices"),
    [
        (["b", "a"], ["b", "a"], [0, 1]),
        ([0, 1], ["b", "a"], [0, 1]),
        (["1", "2"], [1, 2], [0, 1]),
        ([2.0, 2.0], [1, 2], [1, 1]),
        ([[0, 1], [1, 0]], ["b", "a"], [1, 0]),
    ],
)
def test_with_names(labels: Any, classes: list[Any], indices: list[int]) -> None:
    found = class_labels(labels, classes)
    assert (found.indices.tolist(), found.names) == (indices, [str(name) for name in classes])


@pytest.mark.parametrize(
    ("labels", "classes", "n_classes", "message"),
    [
        ([], None, None, r"got labels of shape \(0,\)"),
        (np.zeros((2, 2, 2)), None, None, r"got labels of shape \(2, 2, 2\)"),
        ([[1, 0], [0, 1]], None, 3, r"got labels of shape \(2, 2\)"),
        ([0, float("nan")], None, 2, "1 of 2 labels are missing; leave out those rows, in X too"),
        (pd.Series(["a", None]), None, 2, "1 of 2 labels are missing"),
        (np.array([1, "a"], object), None, 2, "labels are of several kinds"),
        (["a", "b", "c"], None, 2, "got 3 classes for a model that tells 2 apart"),
        (["a", "c"], ["a", "b"], None, "label c is none of the classes a, b"),
    ],
)
def test_what_is_refused(labels: Any, classes: Any, n_classes: int | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        class_labels(labels, classes, n_classes)
