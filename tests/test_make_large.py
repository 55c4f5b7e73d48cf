"""`experiments/make_large.py`: the same rows every time, and fewer are the first ones of more."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from trialstack.cli import run
from trialstack.experiment import Experiment

EXPERIMENTS = Path(__file__).parents[1] / "experiments"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(EXPERIMENTS / "make_large.py"))


@pytest.fixture(scope="module")
def write(script: dict[str, Any]) -> Callable[[Path, int, int], float]:
    made: Callable[[Path, int, int], float] = script["write"]
    return made


def test_rows_come_in_groups_and_fewer_are_the_first_of_more(
    tmp_path: Path, write: Callable[[Path, int, int], float]
) -> None:
    auc = write(tmp_path / "more.parquet", 70_000, 42)
    write(tmp_path / "fewer.parquet", 300, 42)
    write(tmp_path / "other.parquet", 300, 43)
    facts = pq.read_metadata(tmp_path / "more.parquet")
    assert (facts.num_rows, facts.num_row_groups, facts.num_columns) == (70_000, 2, 31)
    more, fewer, other = (
        pq.read_table(tmp_path / f"{name}.parquet") for name in ("more", "fewer", "other")
    )
    assert fewer.equals(more.slice(0, 300))
    assert not fewer.equals(other)
    assert auc == pytest.approx(0.859, abs=0.01), "of the probabilities themselves"
    assert 0.2 < np.mean(more["fails_within_30_days"].to_numpy()) < 0.3
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("fewer.parquet", "more.parquet", "other.parquet")
    ]  # fmt: skip


def test_the_experiment_is_about_this_table(
    tmp_path: Path, script: dict[str, Any], write: Callable[[Path, int, int], float]
) -> None:
    experiment = Experiment.load(EXPERIMENTS / "large.toml")
    assert experiment.dataset.target == script["TARGET"]
    assert experiment.dataset.source == "large.parquet"


def test_where_the_file_is_not_there_yet_a_line_says_how_to_make_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("large.toml").write_text((EXPERIMENTS / "large.toml").read_text())
    assert run(["tune", "large.toml"]) == 2
    assert capsys.readouterr().err == (
        "error: large.parquet: no such file yet; make it with: python experiments/make_large.py\n"
    )
