"""Who sees which rows, with sizes counted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from trialstack.datasets.base import Dataset, tabulate
from trialstack.datasets.load import load_dataset
from trialstack.datasets.split import Split, split_dataset
from trialstack.errors import DataError
from trialstack.experiment import DatasetSettings


def settings(source: str = "breast_cancer", **keys: Any) -> DatasetSettings:
    return DatasetSettings.model_validate({"source": source, **keys})


def split(source: str = "breast_cancer", **keys: Any) -> Split:
    chosen = settings(source, **keys)
    return split_dataset(load_dataset(chosen), chosen)


def labelled(labels: list[int]) -> Dataset:
    return tabulate(
        name="tiny",
        source="memory",
        X=np.arange(len(labels), dtype=float)[:, None],
        labels=labels,
        feature_names=["x"],
        target_name="y",
    )


@pytest.mark.parametrize("validation", ["stratified", "last"])
@pytest.mark.parametrize("kind", ["stratified", "first", "none"])
def test_every_row_is_in_exactly_one_part(kind: str, validation: str) -> None:
    parts = split(split=kind, validation=validation)
    rows = np.concatenate([parts.fit, parts.validation, parts.test])
    assert sorted(rows.tolist()) == list(range(569))
    assert sorted(parts.train) == sorted([*parts.fit, *parts.validation])


def test_the_tutorials_sizes_and_rows() -> None:
    parts = split(validation="last")
    assert (len(parts.train), len(parts.test)) == (426, 143)
    assert (len(parts.fit), len(parts.validation)) == (319, 107)
    assert np.array_equal(parts.train, [*parts.fit, *parts.validation])
    X, y = load_breast_cancer(return_X_y=True)
    X_train, X_test, _, y_test = train_test_split(X, y, stratify=y, test_size=0.25, random_state=42)
    assert np.array_equal(X[parts.train], X_train)
    assert np.array_equal(X[parts.test], X_test)
    assert np.array_equal(y[parts.test], y_test)


def test_stratified_parts_have_the_classes_in_proportion() -> None:
    parts = split()
    y = load_breast_cancer().target
    assert (len(parts.fit), len(parts.validation), len(parts.test)) == (319, 107, 143)
    for rows in (parts.fit, parts.validation, parts.test):
        assert y[rows].mean() == pytest.approx(357 / 569, abs=0.005)


def test_first_rows_train_and_last_rows_test() -> None:
    parts = split("circles", split="first", test_size=0.2, validation_size=0)
    assert parts.train.tolist() == list(range(800))
    assert parts.test.tolist() == list(range(800, 1000))
    assert parts.validation.size == 0


def test_no_test_rows() -> None:
    parts = split("circles", split="none")
    assert parts.test.size == 0
    assert (len(parts.fit), len(parts.validation)) == (750, 250)


def test_the_seed_decides() -> None:
    assert np.array_equal(split(seed=1).test, split(seed=1).test)
    assert not np.array_equal(split(seed=1).test, split(seed=2).test)


def test_a_class_of_one_row_cannot_be_stratified() -> None:
    key = r"^e\.toml: key 'dataset\.test_size': 0\.25 of the 21 rows .*least pop"
    with pytest.raises(DataError, match=key):
        split_dataset(labelled([0] * 20 + [1]), settings(), lambda _key: "e.toml")
    places = {"dataset.validation_size": "command line"}
    key = r"^command line: key 'dataset\.validation_size': 0\.9999 of the 750 rows"
    chosen = settings("circles", validation_size=0.9999)
    with pytest.raises(DataError, match=key):
        split_dataset(load_dataset(chosen), chosen, places.__getitem__)


def test_a_part_without_a_class_is_refused() -> None:
    sorted_by_class = labelled([0] * 30 + [1] * 30)
    with pytest.raises(
        DataError,
        match=r"^experiment: key 'dataset\.test_size': the 15 test rows .* class 0; use a strat",
    ):
        split_dataset(sorted_by_class, settings(split="first", validation="stratified"))
    with pytest.raises(DataError, match=r"the 15 validation rows of 'tiny' have none of class 0"):
        split_dataset(sorted_by_class, settings(split="none", validation="last"))
