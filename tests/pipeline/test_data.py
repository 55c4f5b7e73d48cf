"""From a file of mixed columns to what networks are given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trialstack.experiment import Experiment
from trialstack.pipeline.data import Data

ROWS = 80


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    kind = np.arange(ROWS) % 2
    return pd.DataFrame(
        {
            "weight": rng.normal(size=ROWS) + kind,
            "city": rng.choice(["Bern", "Oslo"], ROWS),
            "visits": rng.integers(0, 9, ROWS),
            "member": rng.random(ROWS) < 0.5,
            "age": pd.Series(rng.normal(40, 9, ROWS)).mask(rng.random(ROWS) < 0.2),
            "churned": np.where(kind, "yes", "no"),
        }
    )


def data_of(folder: Path, frame: pd.DataFrame) -> Data:
    frame.to_csv(folder / "rows.csv", index=False)
    tables = {
        "name": "rows",
        "dataset": {"source": "rows.csv", "target": "churned"},
        "hypermodel": {"units": [[2, 8]]},
    }
    return Data.of(Experiment.from_dict(tables, folder=folder))


def test_columns_become_features(tmp_path: Path, frame: pd.DataFrame) -> None:
    data = data_of(tmp_path, frame)
    assert data.feature_names == (
        *("weight", "visits", "age", "member", "age = (missing)"),
        *("city = (other)", "city = Oslo", "city = Bern"),
    )  # fmt: skip
    assert (data.X.shape, data.X.dtype, data.n_numeric) == ((ROWS, 8), np.float32, 3)
    assert dict(data.columns) == {
        "weight": (0,),
        "city": (5, 6, 7),
        "visits": (1,),
        "member": (3,),
        "age": (2, 4),
    }
    np.testing.assert_array_equal(data.X[:, 4], frame["age"].isna())
    assert data.X is data.X, "made once"


def test_the_test_rows_have_no_part_in_it(tmp_path: Path, frame: pd.DataFrame) -> None:
    before = data_of(tmp_path, frame)
    changed = frame.copy()
    changed.loc[before.split.test, ["age", "weight"]] *= 1000
    changed.loc[before.split.test, "city"] = "Rome"
    after = data_of(tmp_path, changed)
    np.testing.assert_array_equal(after.split.test, before.split.test)
    assert after.preparation is not None
    assert before.preparation is not None
    assert after.preparation.numbers == before.preparation.numbers
    assert after.preparation.texts == before.preparation.texts
    np.testing.assert_array_equal(after.train.X, before.train.X)


def test_rows_are_known_by_what_the_file_has(tmp_path: Path, frame: pd.DataFrame) -> None:
    """Whatever other training rows make of them."""
    data = data_of(tmp_path, frame)
    assert data.test is not None
    np.testing.assert_array_equal(data.test.known_by, data.dataset.X[data.split.test])


def test_a_frame_is_as_the_file_has_it(tmp_path: Path, frame: pd.DataFrame) -> None:
    data = data_of(tmp_path, frame)
    rows = np.array([3, 0, 7])
    found = data.frame(rows)
    expected = frame.iloc[rows].reset_index(drop=True).drop(columns="churned")
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    assert found["visits"].dtype == "int64"
    assert found["member"].tolist() == expected["member"].tolist()


def test_plain_numbers_stay_as_they_are(tmp_path: Path, frame: pd.DataFrame) -> None:
    data = data_of(tmp_path, frame[["weight", "visits", "churned"]])
    assert data.preparation is None
    assert data.X is data.dataset.X
    assert data.train.raw is None
    assert dict(data.columns) == {"weight": (0,), "visits": (1,)}
