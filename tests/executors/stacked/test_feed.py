"""How a stack reads its rows: the same ones, whether they are kept as tensors or come in pieces."""

from __future__ import annotations

import tracemalloc
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from trialstack.datasets.chosen_rows import ChosenRows
from trialstack.executors.stacked import feed as module
from trialstack.executors.stacked.feed import Feed, Piece

ROWS, FEATURES = 50, 3
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, FEATURES)).astype(np.float32)
Y = RNG.integers(0, 2, ROWS)
WEIGHT = RNG.random(ROWS).astype(np.float32)


def plan(loss: str = "binary", width: int = FEATURES) -> Any:
    normalization = keras.layers.Normalization(mean=[0.5] * FEATURES, variance=[2.0] * FEATURES)
    chain = SimpleNamespace(preprocessing=(normalization,), width=lambda columns: width)
    return SimpleNamespace(chain=chain, loss=SimpleNamespace(kind=loss))


def in_pieces(monkeypatch: pytest.MonkeyPatch, numbers: int) -> None:
    monkeypatch.setattr(module, "MOST_COPIED", 0)
    monkeypatch.setattr(module, "NUMBERS_OF_A_PIECE", numbers)


def read(pieces: list[Piece]) -> list[list[Any]]:
    """Features, targets, weights and the targets of metrics, in the order of training."""
    of_pieces = [
        [*(part.numpy()[piece.order.numpy()] for part in piece.rows), piece.y] for piece in pieces
    ]
    return [np.concatenate(parts).tolist() for parts in zip(*of_pieces, strict=True)]


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("loss", ["binary", "sparse"])
def test_pieces_hold_the_same_rows_as_tensors_of_all(
    loss: str, weight: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = np.random.default_rng(1).permutation(ROWS)
    whole = [*Feed(plan(loss), X, Y, weight).pieces(order, 4, 1)]
    in_pieces(monkeypatch, 30)
    parts = [*Feed(plan(loss), X, Y, weight).pieces(order, 4, 1)]
    assert len(whole) == 1
    assert [len(piece.y) for piece in parts] == [8] * 6 + [2], "30 numbers are 2 batches of 4 rows"
    assert read(parts) == read(whole)
    shuffled = Feed(plan(loss), ChosenRows(X, order), Y[order], None)
    again = read([*shuffled.pieces(np.argsort(order), 4, 1)])
    assert again[0] == read([*Feed(plan(loss), X, Y, None).pieces(np.arange(ROWS), 4, 1)])[0]


def test_what_many_trials_predict_makes_pieces_of_a_table_that_is_kept_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "NUMBERS_OF_A_PIECE", 100)
    feed = Feed(plan(), X, Y, None)
    pieces = [*feed.pieces(np.arange(ROWS), 10, 5)]
    assert feed.is_kept
    assert [len(piece.y) for piece in pieces] == [20, 20, 10]
    assert pieces[0].rows is pieces[1].rows
    assert [len(piece.y) for piece in feed.pieces(np.arange(ROWS), 64, 5)] == [50], "one batch"


@pytest.mark.parametrize("size", [20, 100])
def test_batches_of_validation_are_the_same(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = [*Feed(plan(), X, Y, WEIGHT).batches(size)]
    in_pieces(monkeypatch, 1)
    gathered = [*Feed(plan(), X, Y, WEIGHT).batches(size)]
    assert [len(y) for _, y in kept] == ([20, 20, 10] if size == 20 else [50])
    for (a, y), (b, other) in zip(kept, gathered, strict=True):
        assert all((part.numpy() == same.numpy()).all() for part, same in zip(a, b, strict=True))
        assert y.tolist() == other.tolist()


def test_no_copy_of_a_large_table_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    in_pieces(monkeypatch, 1 << 16)
    table = np.zeros((200_000, FEATURES), np.float32)
    targets, order = np.zeros(len(table), np.float32), np.arange(len(table))[::-1]
    tensors = []
    monkeypatch.setattr(
        module, "preprocessed", lambda layers, x: tensors.append(len(x)) or x.sum(axis=0)
    )
    tracemalloc.start()
    try:
        feed = Feed(plan(), ChosenRows(table, order), targets, None)
        assert sum(len(piece.y) for piece in feed.pieces(order, 100, 1)) == len(table)
        assert sum(len(y) for _, y in feed.batches(1024)) == len(table)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert max(tensors) * FEATURES <= 1 << 16
    assert peak < table.nbytes / 2
