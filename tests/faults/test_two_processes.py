"""Two terminals: different searches into one new store at once, and the same search twice."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import Figure
from tests.faults.searched import RINGS, TRIALS, Searched, check_as_if_never_interrupted

pytestmark = pytest.mark.faults

Whole = Callable[[str], Searched]


def test_different_searches_share_a_new_store(tmp_path: Path) -> None:
    names = ["rings", "discs"]
    places = [Searched(tmp_path / name, "stacked", RINGS.replace("rings", name)) for name in names]
    store = f"sqlite:///{tmp_path}/store/mlflow.db"
    processes = [place.start("--tracking-uri", store) for place in places]
    for process in processes:
        assert process.wait() == 0, process.said
        assert process.lines == [], "no library's noise, and no lock"
    both = Searched(tmp_path / "both")
    (both.folder / "mlruns").symlink_to(tmp_path / "store")
    runs = both.runs()
    assert {run["status"] for run in runs} == {"FINISHED"}
    parents = {run["id"]: run for run in runs if "mlflow.parentRunId" not in run["tags"]}
    assert len(parents) == 2
    for parent, its_run in parents.items():
        children = [run for run in runs if run["tags"].get("mlflow.parentRunId") == parent]
        trials = [run for run in children if run["tags"]["trialstack.kind"] == "trial"]
        assert len({run["tags"]["trialstack.trial_id"] for run in trials}) == len(trials) == TRIALS
        searches = {run["tags"]["trialstack.search_id"] for run in [*children, its_run]}
        assert len(searches) == 1
    mixed = both.query(
        "SELECT count(*) FROM tags t JOIN runs child ON child.run_uuid = t.run_uuid "
        "JOIN runs parent ON parent.run_uuid = t.value "
        "WHERE t.key = 'mlflow.parentRunId' AND child.experiment_id != parent.experiment_id"
    )
    assert mixed == [(0,)]
    assert sorted(both.query("SELECT name, version FROM model_versions")) == [
        ("discs", 1),
        ("rings", 1),
    ]


@pytest.mark.slow
def test_a_store_that_another_program_locks_for_long(tmp_path: Path, whole: Whole) -> None:
    place = Searched(tmp_path)
    with place.start() as process:
        assert process.wait_for(lambda: place.journal_size > 6000)
        store = tmp_path / "mlruns" / "mlflow.db"
        with contextlib.closing(sqlite3.connect(store, timeout=60)) as other:
            other.execute("BEGIN EXCLUSIVE")
            time.sleep(45)
            other.rollback()
        assert process.wait() == 0, process.said
    check_as_if_never_interrupted(place, json.loads(process.out), whole("one-by-one"))


@pytest.mark.parametrize(
    ("executor", "stops"),
    [
        ("one-by-one", {signal.SIGINT: 130}),
        pytest.param(
            "one-by-one", {signal.SIGINT: 130, signal.SIGTERM: 143}, marks=pytest.mark.slow
        ),
        pytest.param("stacked", {signal.SIGINT: 130, signal.SIGTERM: 143}, marks=pytest.mark.slow),
    ],
    ids=["one-by-one", "one-by-one, SIGTERM too", "stacked"],
)
def test_stopped_refused_once_stopped_by_two_signals(
    executor: str, stops: dict[signal.Signals, int], tmp_path: Path, whole: Whole, figure: Figure
) -> None:
    place = Searched(tmp_path / "place", executor)
    for number, code in stops.items():
        with place.start() as process:
            size = place.journal_size
            assert process.wait_for(lambda size=size: place.journal_size > size + 3000)
            if number == signal.SIGINT:
                process.process.send_signal(signal.SIGSTOP)  # it might be through too early
                before = time.monotonic()
                refused(place, process.process.pid, tmp_path)
                figure("seconds until a second process is refused, each", time.monotonic() - before)
                process.process.send_signal(signal.SIGCONT)
            process.process.send_signal(number)
            before = time.monotonic()
            assert process.wait() == code, process.said
            figure("seconds from a signal to the end, each", time.monotonic() - before)
        (last,) = process.lines
        assert last.startswith("stopped; what is finished is saved. Go on with: trialstack tune ")
        assert {run["status"] for run in place.runs()} <= {"FINISHED", "KILLED"}

    with place.start() as process:  # Ctrl-C twice
        size = place.journal_size
        assert process.wait_for(lambda: place.journal_size > size + 300)
        process.process.send_signal(signal.SIGINT)
        process.process.send_signal(signal.SIGINT)
        assert process.wait() in {130, -signal.SIGINT}
    check_as_if_never_interrupted(place, place.finish(), whole(executor))
    lock = place.journals[0].parents[1] / "lock"
    assert f"process {process.process.pid} " not in lock.read_text(), "who died holds nothing"


def refused(place: Searched, holder: int, elsewhere: Path) -> None:
    """A second process is refused at once, before it imports what takes long."""
    with place.start(output=elsewhere) as second:
        assert second.wait() == 3
    (line,) = second.lines
    assert f"process {holder} on {socket.gethostname()} (since " in line
    assert os.linesep not in line
