"""Whatever a file holds, it is read or refused in one line; never a traceback."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from trialstack.datasets.read import read_dataset
from trialstack.errors import DataError
from trialstack.experiment import DatasetSettings

NUMBERS = ["1", "-2.5", "1e400", "inf", "nan", "-", "0x1F", "١", "1_000", "+1", ".5", "5.", "1,5"]
TEXTS = ["", "NA", "true", "a", "B ", "2025-01-01", "00:30", "é", '"', '"a\nb"', '""', "\0", "\r"]
CELLS = st.sampled_from([*NUMBERS, *TEXTS, "x" * 50])
LINES = st.lists(st.lists(CELLS, min_size=1, max_size=4).map(",".join), max_size=45)
MANY = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def reads(path: Path, target: str = "y") -> None:
    keys = DatasetSettings.model_validate({"source": str(path), "target": target})
    line = ""
    try:
        read_dataset(keys)
    except DataError as refusal:
        line = str(refusal)
    assert "\n" not in line
    assert line.startswith((str(path), "experiment: key 'dataset.")) or not line


@MANY
@given(content=st.binary(max_size=300))
@example(b"\xef\xbb\xbf")
@example(b"\xff\xfe")
@example(b"y\n")
@example(b'"y\n')
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rows.csv"
    for start in (b"", b"x,y\n", b"y,x\r\n"):
        path.write_bytes(start + content)
        reads(path)


@MANY
@given(lines=LINES)
def test_any_cells(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes("\n".join(["x,y", *lines]).encode())
    reads(path)


@MANY
@given(columns=st.lists(st.lists(CELLS, min_size=30, max_size=30), min_size=1, max_size=3))
def test_any_columns(tmp_path: Path, columns: list[list[str]]) -> None:
    path = tmp_path / "rows.csv"
    quoted = [[f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in column] for column in columns]
    names = [*(f"c{number}" for number in range(len(columns))), "y"]
    lines = zip(*quoted, ["a", "b"] * 15, strict=True)
    path.write_bytes("\n".join(map(",".join, [names, *lines])).replace("\0", "0").encode())
    reads(path)


@pytest.mark.parametrize("suffix", [".csv.gz", ".parquet"])
@MANY
@given(content=st.binary(max_size=60), where=st.integers(0, 200))
def test_damaged_files(tmp_path: Path, suffix: str, content: bytes, where: int) -> None:
    import pandas as pd

    whole = pd.DataFrame({"x": range(0, 90, 3), "y": ["a", "b"] * 15})
    good = (
        whole.to_parquet()
        if suffix == ".parquet"
        else gzip.compress(whole.to_csv(index=False).encode(), mtime=0)
    )
    path = tmp_path / f"rows{suffix}"
    path.write_bytes(good[:where] + content + good[where + len(content) :])
    reads(path)
