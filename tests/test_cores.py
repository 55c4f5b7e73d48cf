"""Who gets the cores; decided without TensorFlow."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trialstack.cores import INTRA_OP_THREADS, count_cores, operations_take_one_thread, share_cores
from trialstack.experiment import Experiment

FILE = """
name = "t"
[dataset]
source = "moons"
[hypermodel]
units = {units}
[search]
max_trials = 2
batch_size = {batch_size}
executor = "{executor}"
"""


def told(folder: Path, units: str, batch_size: int = 100, executor: str = "auto") -> str | None:
    path = folder / "t.toml"
    path.write_text(FILE.format(units=units, batch_size=batch_size, executor=executor))
    share_cores(Experiment.load(path))
    return os.environ.get(INTRA_OP_THREADS)


@pytest.fixture(autouse=True)
def _nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(INTRA_OP_THREADS, "")  # put back whatever the test makes of it
    monkeypatch.delenv(INTRA_OP_THREADS)


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        ("[[1, 200], [1, 500]]", "1"),  # 100 rows * 200 * 500 = 10 million
        ("[[1, 200], [1, 501]]", None),
    ],
)
def test_small_networks_share_the_cores(tmp_path: Path, units: str, expected: str | None) -> None:
    assert told(tmp_path, units) == expected


def test_larger_batches_are_worth_several_threads(tmp_path: Path) -> None:
    assert told(tmp_path, "[[1, 200], [1, 500]]", batch_size=101) is None
    assert told(tmp_path, "[[1, 5000]]", batch_size=2001) is None
    assert told(tmp_path, "[[1, 5000]]", batch_size=2000) == "1"


def test_one_by_one_is_as_tensorflow_likes_it(tmp_path: Path) -> None:
    assert told(tmp_path, "[[1, 2]]", executor="one-by-one") is None


def test_a_users_own_setting_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(INTRA_OP_THREADS, "3")
    assert told(tmp_path, "[[1, 2]]") == "3"
    assert not operations_take_one_thread()


def test_what_tensorflow_is_told_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not operations_take_one_thread()
    monkeypatch.setenv(INTRA_OP_THREADS, "1")
    assert operations_take_one_thread()
    assert count_cores() >= 1
