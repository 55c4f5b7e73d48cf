"""What is cut into batches, and how; that a fit on them is Keras' own is in `test_batch_order`."""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest

from trialstack.datasets.chosen_rows import ChosenRows
from trialstack.executors import batches as module
from trialstack.executors.batches import (
    LargeTables,
    batches_of,
    can_be_cut,
    number_of_rows,
    rows_from,
    tensors_of,
)

X = np.arange(6.0).reshape(3, 2)
Y = np.array([0, 2, 0])
WEIGHT = np.ones(3)


@pytest.mark.parametrize(
    ("x", "y", "arguments", "cut"),
    [
        (X, Y, {}, True),
        (X, None, {}, True),
        (pd.DataFrame(X), pd.Series(Y), {"sample_weight": WEIGHT}, True),
        ({"a": X, "b": Y}, [Y, Y], {}, True),
        (X, Y, {"class_weight": {0: 2.0}}, True),
        (X, Y[:2], {}, False),
        (None, Y, {}, False),
        (iter([X]), None, {}, False),
        (np.float64(1), None, {}, False),
        (X, Y, {"class_weight": {0: 2.0}, "sample_weight": WEIGHT}, False),
        (X, [Y, Y], {"class_weight": {0: 2.0}}, False),
    ],
)
def test_tables_of_as_many_rows_can_be_cut(
    x: Any, y: Any, arguments: dict[str, Any], cut: bool
) -> None:
    assert can_be_cut(x, y, arguments) is cut


def test_rows_are_counted_and_taken_from_all_tables() -> None:
    both = {"array": X, "table": pd.DataFrame(X)}
    assert number_of_rows(both) == 3
    last = rows_from(both, 2)
    assert last["array"].tolist() == [[4.0, 5.0]]
    assert last["table"].to_numpy().tolist() == [[4.0, 5.0]]


def test_class_weights_become_weights_of_rows_and_others_count_once() -> None:
    for y in (Y, Y[:, None], np.eye(3)[Y]):
        weights = tensors_of(X, y, None, {0: 0.5})[2]
        assert weights.numpy().tolist() == [0.5, 1.0, 0.5]


def test_columns_stand_upright_and_floats_are_those_of_keras() -> None:
    x, y = tensors_of(pd.DataFrame({"a": [0.5], "b": [True]}), pd.Series([1]), None, None)
    assert (x.dtype.name, x.numpy().tolist()) == ("float32", [[0.5, 1.0]])
    assert (y.dtype.name, y.numpy().tolist()) == ("int64", [[1]])


def test_every_epoch_ends_with_the_rows_that_are_left() -> None:
    def orders() -> Iterator[Any]:
        yield np.array([2, 0, 1])
        yield np.array([1, 2, 0])

    batches = batches_of(tensors_of(Y, None, None, None), 3, 2, orders)
    assert [batch.numpy().ravel().tolist() for batch in batches] == [[0, 0], [2], [2, 0], [0]]


@pytest.mark.parametrize(
    "tables",
    [(X, None, None), (X, Y, None), (X, Y, WEIGHT), ({"a": X, "b": Y[:, None]}, (Y, Y), None)],
)
def test_large_arrays_are_cut_into_the_same_batches(
    tables: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def orders() -> Iterator[Any]:
        yield np.array([2, 0, 1])
        yield np.array([1, 2, 0])

    def read(batches: Any) -> list[Any]:
        return [keras.tree.map_structure(lambda leaf: leaf.numpy().tolist(), b) for b in batches]

    small = tensors_of(*tables, None)
    expected = batches_of(small, 3, 2, orders)
    monkeypatch.setattr(module, "MOST_COPIED", 0)
    for numbers in (1, 1000):
        monkeypatch.setattr(module, "NUMBERS_OF_A_PIECE", numbers)
        large = tensors_of(*tables, None)
        assert isinstance(large, LargeTables)
        found = batches_of(large, 3, 2, orders)
        assert read(found) == read(expected)
        for one, other in zip(
            *map(keras.tree.flatten, (found.element_spec, expected.element_spec)), strict=True
        ):
            assert (one.shape.as_list(), one.dtype) == (other.shape.as_list(), other.dtype)


def test_large_arrays_are_let_go_with_what_holds_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_COPIED", 0)
    large = tensors_of(X, Y, None, None)
    batches = iter(batches_of(large, 3, 2, lambda: iter([np.arange(3)] * 1000)))
    next(batches)
    gone = weakref.ref(large)
    del large
    end = time.monotonic() + 60
    while gone() is not None and time.monotonic() < end:
        time.sleep(0.01)  # the thread that reads ahead may be at a piece of it just now
    assert gone() is None
    assert len(list(batches)) < 20, "what was read ahead, and no more"


def test_chosen_rows_of_a_table_that_is_not_large_become_a_tensor() -> None:
    rows = ChosenRows(X, np.array([2, 0]))
    assert can_be_cut(rows, Y[:2], {})
    assert tensors_of(rows, None, None, None).numpy().tolist() == X[[2, 0]].tolist()
