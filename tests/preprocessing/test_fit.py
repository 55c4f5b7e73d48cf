from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trialstack.datasets.columns import Column, Schema
from trialstack.preprocessing.fit import fit_preparation
from trialstack.preprocessing.prepared import NumberColumn, TextColumn


def categories(values, **column):
    """What is learned of a column of categories."""
    frame = pd.DataFrame({"x": np.array(values, dtype=object)})
    known = tuple(sorted({value for value in values if value is not None}))
    schema = Schema((Column("x", "categorical", known, **column),))
    return fit_preparation(schema, frame).texts[0]


def test_by_hand(schema, frame):
    preparation = fit_preparation(schema, frame)
    assert preparation.columns == ("city", "age", "paid", "size")
    assert preparation.numbers == (
        NumberColumn("age", 9.0, flagged=True),  # median of 1, 3, 5, 7, 9, 11, 13, 15, 100
        NumberColumn("size", 4.5),
        NumberColumn("paid", 1.0, flagged=True, boolean=True),
    )
    assert preparation.texts == (TextColumn("city", ("Oslo",), "(missing)"),)
    assert preparation.feature_names == (
        "age",
        "size",
        "paid",
        "age = (missing)",
        "paid = (missing)",
        "city = (other)",
        "city = Oslo",
    )
    assert preparation.sources == ((5, 6), (0, 3), (2, 4), (1,))
    assert preparation.n_numeric == 2


def test_the_rows_decide_not_the_schema(schema, frame):
    """The schema is of all rows; what a model may know is in its training rows."""
    preparation = fit_preparation(schema, frame[2:6].reset_index(drop=True))
    assert [column.flagged for column in preparation.numbers] == [False, False, True]
    assert preparation.texts[0].vocabulary == ()


def test_a_column_without_any_value_in_training():
    frame = pd.DataFrame({"x": [float("nan")] * 3})
    preparation = fit_preparation(Schema((Column("x", has_missing=True),)), frame)
    assert preparation.numbers == (NumberColumn("x", 0.0, flagged=True),)


def test_truth_values_that_are_as_often_true_as_false():
    frame = pd.DataFrame({"x": [0.0, 1.0]})
    (column,) = fit_preparation(Schema((Column("x", "boolean"),)), frame).numbers
    assert column.fill == 0.0


def test_most_frequent_first_and_equal_ones_by_name():
    values = ["b"] * 5 + ["c"] * 9 + ["a"] * 5 + ["rare"] * 4
    assert categories(values).vocabulary == ("c", "a", "b")
    assert categories(values[::-1]) == categories(values)


def test_a_missing_category_is_a_category_when_it_is_not_rare():
    column = categories([None] * 5 + ["a"] * 5, has_missing=True)
    assert column.vocabulary == ("(missing)", "a")


def test_what_stands_for_missing_is_no_category():
    column = categories(["(missing)"] * 6 + [None] * 5)
    assert column.missing == "((missing))"
    assert column.vocabulary == ("(missing)", "((missing))")


@pytest.mark.parametrize(("others", "bins"), [(32, 0), (33, 32)])
def test_many_rare_categories_are_told_apart_by_their_hash(others, bins):
    values = ["common"] * 6 + [f"rare {number}" for number in range(others)]
    column = categories(values)
    assert (column.vocabulary, column.bins) == (("common",), bins)


def test_only_the_most_frequent_categories_have_a_feature_of_their_own():
    values = [f"{number:03d}" for number in range(100) for _ in range(5 + number)]
    column = categories(values)
    assert column.vocabulary == tuple(f"{number:03d}" for number in range(99, 35, -1))
    assert column.bins == 32
    assert len(list(column.features)) == 1 + 64 + 32
