from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from trialstack.datasets.table_file import SUFFIXES
from trialstack.datasets.table_output import check_output, table_writer
from trialstack.errors import InputError

FIRST = pd.DataFrame({"id": ["007", None], "score": [0.25, 1 / 3]})
SECOND = pd.DataFrame({"id": ["a,b", 'c "d"'], "score": [0.5, 0.75]})


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_pieces_become_one_table(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    with table_writer(path) as write:
        write(FIRST)
        write(SECOND)
        assert not path.exists()
    assert list(tmp_path.iterdir()) == [path]
    found = pd.read_parquet(path) if suffix == ".parquet" else pd.read_csv(path, dtype={"id": str})
    pd.testing.assert_frame_equal(found, pd.concat([FIRST, SECOND], ignore_index=True))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_half_of_a_file_is_left(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    path.write_text("precious")
    with pytest.raises(KeyboardInterrupt), table_writer(path) as write:
        write(FIRST)
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "precious"


def test_what_cannot_be_written_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    source, there = tmp_path / "rows.csv", tmp_path / "there.csv"
    source.touch()
    there.touch()
    (tmp_path / "folder.csv").mkdir()
    for path, message in {
        "out.xlsx": "ends in none of",
        "nowhere/out.csv": "there is no folder",
        "folder.csv": "a folder is there",
        "there.csv": "there already; choose another name, or give --overwrite",
        "rows.csv": "this is the file that is read",
    }.items():
        with pytest.raises(InputError, match=message):
            check_output(tmp_path / path, source, overwrite=False)
    check_output(there, source, overwrite=True)
    with pytest.raises(InputError, match="this is the file that is read"):
        check_output(tmp_path / "folder.csv" / ".." / "rows.csv", source, overwrite=True)


def test_a_full_disk_is_an_error_of_one_line(tmp_path: Path) -> None:
    def fail(rows: pd.DataFrame) -> None:
        raise OSError(28, "No space left on device")

    with (
        pytest.raises(InputError, match=r"out\.csv cannot be written: No space left on device"),
        table_writer(tmp_path / "out.csv"),
    ):
        fail(FIRST)
    assert list(tmp_path.iterdir()) == []
