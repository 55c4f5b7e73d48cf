"""What is refused, and what is only warned of, before training."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from trialstack.datasets.base import Dataset, moments, tabulate
from trialstack.datasets.checks import check_rows
from trialstack.errors import DataError


def table(X: NDArray[np.float64], labels: list[object]) -> Dataset:
    names = [f"c{i}" for i in range(X.shape[1])]
    return tabulate(
        name="tiny", source="memory", X=X, labels=labels, feature_names=names, target_name="kind"
    )


@pytest.fixture(name="X")
def numbers() -> NDArray[np.float64]:
    return np.random.default_rng(0).normal(size=(24, 3))


HALVES: list[object] = ["a", "b"] * 12


def test_good_rows_pass_in_silence(X: NDArray[np.float64]) -> None:
    assert check_rows(table(X, HALVES)) == []


def test_constant_columns_are_warned_of(X: NDArray[np.float64]) -> None:
    X[:, 1] = 7
    assert check_rows(table(X, HALVES), "e.toml") == [
        "e.toml: column 'c1': every row holds 7, which tells nothing; leave the column out"
    ]


@pytest.mark.parametrize("cell", [np.nan, np.inf, 1e300])
def test_a_cell_that_is_no_number(X: NDArray[np.float64], cell: float) -> None:
    X[[3, 5], 2] = cell
    with pytest.raises(DataError, match=r"^e\.toml: column 'c2': 2 of 24 rows hold NaN"):
        check_rows(table(X, HALVES), "e.toml")


def test_further_spoiled_columns_are_counted(X: NDArray[np.float64]) -> None:
    X[0] = np.nan
    with pytest.raises(DataError, match=r"column 'c0': 1 of 24 rows .* \(and 2 more columns\)"):
        check_rows(table(X, HALVES))


def test_a_single_class(X: NDArray[np.float64]) -> None:
    with pytest.raises(DataError, match=r"column 'kind': every row is of class 'a'"):
        check_rows(table(X, ["a"] * 24))


def test_a_class_too_small(X: NDArray[np.float64]) -> None:
    with pytest.raises(DataError, match=r"column 'kind': class 'b' has 2 rows; at least 3"):
        check_rows(table(X, ["a"] * 22 + ["b"] * 2))


def test_too_few_rows(X: NDArray[np.float64]) -> None:
    with pytest.raises(DataError, match=r"dataset 'tiny': 19 rows and 3 feature columns came"):
        check_rows(table(X[:19], HALVES[:19]))


def test_moments_of_large_numbers_keep_their_precision() -> None:
    X = np.array([[4096.0], [4097.0]] * 50_000, dtype=np.float32)
    mean, variance = moments(X)
    assert mean.tolist() == [4096.5]
    assert variance.tolist() == [0.25]
