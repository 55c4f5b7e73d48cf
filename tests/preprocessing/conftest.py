"""A table of every kind of column, small enough to be worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trialstack.datasets.columns import Column, Schema

NAN = float("nan")


def texts(*values):
    return np.array(values, dtype=object)


@pytest.fixture
def frame():
    """Ten rows; "Rome" and a missing city are rarer than a category of its own may be."""
    return pd.DataFrame(
        {
            "city": texts(*["Oslo"] * 5, "Rome", None, *["Bern"] * 3),
            "age": [1.0, NAN, 3.0, 5.0, 7.0, 9.0, 11.0, 13.0, 15.0, 100.0],
            "paid": [1.0, 1.0, NAN, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0],
            "size": np.arange(10.0),
        }
    )


@pytest.fixture
def schema():
    return Schema(
        (
            Column("city", "categorical", ("Bern", "Oslo", "Rome"), has_missing=True),
            Column("age", has_missing=True),
            Column("paid", "boolean", has_missing=True),
            Column("size", is_integer=True),
        )
    )
