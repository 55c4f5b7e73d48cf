"""A person's file: what is refused, what is only warned of, and what comes out."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.datasets.written import ROWS, Columns, X, Y, changed, read, text
from trialstack.datasets.columns import Column
from trialstack.errors import DataError


@pytest.fixture(autouse=True)
def _here(in_tmp: Path) -> None:
    """Every file is in the current folder, as a person has it."""


LISTS = [[number, -number] for number in range(ROWS)]

# what is wrong -> the file (or its columns), keys of [dataset], the line
REFUSED: dict[str, tuple[str | bytes | Columns, dict[str, Any], str]] = {
    "header only": ("x,y\n", {}, "rows.csv: there is a header and no row; add rows"),
    "empty file": ("", {}, "rows.csv: the file is empty; a header and rows are wanted"),
    "ragged row": (
        "x,y\n1,a\n\n2\n",
        {},
        "rows.csv: line 4, row 2: 1 cell came; the header names 2",
    ),
    "open quote": (
        'x,y\n1,a\n2,"b\n3,c\n',
        {},
        "rows.csv: line 3, row 2: a quote is left open; close or double it",
    ),
    "not UTF-8": (
        "x,y\n1,Zürich\n".encode("cp1252"),
        {},
        "rows.csv: not utf-8 at byte 7: it looks like cp1252 ('Zürich'); name it: --encoding "
        'cp1252, or encoding = "cp1252" in the experiment file',
    ),
    "UTF-16": (
        "x,y\n1,Zürich\n".encode("utf-16"),
        {},
        "rows.csv: not utf-8 at byte 0: it looks like UTF-16 text; name it: --encoding utf-16, "
        'or encoding = "utf-16" in the experiment file',
    ),
    "NUL bytes": (
        b"x,y\n1,a\0b\n",
        {},
        "rows.csv: a NUL byte came at byte 7, which no text has; is it UTF-16, or damaged? Save "
        "the table as UTF-8",
    ),
    "a column twice": (
        "x,y,x\n1,a,2\n",
        {},
        "rows.csv: column 'x' is there twice; rename one of them",
    ),
    "a column without a name": (
        {"x": X, "": X[::-1], "y": Y},
        {},
        "rows.csv: column '': it has no name; give it one in the header, or leave it out with "
        'drop = [""]',
    ),
    "no target": (
        {"x": X, "churned": Y},
        {"target": "chruned"},
        "rows.csv: column 'chruned', which target names, is not there; there are 'x', 'churned'; "
        "did you mean 'churned'?",
    ),
    "another separator": (
        text({"x": X, "y": Y}, ";"),
        {},
        "rows.csv: column 'y', which target names, is not there; there are 'x;y'; is ';' the "
        "separator? Name it: --separator ';' (separator = ...)",
    ),
    "a column to drop that is not there": (
        {"x": X, "y": Y},
        {"drop": ["z"]},
        "rows.csv: column 'z', which drop names, is not there; there are 'x', 'y'",
    ),
    "one class": (
        {"x": X, "y": ["a"] * ROWS},
        {},
        "rows.csv: column 'y': every row is of class 'a'; two classes at least are needed",
    ),
    "a small class": (
        {"x": X, "y": changed(Y, {7: "maybe"})},
        {},
        "rows.csv: column 'y': class 'maybe' has 1 row; at least 3 are needed, one each to fit, "
        "to validate and to test: add rows or leave the class out",
    ),
    "a continuous target": (
        {"x": Y, "y": X},
        {},
        "rows.csv: column 'y': 40 different numbers in 40 rows came, such as 0.126, which is a "
        "quantity; a target has a few classes: name another column, or put classes such as 'low' "
        "and 'high' in its place",
    ),
    "no feature": (
        {"a": [7] * ROWS, "n": range(ROWS), "y": Y},
        {},
        "rows.csv: no feature column is left; dropped: 'a' (every row holds 7), 'n' (it numbers "
        "the rows); add columns that tell something of the target",
    ),
    "too few rows": (
        text({"x": X[:10], "y": Y[:10]}),
        {},
        "rows.csv: 10 rows came; at least 20 are needed: add rows",
    ),
    "infinite": (
        {"x": changed(X, {5: "-inf", 9: "inf"}), "y": Y},
        {},
        "rows.csv: column 'x', row 5 and one more: -inf came, which is no finite number; put "
        "another number there, or leave the cell empty",
    ),
    "beyond single precision": (
        {"x": changed(X, {5: "1e39"}), "y": Y},
        {},
        "rows.csv: column 'x', row 5: 1e+39 came, which is beyond single precision (3.4e38); put "
        "another number there, or leave the cell empty",
    ),
    "rows without a target": (
        {"x": X, "y": changed(Y, {3: "", 4: "NA", 9: " "})},
        {},
        "rows.csv: column 'y', row 3 and 2 more: no target; fill it in, or leave such rows out "
        "with --drop-missing-target (drop_missing_target = true)",
    ),
    "dates": (
        {"x": X, "day": [f"2025-03-{1 + row % 28:02d}" for row in range(ROWS)], "y": Y},
        {},
        "rows.csv: column 'day', row 1: a date came ('2025-03-01'); put numbers in place of dates, "
        "such as days since an event, name the column in time to split by it, or name it in drop",
    ),
    "decimal commas": (
        text({"x": [value.replace(".", ",") for value in X], "y": Y}, ";"),
        {"separator": ";"},
        "rows.csv: column 'x', row 1: a number with a comma came ('0,126'); write numbers as "
        "1234.5, name the column in categorical, or name it in drop",
    ),
    "decimal commas beside whole numbers": (
        text(
            {
                "x": [str(row / 4).replace(".0", "").replace(".", ",") for row in range(ROWS)],
                "y": Y,
            },
            ";",
        ),
        {"separator": ";"},
        "rows.csv: column 'x', row 2: a number with a comma came ('0,25'); write numbers as "
        "1234.5, name the column in categorical, or name it in drop",
    ),
    "commas between thousands": (
        {"x": [f'"{row**5:,}"' for row in range(ROWS)], "y": Y},
        {},
        "rows.csv: column 'x', row 5: a number with a comma came ('1,024'); write numbers as "
        "1234.5, name the column in categorical, or name it in drop",
    ),
    "prices": (
        {"x": X, "paid": [f"$ {row / 3:.2f}" for row in range(ROWS)], "y": Y},
        {},
        "rows.csv: column 'paid', row 1: a number with a percent or currency sign came ('$ 0.00'); "
        "write numbers as 1234.5, name the column in categorical, or name it in drop",
    ),
    "shares": (
        {"x": X, "share": [f"{row / 3:.1f}%" for row in range(ROWS)], "y": Y},
        {},
        "rows.csv: column 'share', row 1: a number with a percent or currency sign came ('0.0%'); "
        "write numbers as 1234.5, name the column in categorical, or name it in drop",
    ),
    "dates with the name of a month": (
        {"x": X, "day": [f"{1 + row % 28}-Mar-25" for row in range(ROWS)], "y": Y},
        {},
        "rows.csv: column 'day', row 1: a date came ('1-Mar-25'); put numbers in place of dates, "
        "such as days since an event, name the column in time to split by it, or name it in drop",
    ),
    "fractions as categories": (
        {"x": changed(["1"] * 20 + ["2"] * 20, {3: "1.5"}), "y": Y},
        {"categorical": ["x"]},
        "rows.csv: column 'x', row 3: 1.5 came in a column that is named in categorical; give "
        "whole numbers or text there, or leave it numeric",
    ),
    "a row without a group": (
        {"x": X, "who": changed(["a", "b", "c", "d"] * 10, {2: ""}), "y": Y},
        {"group": "who"},
        "rows.csv: column 'who', row 2: no group; fill it in, or leave such rows out of the file",
    ),
    "one group": (
        {"x": X, "who": ["a"] * ROWS, "y": Y},
        {"group": "who"},
        "e.toml: key 'dataset.group': all 40 rows are of one group; at least two groups are needed",
    ),
    "a time that is none": (
        {"x": X, "day": changed(["2025-01-31"] * ROWS, {6: "soon"}), "y": Y},
        {"time": "day"},
        "rows.csv: column 'day', row 6: 'soon' came in time; give dates such as 2025-12-31 or "
        "2025-12-31T23:59:00, or numbers",
    ),
    "a positive label that is none": (
        {"x": X, "y": Y},
        {"positive": "maybe"},
        "rows.csv: column 'y': label 'maybe', which positive names, is not there; there are 'no' "
        "and 'yes'",
    ),
    "a positive label of three": (
        {"x": X, "y": [*Y[:30], *["maybe"] * 10]},
        {"positive": "yes"},
        "rows.csv: column 'y': 3 classes came, and positive is of two; leave positive away",
    ),
}


@pytest.mark.parametrize(
    ("content", "keys", "line"), [pytest.param(*case, id=name) for name, case in REFUSED.items()]
)
def test_refused_in_one_line(content: Any, keys: dict[str, Any], line: str) -> None:
    with pytest.raises(DataError) as refusal:
        read(content, **keys)
    assert str(refusal.value) == line


# what is odd -> the columns, keys of [dataset], the lines
WARNED: dict[str, tuple[Columns, dict[str, Any], list[str]]] = {
    "constant, empty": (
        {"x": X, "a": ["b"] * ROWS, "e": ["", "NA"] * 20, "y": Y},
        {},
        [
            "rows.csv: column 'a': every row holds 'b'; it is dropped",
            "rows.csv: column 'e': no row holds a value; it is dropped",
        ],
    ),
    "row ids": (
        {
            "x": X,
            "n": range(100, 100 + ROWS),
            "customer_id": np.random.default_rng(1).permutation(1000)[:ROWS],
            "name": [f"Jo {value}" for value in X],
            "y": Y,
        },
        {},
        [
            "rows.csv: column 'n': it numbers the rows; it is dropped",
            "rows.csv: column 'customer_id': it numbers the rows; it is dropped",
            "rows.csv: column 'name': 40 different texts in 40 rows look like row ids or free "
            "text; it is dropped",
        ],
    ),
    "free text": (
        {"x": X, "said": [f"I have seen it {row % 20} times" for row in range(ROWS)], "y": Y},
        {},
        ["rows.csv: column 'said': 20 different texts look like free text; it is dropped"],
    ),
    "a few texts among numbers": (
        {"x": changed(X, {4: "unknown", 7: "?"}), "z": X[::-1], "y": Y},
        {},
        [
            "rows.csv: column 'x', row 4 and one more: text 'unknown' came among 38 numbers and "
            "counts as missing; empty such cells, or name the column in categorical"
        ],
    ),
    "one text in the place of many numbers": (
        {"x": changed(X, dict.fromkeys(range(3, 20, 2), "?")), "z": X[::-1], "y": Y},
        {},
        [
            "rows.csv: column 'x', row 3 and 8 more: text '?' came among 31 numbers and counts as "
            "missing; empty such cells, or name the column in categorical"
        ],
    ),
    "labels that are alike": (
        {"x": X, "y": [*Y[:20], *["Yes", "yes "] * 10]},
        {},
        [
            "rows.csv: column 'y': labels 'Yes' and 'yes' and 'yes ' differ only by case or space, "
            "and are classes of their own; make them one if they mean the same"
        ],
    ),
    "a leak": (
        {"x": X, "ended": [{"no": 0.0, "yes": 12.5}[label] for label in Y], "y": Y},
        {},
        [
            "rows.csv: column 'ended': it determines the target by itself; if it is a copy of it, "
            "or is known only after it, name it in drop"
        ],
    ),
    "rows on both sides": (
        {"x": X[:20] * 2, "y": Y},
        {},
        [
            "rows.csv: 8 of 10 test rows are equal to training rows, so scores flatter; "
            "group_duplicates = true keeps equal rows on one side",
            "rows.csv: 2 of 8 validation rows are equal to fitting rows, so scores flatter; "
            "group_duplicates = true keeps equal rows on one side",
        ],
    ),
    "rows on both sides of a split by place": (
        {"x": [*X[:30], *X[2:12]], "y": Y},
        {"split": "first"},
        [
            "rows.csv: 10 of 10 test rows are equal to training rows, so scores flatter; leave "
            "repeated rows out"
        ],
    ),
    "a header cut at the wrong places": (
        {"x": X, "a;b;c;d": X[::-1], "y": Y},
        {},
        [
            "rows.csv: the header looks cut at the wrong places; is ';' the separator? Name it: "
            "--separator ';' (separator = ...)"
        ],
    ),
}


@pytest.mark.parametrize(
    ("content", "keys", "lines"), [pytest.param(*case, id=name) for name, case in WARNED.items()]
)
def test_warned_of_and_used(content: Columns, keys: dict[str, Any], lines: list[str]) -> None:
    assert list(read(content, **keys).warnings) == lines


MIXED: Columns = {
    "age": changed(X, {2: "", 5: "n/a"}),
    "city": ["Rome", "Oslo", "", "Rome"] * 10,
    "flag": ["true", "False", "false"] * 13 + [""],
    "zone": [3, 11, 11, 7] * 10,
    "y": Y,
}


def test_mixed_columns_come_as_a_table() -> None:
    found = read(MIXED, categorical="zone")
    data = found.dataset
    assert data.schema is not None
    assert list(data.schema) == [
        Column("age", has_missing=True),
        Column("city", "categorical", ("Oslo", "Rome"), has_missing=True),
        Column("flag", "boolean", has_missing=True, is_integer=True),
        Column("zone", "categorical", ("11", "3", "7"), is_integer=True),
    ]
    assert data.table is not None
    frame = data.table.frame
    assert frame["age"].dtype == np.float64
    assert np.flatnonzero(frame["age"].isna()).tolist() == [1, 4]
    assert frame["city"].tolist()[:4] == ["Rome", "Oslo", None, "Rome"]
    assert frame["city"].dtype == object
    assert frame["flag"].tolist()[:2] == [1.0, 0.0]
    assert frame["zone"].tolist()[:4] == ["3", "11", "11", "7"]
    assert data.X[1:4, 1:].tolist() == pytest.approx(
        np.array([[0, 0, 0], [np.nan, 0, 0], [1, 1, 2]]), nan_ok=True
    )
    assert data.table.labels.tolist() == Y
    assert data.classes == ("no", "yes")
    assert found.warnings == ()


def test_numbers_without_gaps_stay_a_matrix() -> None:
    data = read({"a": X, "b": X[::-1], "y": Y}).dataset
    assert data.table is None
    assert data.schema is None
    assert data.X.dtype == np.float32
    assert data.raw[:, 1].tolist() == [float(value) for value in X[::-1]]
    assert (data.name, data.source, data.target_name) == ("rows", "rows.csv", "y")


@pytest.mark.parametrize("kind", [".csv", ".csv.gz", ".parquet"])
def test_every_kind_of_file_gives_the_same(kind: str) -> None:
    expected = read(MIXED, categorical="zone")
    content = text(MIXED).encode()
    if kind == ".csv.gz":
        content = gzip.compress(content)
    if kind == ".parquet":
        frame = pd.read_csv("rows.csv").assign(flag=[*([True, False, False] * 13), None])
        content = frame.to_parquet()
    found = read(content, f"same{kind}", categorical="zone")
    assert found.dataset.schema == expected.dataset.schema
    assert found.digest == expected.digest
    assert found.facts == expected.facts


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([0, 1] * 20, (0, 1)),
        (["0.5", "1.5"] * 20, (0.5, 1.5)),
        (["true", "false"] * 20, (False, True)),
        ([" b", " a"] * 20, ("a", "b")),
        (["1", "x"] * 20, ("1", "x")),
    ],
)
def test_labels_as_the_data_has_them(labels: list[Any], classes: tuple[Any, ...]) -> None:
    data = read({"x": X, "y": labels}).dataset
    assert data.classes == classes
    assert [type(label) for label in data.classes] == [type(label) for label in classes]
    assert data.y[:2].tolist() == [classes.index(kept(label)) for label in labels[:2]]


def kept(label: Any) -> Any:
    values = {"true": True, "false": False, "0.5": 0.5, "1.5": 1.5}
    return values.get(label, label.strip() if isinstance(label, str) else label)


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_long_whole_numbers_are_told_apart(name: str) -> None:
    first = 1_234_567_890_123_456_789  # neighbours of it are one number in double precision
    columns: Columns = {
        "x": X,
        "who": [first + row // 4 for row in range(ROWS)],
        "item": [first + row % 3 for row in range(ROWS)],
        "y": [first + row % 2 for row in range(ROWS)],
    }
    pd.DataFrame(columns).to_parquet("rows.parquet")
    content = text(columns) if name == "rows.csv" else Path(name).read_bytes()
    data = read(content, name, group="who", categorical=["item"]).dataset
    assert data.classes == (str(first), str(first + 1))
    assert data.schema is not None
    assert data.schema["item"].categories == tuple(str(first + item) for item in range(3))
    assert data.layout.groups is not None
    assert len(set(data.layout.groups.tolist())) == ROWS // 4


def test_labels_with_zeros_before_them_are_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trialstack.datasets.csv_file.BLOCK", 64)
    labels = ["10", "1", "2", "10"] * 5 + ["01", "1", "2", "01"] * 5
    found = read({"x": X, "y": labels}).dataset
    assert found.classes == ("01", "1", "10", "2")
    assert [found.classes[index] for index in found.y] == labels
    assert read({"x": X, "y": ["0", "1.0", "0.5", "1"] * 10}).dataset.classes == (0.0, 0.5, 1.0)


def test_rows_without_target_may_be_left_out() -> None:
    columns = {"x": changed(X, {1: "0", 40: ""}), "y": changed(Y, {1: "", 7: ""})}
    found = read(columns, drop_missing_target=True)
    assert found.dataset.table is not None
    assert found.dataset.table.row_numbers.tolist() == [2, 3, 4, 5, 6, *range(8, 41)]
    assert np.isnan(found.dataset.X[-1, 0])


def test_names_may_hold_anything() -> None:
    names = ["a/b", " ", 'c "d"', "é\n€", "x.y", "%s {}"]
    frame = pd.DataFrame({name: list(map(float, X[::-1])) for name in names} | {"y": Y})
    frame.to_csv("written.csv", index=False)
    frame.to_parquet("written.parquet")
    for file in ("written.csv", "written.parquet"):
        found = read(Path(file).read_bytes(), file)
        assert found.dataset.feature_names == tuple(names)
        assert found.warnings == ()


def test_a_column_that_is_named_categorical_is_never_dropped_for_its_values() -> None:
    columns = {"code": [f"k{row}" for row in range(ROWS)], "n": range(ROWS), "y": Y}
    found = read(columns, categorical=["code", "n"])
    assert found.dataset.schema is not None
    assert [len(column.categories) for column in found.dataset.schema] == [ROWS, ROWS]


def test_positive_is_the_class_that_scores_are_about() -> None:
    assert read({"x": X, "y": Y}).dataset.positive == 1
    assert read({"x": X, "y": Y}, positive="no").dataset.positive == 0
    for labels in ([0, 1], ["0.0", "1.0"]):
        for named in (0, "0"):
            assert read({"x": X, "y": labels * 20}, positive=named).dataset.positive == 0
    for named in (False, "false"):
        assert read({"x": X, "y": ["true", "false"] * 20}, positive=named).dataset.positive == 0


class TestSplits:
    def test_groups_stay_on_one_side(self) -> None:
        who = [f"p{row // 4}" for row in range(ROWS)]
        split = read({"x": X, "who": who, "y": Y}, group="who").split
        sides = [{who[row] for row in rows} for rows in (split.fit, split.validation, split.test)]
        assert all(sides)
        assert not sides[0] & sides[1]
        assert not sides[2] & (sides[0] | sides[1])
        assert sorted([*split.train, *split.test]) == list(range(ROWS))

    def test_equal_rows_stay_on_one_side(self) -> None:
        found = read({"x": X[:20] * 2, "y": Y}, group_duplicates=True)
        assert found.warnings == ()
        assert {row % 20 for row in found.split.test}.isdisjoint(
            row % 20 for row in found.split.train
        )

    def test_the_latest_rows_are_the_test_rows(self) -> None:
        days = np.random.default_rng(2).permutation(ROWS)
        shown = [f"2025-01-01T{day // 6:02d}:{day % 6}0:00" for day in days]
        split = read({"x": X, "when": shown, "y": Y}, time="when").split
        assert days[split.test].tolist() == list(range(30, 40))
        assert days[split.validation].tolist() == list(range(22, 30))
        assert days[split.fit].tolist() == list(range(22))


def test_the_digest_notices_what_matters() -> None:
    base = {"x": X, "who": [row // 4 for row in range(ROWS)], "a": ["p", "q"] * 20, "y": Y}
    digest = read(base, group="who").digest
    assert read(base, group="who").digest == digest
    for key, values in {
        "x": changed(X, {3: "0.5"}),
        "who": [row // 5 for row in range(ROWS)],
        "a": ["p", "r"] * 20,
        "y": changed(Y, {1: "yes"}),
    }.items():
        assert read(base | {key: values}, group="who").digest != digest, key
    assert read(base | {"unseen": X}, group="who", drop=["unseen"]).digest == digest


def test_a_large_table_is_kept_in_single_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = read({"a": X, "b": X[::-1], "y": Y}).dataset
    monkeypatch.setattr("trialstack.datasets.read_columns.MOST_EXACT_CELLS", 50)
    for name in ("rows.csv", "rows.parquet"):
        if name.endswith("parquet"):
            pd.read_csv("rows.csv").to_parquet(name)
        data = read(Path(name).read_bytes(), name).dataset if "parquet" in name else exact
        np.testing.assert_array_equal(data.X, exact.X)
    short = read({"a": X, "b": X[::-1], "y": Y}).dataset
    assert short.raw is short.X
    np.testing.assert_array_equal(short.X, exact.X)


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_times_of_a_large_table_stay_exact(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr("trialstack.datasets.read_columns.MOST_EXACT_CELLS", 50)
    monkeypatch.setattr("trialstack.datasets.csv_file.BLOCK", 64)  # it turns large half-way
    seconds = [1_700_000_000 + row for row in range(ROWS)]  # 128 s apart in single precision
    Path("rows.csv").write_text(text({"a": X, "at": seconds, "y": Y}))
    pd.read_csv("rows.csv").to_parquet("rows.parquet")
    layout = read(Path(name).read_bytes(), name, time="at").dataset.layout
    assert layout.times is not None
    assert layout.times.tolist() == seconds


def test_a_column_that_turns_to_text_late_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trialstack.datasets.csv_file.BLOCK", 64)
    kinds = ["1", "2.50", "", "2.5"] * 5 + ["A", "B", "A", "B"] * 5
    found = read({"x": X, "kind": kinds, "y": Y})
    assert found.dataset.schema is not None
    assert found.dataset.schema["kind"].categories == ("1", "2.5", "2.50", "A", "B")
    kinds = ["1", "2", "2"] * 12 + ["1", "2", "A", "2"]
    found = read({"x": X, "kind": kinds, "y": Y})
    assert found.warnings == (
        "rows.csv: column 'kind', row 39: text 'A' came among 39 numbers and counts as missing; "
        "empty such cells, or name the column in categorical",
    )
