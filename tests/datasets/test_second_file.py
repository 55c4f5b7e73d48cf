"""A file of test rows: it is judged by, and decides nothing about the columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.datasets.written import ROWS, Columns, X, Y, changed, read, text
from trialstack.datasets.columns import Column
from trialstack.datasets.read import ReadDataset
from trialstack.errors import DataError


@pytest.fixture(autouse=True)
def _here(in_tmp: Path) -> None:
    """Every file is in the current folder, as a person has it."""


def test_test_rows_of_a_file_of_their_own() -> None:
    other = text({"y": Y[:24], "more": X[:24], "x": X[:24]})
    Path("test.csv").write_text(other)
    found = read({"x": X[::-1], "y": Y}, test_source="test.csv")
    assert found.split.test.tolist() == list(range(40, 64))
    assert sorted(found.split.train) == list(range(40))
    assert found.dataset.raw[40:, 0].tolist() == list(map(float, X[:24]))


def test_a_cell_of_that_file_is_told_with_it() -> None:
    Path("test.csv").write_text(text({"x": changed(X, {3: "inf"}), "y": Y}))
    with pytest.raises(DataError, match=r"^test\.csv: column 'x', row 3: inf came"):
        read({"x": X, "y": Y}, test_source="test.csv")


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        ({"z": X, "y": Y}, "test.csv: column 'x' of rows.csv is not there; add it, or name it"),
        (
            {"x": X, "y": ["a", "yes"] * 20},
            "e.toml: key 'dataset.test_source': class 'a' is among its rows only; add rows of "
            "it to rows.csv, or leave them out of the test rows",
        ),
    ],
)
def test_what_that_file_may_not_lack(columns: Columns, line: str) -> None:
    Path("test.csv").write_text(text(columns))
    with pytest.raises(DataError) as refusal:
        read({"x": X, "y": Y}, test_source="test.csv")
    assert str(refusal.value).startswith(line)


def with_tests(rows: Columns, tests: Columns, **keys: Any) -> ReadDataset:
    """Rows to learn from, and others in a file of their own; both with the columns x and y."""
    Path("test.csv").write_text(text({"x": X, "y": Y, **tests}))
    others = [f"{value}5" for value in X]  # no row is in both files
    return read({"x": others, "y": Y, **rows}, test_source="test.csv", **keys)


@pytest.mark.parametrize(
    ("learnt", "judged", "line"),
    [
        (X[::-1], {3: "old"}, "text 'old' came, where the rows to learn from have numbers"),
        (X[::-1], {3: "true"}, "text 'true' came, where the rows to learn from have numbers"),
        (X[::-1], {3: "?", 9: "-"}, "text '?' came, where the rows to learn from have numbers"),
        (
            changed(X[::-1], {1: "-"}),
            {3: "?", 9: "-"},
            "text '?' came, where the rows to learn from have numbers",
        ),
        (
            ["true", "false"] * 20,
            dict.fromkeys(range(1, 41), 1) | {3: "maybe"},
            "text 'maybe' came, where the rows to learn from have true and false",
        ),
    ],
)
def test_text_among_numbers_is_refused(
    learnt: list[Any], judged: dict[int, Any], line: str
) -> None:
    with pytest.raises(DataError) as refusal:
        with_tests({"a": learnt}, {"a": changed(X, judged)})
    more = " and one more" if list(judged.values()) == ["?", "-"] and learnt == X[::-1] else ""
    assert str(refusal.value) == (
        f"test.csv: column 'a', row 3{more}: {line}; empty such cells, or name the column in "
        "categorical"
    )


def test_text_that_stands_for_missing_values_does_so_in_both_files() -> None:
    learnt = changed(X[::-1], {2: "?", 5: "-"})
    found = with_tests({"a": learnt}, {"a": changed(X, {7: "?"})})
    assert found.dataset.table is not None
    assert np.flatnonzero(np.isnan(found.dataset.table.frame["a"])).tolist() == [1, 4, ROWS + 6]
    assert found.dataset.schema is not None
    assert found.dataset.schema["a"] == Column("a", has_missing=True, missing_texts=("-", "?"))
    assert found.warnings == (
        "rows.csv: column 'a', row 2 and 2 more: text '?' came among 77 numbers and counts as "
        "missing; empty such cells, or name the column in categorical",
    )


def test_zeros_and_ones_where_truth_values_are_learnt_from() -> None:
    found = with_tests({"a": ["true", "False"] * 20}, {"a": [1, 0] * 20})
    assert found.dataset.schema is not None
    assert found.dataset.schema["a"].kind == "boolean"
    assert found.dataset.table is not None
    assert found.dataset.table.frame["a"].tolist() == [1.0, 0.0] * 40


def test_numbers_where_categories_are_learnt_from() -> None:
    found = with_tests({"a": ["1", "2", "B", "C"] * 10}, {"a": ["1", "2", "3", "4"] * 10})
    assert found.dataset.schema is not None
    assert found.dataset.schema["a"].categories == ("1", "2", "3", "4", "B", "C")


@pytest.mark.parametrize(
    ("learnt", "judged", "line"),
    [
        (["7"] * ROWS, X, "every row to learn from holds 7"),
        (["k"] * ROWS, ["k", "l"] * 20, "every row to learn from holds 'k'"),
        (["true"] * ROWS, ["true", "false"] * 20, "every row to learn from holds true"),
        ([""] * ROWS, X, "no row to learn from holds a value"),
        ([""] * ROWS, ["k", "l"] * 20, "no row to learn from holds a value"),
        (range(ROWS), [5] * ROWS, "it numbers the rows"),
        (
            [f"name {row}" for row in range(ROWS)],
            ["name 1", "name 2"] * 20,
            "40 different texts in 40 rows look like row ids or free text",
        ),
    ],
)
def test_a_column_of_which_nothing_can_be_learnt(learnt: Any, judged: Any, line: str) -> None:
    found = with_tests({"a": learnt}, {"a": judged})
    assert found.warnings == (f"rows.csv: column 'a': {line}; it is dropped",)
    assert found.dataset.feature_names == ("x",)


def test_a_constant_that_is_named_categorical() -> None:
    found = with_tests({"a": ["7"] * ROWS}, {"a": ["7", "8"] * 20}, categorical=["a"])
    assert found.warnings == (
        "rows.csv: column 'a': every row to learn from holds '7'; it is dropped",
    )


def test_lists_where_text_is_learnt_from() -> None:
    for name, column in {"rows": ["k", "l"] * 20, "test": [[1.0]] * ROWS}.items():
        pd.DataFrame({"a": column, "x": range(ROWS), "y": Y}).to_parquet(f"{name}.parquet")
    with pytest.raises(DataError, match=r"column 'a': list<.*> came, which is neither numbers nor"):
        read(Path("rows.parquet").read_bytes(), "rows.parquet", test_source="test.parquet")


def test_no_group_has_rows_in_both_files() -> None:
    who = [f"p{row // 4}" for row in range(ROWS)]
    other = [f"q{row // 4}" for row in range(ROWS)]
    assert with_tests({"who": who}, {"who": other}, group="who").split.test.tolist() == [
        *range(40, 80)
    ]
    with pytest.raises(DataError) as refusal:
        with_tests({"who": who}, {"who": changed(other, {3: "p1", 7: "p1", 8: "p9"})}, group="who")
    assert str(refusal.value) == (
        "test.csv: column 'who', row 3 and 2 more: rows.csv has rows of the same group; leave the "
        "rows of a group out of one of the files"
    )


@pytest.mark.parametrize("count", [1, 5])
def test_a_class_of_the_test_rows_only_is_told_with_their_key(count: int) -> None:
    with pytest.raises(DataError, match=r"test_source': class 'maybe' is among its rows only"):
        with_tests({}, {"y": [*Y[count:], *["maybe"] * count]})
