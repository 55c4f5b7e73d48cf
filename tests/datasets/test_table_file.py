from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from trialstack.datasets import csv_file, parquet_file
from trialstack.datasets.table_file import open_table
from trialstack.errors import DataError, InputError

ROWS = pd.DataFrame({"id": ["007", "008", "009"], "x": [1.5, None, -2.0], "kind": ["a", "b", ""]})
TEXT = "id,x,kind\n007,1.5,a\n008,,b\n009,-2.0,\n"


@pytest.fixture(params=["rows.csv", "rows.CSV.GZ", "rows.parquet"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The same table in every kind of file."""
    path = tmp_path / str(request.param)
    if path.suffix == ".parquet":
        ROWS.to_parquet(path)
    else:
        content = TEXT.encode()
        path.write_bytes(gzip.compress(content) if path.suffix == ".GZ" else content)
    return path


def test_rows_come_in_their_order(file: Path) -> None:
    table = open_table(file)
    assert table.columns == ("id", "x", "kind")
    [chunk] = table.chunks(["kind", "x", "id"])
    assert (chunk.first_row, chunk.done) == (1, table.size)
    assert chunk.cells(["id", "kind"]).to_numpy().tolist() == [
        ["007", "a"],
        ["008", "b"],
        ["009", ""],
    ]
    frame = chunk.frame(["x"])
    assert frame.index.tolist() == [1, 2, 3]
    pd.testing.assert_series_equal(frame["x"], ROWS["x"], check_index=False)


def test_chunks_follow_on_each_other(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "BLOCK", 16)
    monkeypatch.setattr(parquet_file, "ROWS_AT_ONCE", 1)
    table = open_table(file)
    chunks = list(table.chunks(["id"]))
    assert len(chunks) > 1
    frames = [chunk.frame(["id"]) for chunk in chunks]
    assert pd.concat(frames).index.tolist() == [1, 2, 3]
    done = [chunk.done for chunk in chunks]
    assert done == sorted(done)
    assert done[-1] == table.size


def write(folder: Path, content: str | bytes, name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path: Path, **options: Any) -> pd.DataFrame:
    table = open_table(path, **options)
    return pd.concat([chunk.frame(table.columns) for chunk in table.chunks(table.columns)])


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        ("\ufeffx,y\n1,2\n", {}, {"x": [1], "y": [2]}),
        ("x;y\r\n1;2\r\n", {"separator": ";"}, {"x": [1], "y": [2]}),
        ("x\ty\n1\t2\n", {"separator": "\\t"}, {"x": [1], "y": [2]}),
        ("x,é\n1,ü\n".encode("cp1252"), {"encoding": "cp1252"}, {"x": [1], "é": ["ü"]}),
        ("x,é\n1,ü\n".encode("utf-16"), {"encoding": "UTF16"}, {"x": [1], "é": ["ü"]}),
        ('"a\nb","c ""d"""\n"1","2\n3"\n', {}, {"a\nb": [1], 'c "d"': ["2\n3"]}),
        ("x,y\n 1 ,true\n2.5e3,False\n", {}, {"x": [1, 2500], "y": [True, False]}),
        ("x\n1\n\n2", {}, {"x": [1, 2]}),
    ],
)
def test_csv_as_it_comes(
    tmp_path: Path, content: str | bytes, options: dict[str, str], expected: dict[str, list[Any]]
) -> None:
    assert read(write(tmp_path, content), **options).to_dict("list") == expected


@pytest.mark.parametrize("content", ["x,y", "x,y\n", "x,y\n\n\n"])
def test_a_header_only_is_a_table_without_rows(tmp_path: Path, content: str) -> None:
    table = open_table(write(tmp_path, content))
    assert table.columns == ("x", "y")
    assert list(table.chunks(["x"])) == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.csv", "", "the file is empty"),
        ("rows.parquet", "", "the file is empty"),
        ("rows.csv", "\nx,y\n1,2\n", "the first line is empty"),
        ("rows.csv", "x,x\n1,2\n", "column 'x' is there twice"),
        ("rows.csv", "x,y\n1,2\n3\n", "line 3, row 2: 1 cell came; the header names 2"),
        ("rows.csv", "x,y\n1,2,3\n", "row 1: 3 cells came; the header names 2"),
        ("rows.csv", 'x,y\n1,2\n"3,4\n5,6\n', "line 3, row 2: a quote is left open; close"),
        ("rows.csv", "x,y\n1,ü\n".encode("cp1252"), r"at byte 6: it looks like cp1252 \('ü'\)"),
        ("rows.csv", "x,y\n1,2\n".encode("utf-16"), "at byte 0: it looks like UTF-16 text"),
        ("rows.csv", gzip.compress(b"x,y\n1,2\n", mtime=0), "it looks like a gzip file"),
        ("rows.csv.gz", gzip.compress(b"x,y\n1,2\n", mtime=0)[:-9], "damaged gzip file"),
        ("rows.csv.gz", "x,y\n1,2\n", "damaged gzip file"),
        ("rows.parquet", "x,y\n1,2\n", "cannot be read as Parquet"),
        ("rows.xlsx", "PK", r"ends in none of \.csv, \.csv\.gz, \.parquet"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    path = write(tmp_path, content, name)
    with pytest.raises(DataError, match=message) as refusal:
        read(path)
    assert str(refusal.value).startswith(str(path))
    assert "\n" not in str(refusal.value)


def test_text_that_is_no_text_far_from_the_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_file, "BLOCK", 1001)  # blocks end within characters
    content = "x,y\n" + "ä,ö\n" * 5000
    path = write(tmp_path, content.encode() + b"\xe4,1\n" + b"1,1\n" * 5000)
    with pytest.raises(DataError, match=f"not utf-8 at byte {len(content.encode())}:"):
        read(path)


def test_a_quote_left_open_in_a_long_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "BLOCK", 1 << 10)
    path = write(tmp_path, 'x,y\n1,"2\n' + "1,2\n" * 1000)
    with pytest.raises(DataError, match="line 2, row 1: a quote is left open"):
        read(path)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        open_table(tmp_path / "rows.csv")
    (tmp_path / "rows.csv").mkdir()
    with pytest.raises(DataError, match="a folder came"):
        open_table(tmp_path / "rows.csv")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"separator": ";;"}, "separator ';;' came"),
        ({"separator": ""}, "separator '' came"),
        ({"encoding": "klingon"}, "encoding 'klingon' came"),
    ],
)
def test_options_that_make_no_sense(tmp_path: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_table(write(tmp_path, "x,y\n"), **options)
