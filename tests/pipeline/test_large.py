"""Tables of many rows: no copies where views will do, and what a search of them takes."""

from __future__ import annotations

import numpy as np
import pytest

from trialstack.datasets.base import moments
from trialstack.experiment import Experiment
from trialstack.pipeline.data import Data
from trialstack.pipeline.estimate import seconds_of_search


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


def test_moments_of_many_rows_are_worked_out_column_by_column(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    X = np.random.default_rng(0).normal(1e3, 5.0, (700, 3)).astype(np.float32)
    whole = moments(X)
    monkeypatch.setattr("trialstack.datasets.base.ROWS_AT_ONCE", 100)
    np.testing.assert_allclose(moments(X), whole, rtol=1e-6)


def test_seconds_of_a_search_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    tables = {
        "name": "x",
        "dataset": {"source": "wine"},
        "hypermodel": {"units": [[10, 20], [5, 15]], "layers": [1, 2]},
        "search": {"max_trials": 10, "epochs": 40, "batch_size": 100},
    }
    sizes = {"features": 20, "numeric": 20, "classes": 2}
    rows = {"fit_rows": 500_000, "train_rows": 750_000, "rows": 1_000_000}
    found = seconds_of_search(Experiment.from_dict(tables), **sizes, **rows)
    assert found is not None
    one, two = 20 * 15 + 15, 20 * 15 + 15 * 10 + 10
    operations = (one + two) / 2 * 6 * 500_000 * 40 * 10
    seconds = operations / (2 * 40e6 * 100) + 0.002 * 40 * 1_250_000 / 100
    stopped = 0.3 if Experiment.from_dict(tables).search.patience is not None else 1.0
    assert found == pytest.approx((85 + stopped * seconds / 1.5, 85 + seconds * 1.5))
