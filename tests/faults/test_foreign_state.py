"""A journal that is damaged, of a newer version or of another search is refused in one line.

The command never comes to import TensorFlow, and `--fresh` gets out of every refusal.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest

from tests.searches.conftest import train
from trialstack.cli import run
from trialstack.experiment import Experiment
from trialstack.pipeline.data import Data
from trialstack.searches import choose_search
from trialstack.tuners.journal import FILE_NAME, VERSION, Journal

TEXT = """
name = "rows"
[dataset]
source = "rows.csv"
target = "y"
[hypermodel]
units = [[2, 8]]
[search]
max_trials = 4
epochs = 3
"""

CSV = "\n".join(["x,z,y", *(f"{n / 7:.3f},{n % 5},{'ab'[n % 2]}" for n in range(60)), ""])


@pytest.fixture
def folder(in_tmp: Path) -> Path:
    """An experiment on a table, with a search of two finished trials."""
    (in_tmp / "rows.csv").write_text(CSV)
    (in_tmp / "e.toml").write_text(TEXT)
    search = chosen()
    train(search, 2)
    return in_tmp


def chosen(*, fresh: bool = False) -> object:
    experiment = Experiment.load("e.toml")
    data = Data.of(experiment)
    home = Path("mlruns/searches/rows")
    home.mkdir(parents=True, exist_ok=True)
    return choose_search(home, experiment, data.digest, data.facts, fresh=fresh)()


def journal() -> Path:
    (path,) = Path("mlruns").glob(f"searches/*/*/{FILE_NAME}")
    return path


def edit(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Path], None]:
    def edited(_: Path) -> None:
        lines = journal().read_bytes().split(b"\n")
        journal().write_bytes(b"\n".join(change(lines)))

    return edited


def with_line(entry: dict[str, object]) -> Callable[[Path], None]:
    """A journal of one line twice, which is whole as far as its checksum goes."""

    def written(_: Path) -> None:
        text = json.dumps(entry).encode()
        journal().write_bytes(2 * (b'%s,"crc":%d}\n' % (text[:-1], zlib.crc32(text))))

    return written


def emptied(_: Path) -> None:
    (journal().parent / "weights").mkdir()
    journal().write_bytes(b"\0" * 99)


def newer(_: Path) -> None:
    path = journal()
    path.unlink()
    Journal(path).append("opened", version=VERSION + 1, search_id="a", header={})


def of_a_script(_: Path) -> None:
    path = journal()
    path.unlink()
    Journal(path).open("a", {"seed": 1})


def a_folder(_: Path) -> None:
    journal().unlink()
    next(Path("mlruns").glob("searches/*/*/")).joinpath(FILE_NAME).mkdir()


def other_rows(folder: Path) -> None:
    (folder / "rows.csv").write_text(CSV.replace("0.143", "0.144"))


def other_settings(folder: Path) -> None:
    (folder / "e.toml").write_text(TEXT.replace("epochs = 3", "epochs = 4"))


FAULTS = {
    "a value was edited": (
        edit(lambda lines: [line.replace(b'"number":0', b'"number":7') for line in lines]),
        "line 2: damaged, or lines before it are missing; put the file back from a backup",
    ),
    "a line lacks its end": (
        edit(lambda lines: [lines[0], lines[1], lines[2][:20], *lines[3:]]),
        "line 3: damaged",
    ),
    "zeros": (
        edit(lambda lines: [lines[0], b"\0" * len(lines[1]), *lines[2:]]),
        "line 2: damaged",
    ),
    "a line is gone": (
        edit(lambda lines: [lines[0], *lines[2:]]),
        "line 2: damaged, or lines before it are missing",
    ),
    "a line stands there twice": (
        edit(lambda lines: [*lines[:3], lines[2], *lines[3:]]),
        "line 4: damaged, or lines before it are missing",
    ),
    "two searches in one": (
        edit(lambda lines: [*lines[:-1], *lines]),
        "line 6: damaged, or lines before it are missing",
    ),
    "a line without a word": (with_line({"x": 1}), "line 1: damaged"),
    "the beginning is gone": (edit(lambda lines: lines[1:]), "line 1: damaged"),
    "nothing is left of it": (emptied, "nothing that can be read is in it, although trials"),
    "of a newer version": (newer, "written by a newer trialstack"),
    "of a script": (of_a_script, "not the journal of a search of an experiment file"),
    "a folder of its name": (a_folder, "cannot be read: Is a directory"),
    "the data have changed": (other_rows, "rows.csv has changed: column 'x' has other values"),
    "the experiment has changed": (other_settings, "search.epochs was 3, is 4"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_it_is_refused_in_a_line_and_fresh_gets_out(folder: Path, fault: str) -> None:
    do, said = FAULTS[fault]
    do(folder)
    before = {path: path.read_bytes() for path in Path("mlruns").rglob("*.jsonl") if path.is_file()}
    err = io.StringIO()
    with (
        mock.patch.dict(os.environ, {"MLFLOW_TRACKING_URI": ""}),
        mock.patch("trialstack.quiet.load_tensorflow", side_effect=AssertionError("too late")),
        contextlib.redirect_stderr(err),
    ):
        code = run(["tune", "e.toml"])
    *progress, line = err.getvalue().splitlines()
    assert code == 2, err.getvalue()
    assert said in line
    assert line.startswith("error: ")
    assert "--fresh" in line
    assert all(each.startswith("[") for each in progress)
    assert {path: path.read_bytes() for path in before} == before, "nothing is touched"
    fresh = chosen(fresh=True)
    assert not fresh.resumed  # type: ignore[attr-defined]
    assert len(fresh.journal) == 1  # type: ignore[attr-defined]
