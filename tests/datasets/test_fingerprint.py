"""Digests notice every change, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trialstack.datasets.fingerprint import fingerprint, row_hashes, rows_digest

ROWS: dict[str, Any] = {
    "X": np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 5.0]], dtype=np.float32),
    "y": np.array([0, 1, 0]),
    "feature_names": ("a", "b"),
    "classes": (0, 1),
}


def test_fingerprint_is_the_same_for_ever() -> None:
    assert fingerprint(**ROWS) == fingerprint(**ROWS)
    assert fingerprint(**ROWS) == "766f19d5ca7277d5dff3a4713dd4a9d56a290fc18aca4a0a2cd5c355d4ba91d4"


@pytest.mark.parametrize(
    "changed",
    [
        {"X": np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 5.000001]], dtype=np.float32)},
        {"X": ROWS["X"][[1, 0, 2]], "y": np.array([1, 0, 0])},
        {"y": np.array([0, 1, 1])},
        {"feature_names": ("b", "a")},
        {"feature_names": ("ab", "")},
        {"classes": ("0", "1")},
    ],
)
def test_fingerprint_notices(changed: dict[str, Any]) -> None:
    assert fingerprint(**(ROWS | changed)) != fingerprint(**ROWS)


def test_equal_numbers_have_equal_digests_however_they_are_stored() -> None:
    X, y = ROWS["X"], ROWS["y"]
    stored = np.asfortranarray(np.where(X == 0, -0.0, X).astype(np.float32))
    assert fingerprint(**(ROWS | {"X": stored, "y": y.astype(np.int32)})) == fingerprint(**ROWS)
    assert row_hashes(stored, y) == row_hashes(X, y)


def test_blocks_of_rows_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    X = np.random.default_rng(0).normal(size=(25, 3)).astype(np.float32)
    y, names = np.arange(25) % 2, ["a", "b", "c"]
    whole = fingerprint(X, y, names, [0, 1]), row_hashes(X, y)
    monkeypatch.setattr("trialstack.datasets.fingerprint.ROWS_AT_ONCE", 10)
    assert (fingerprint(X, y, names, [0, 1]), row_hashes(X, y)) == whole


def test_rows_are_a_set_in_any_order() -> None:
    X, y = ROWS["X"], ROWS["y"]
    order = [2, 0, 1]
    assert rows_digest(X[order], y[order]) == rows_digest(X, y)
    assert rows_digest(X[:2], y[:2]) != rows_digest(X, y)
    assert rows_digest(X, 1 - y) != rows_digest(X, y)


def test_rows_are_found_among_others() -> None:
    X, y = ROWS["X"], ROWS["y"]
    assert set(row_hashes(X[1:2], y[1:2])) <= set(row_hashes(X, y))
    assert len(set(row_hashes(X, y))) == 3
