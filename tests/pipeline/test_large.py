"""Tables of many rows: no copies where views will do, and what a search of them takes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest

from trialstack.datasets.base import moments
from trialstack.datasets.chosen_rows import ChosenRows
from trialstack.executors.batch_order import OrderedFit
from trialstack.executors.batches import LargeTables
from trialstack.experiment import Experiment
from trialstack.pipeline import release
from trialstack.pipeline.data import Data
from trialstack.plots.plane import plane_of


def data_of(tables: dict[str, object]) -> Data:
    experiment = Experiment.from_dict(
        {"name": "x", "dataset": tables, "hypermodel": {"units": [[2, 8]]}}
    )
    return Data.of(experiment)


def test_rows_in_the_order_of_their_use_are_the_same_rows_without_copies() -> None:
    data = data_of({"source": "wine"})
    moved = data.laid_out()
    for name in ("fit", "validation", "test", "train"):
        before, after = getattr(data, name), getattr(moved, name)
        np.testing.assert_array_equal(before.X, after.X)
        np.testing.assert_array_equal(before.y, after.y)
        assert np.shares_memory(after.X, moved.X) == (name != "train")
        frame = moved.frame(getattr(moved.split, name))
        assert frame.equals(data.frame(getattr(data.split, name)))
    assert (moved.digest, moved.test_digest) == (data.digest, data.test_digest)


def test_rows_of_mixed_columns_are_the_same_in_the_order_of_their_use(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    ages = np.where(np.arange(60) % 7 == 0, np.nan, rng.normal(40, 9, 60))
    towns = np.array(["Rio", "Natal", None], dtype=object)[np.arange(60) % 3]
    frame = pd.DataFrame({"age": ages, "town": towns, "left": rng.permutation([0, 1] * 30)})
    frame.to_csv(tmp_path / "rows.csv", index=False)
    source = str(tmp_path / "rows.csv")
    data = data_of({"source": source, "target": "left", "test_size": 0.25})
    moved = data.laid_out()
    assert moved.feature_names == data.feature_names
    for name in ("fit", "validation", "test", "train"):
        before, after = getattr(data, name), getattr(moved, name)
        np.testing.assert_array_equal(before.X, after.X)
        np.testing.assert_array_equal(before.raw, after.raw)
        np.testing.assert_array_equal(before.y, after.y)
        assert np.shares_memory(after.X, moved.X) == (name != "train")
        rows, other = getattr(data.split, name), getattr(moved.split, name)
        assert moved.frame(other).equals(data.frame(rows))
        assert data.dataset.table is not None
        assert moved.dataset.table is not None
        for whole in ("labels", "row_numbers"):
            values = getattr(moved.dataset.table, whole)[other].tolist()
            assert values == getattr(data.dataset.table, whole)[rows].tolist()


def test_moments_of_many_rows_are_worked_out_column_by_column(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    X = np.random.default_rng(0).normal(1e3, 5.0, (700, 3)).astype(np.float32)
    whole = moments(X)
    monkeypatch.setattr("trialstack.datasets.base.ROWS_AT_ONCE", 100)
    np.testing.assert_allclose(moments(X), whole, rtol=1e-6)


def test_training_rows_of_a_large_table_are_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    data = data_of({"source": "wine"}).laid_out()
    few = data.train
    monkeypatch.setattr("trialstack.datasets.chosen_rows.MOST_COPIED", 0)
    many = data.train
    assert isinstance(many.X, ChosenRows)
    assert np.shares_memory(many.X.table, data.X)
    np.testing.assert_array_equal(np.asarray(many.X), few.X)
    assert (many.y == few.y).all()
    for one, other in zip(moments(many.X), moments(few.X), strict=True):
        np.testing.assert_array_equal(one, other)
    assert plane_of(many.X).points.tolist() == plane_of(few.X).points.tolist()


def test_a_fit_of_a_large_table_makes_no_copy_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trialstack.executors.batches.MOST_COPIED", 0)
    monkeypatch.setattr("trialstack.executors.batches.NUMBERS_OF_A_PIECE", 1 << 16)
    # Neither a tensor of all rows nor an array of them is to be had.
    monkeypatch.setattr("trialstack.executors.batches._tensor", None)
    monkeypatch.delattr(ChosenRows, "__array__")
    read: list[int] = []
    take = LargeTables.rows
    monkeypatch.setattr(
        LargeTables, "rows", lambda self, at: read.append(len(take(self, at)[1])) or take(self, at)
    )
    table, order = np.zeros((20_000, 30), np.float32), np.arange(20_000)[::-1]
    model = keras.Sequential([keras.Input((30,)), keras.layers.Dense(1, "sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    OrderedFit(0).attach(model)
    y = np.zeros(len(table), np.float32)
    model.fit(ChosenRows(table, order), y, epochs=1, batch_size=1024, verbose=0)
    assert max(read) == 2048, "65,536 numbers are two batches of 30 features"
    assert sum(read) >= len(table)


def test_memory_is_given_back_after_work_on_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    library = SimpleNamespace(malloc_trim=lambda pad: done.append("trimmed"))
    monkeypatch.setattr(release.ctypes, "CDLL", lambda name: library)
    monkeypatch.setattr(release.gc, "collect", lambda: done.append("collected"))
    release.release_rows(release.MUCH_MEMORY)
    assert done == []
    release.release_rows(release.MUCH_MEMORY + 1)
    assert done == ["collected", "trimmed"]
    monkeypatch.setattr(release.ctypes, "CDLL", lambda name: SimpleNamespace())
    release.release_rows(release.MUCH_MEMORY + 1)  # another C library
