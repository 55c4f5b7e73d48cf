"""Outages of a server as they are seen from the other end of a socket."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.tracking.fake_server import FakeServer
from trialstack.tracking import mlflow as mlflow_module
from trialstack.tracking import writer as writer_module
from trialstack.tracking.base import NewRun
from trialstack.tracking.mlflow import MlflowTracker

pytestmark = pytest.mark.slow  # MLflow's server takes seconds to import

STARTED = 1_700_000_000.0
SAID = {
    "refuses": "connection refused",
    "hangs": "no answer in time",
    "500": "HTTP 500",
    "500 after": "HTTP 500",
    "drops after": "it closed the connection",
}


@pytest.fixture
def server(
    tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeServer]:
    shutil.copy(empty_database, tmp_path / "server.db")
    monkeypatch.setattr(writer_module, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(writer_module, "_LONGEST_PAUSE", 0.05)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_JITTER", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    server = FakeServer(tmp_path)
    yield server
    server.close()


def a_trial(tracker: MlflowTracker, number: int) -> None:
    key, started = f"trial/{number}", STARTED + number
    tracker.start_run(NewRun(key, "trial", key, started, params={"units": "3"}))
    tracker.log_epochs(key, 0, [{"loss": 0.5}, {"loss": 0.25}], [started, started + 1])
    tracker.set_tags(key, {"trialstack.trial_id": str(number)})
    tracker.end_run(key, "FINISHED", started + 2)


def assert_written_once(server: FakeServer, trials: int) -> None:
    """Every run and every value once, at the time and the step at which it happened."""
    with sqlite3.connect(server.database) as store:
        runs = store.execute(
            "select name, status, start_time, end_time from runs order by start_time"
        ).fetchall()
        values = store.execute(
            "select r.name, key, value, timestamp, step from metrics m join runs r"
            " on r.run_uuid = m.run_uuid order by timestamp"
        ).fetchall()
    begun = [int(1000 * (STARTED + number)) for number in range(trials)]
    assert runs == [
        (f"trial/{number}", "FINISHED", at, at + 2000) for number, at in enumerate(begun)
    ]
    assert sorted(values) == sorted(
        (f"trial/{number}", "loss", value, at + 1000 * step, step)
        for number, at in enumerate(begun)
        for step, value in enumerate((0.5, 0.25))
    )


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


@pytest.mark.parametrize("fault", SAID)
def test_an_outage_costs_nothing_and_is_told_once(
    server: FakeServer,
    tmp_path: Path,
    fault: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.WARNING, "trialstack")

    def lines() -> list[str]:
        return [record.getMessage() for record in caplog.records]

    with MlflowTracker(server.store(tmp_path), "moons", "s1") as tracker:
        a_trial(tracker, 0)
        assert tracker.flush()
        if fault == "hangs":
            monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
        server.fail(fault)
        before = time.monotonic()
        for number in range(1, 4):
            a_trial(tracker, number)
        waited = time.monotonic() - before
        print(f"{fault}: the search waited {waited:.4f} s for a server that does not answer")
        until(lambda: bool(lines()))
        assert lines() == [
            f"the tracking server does not answer ({SAID[fault]}): results wait in the journal "
            "and are sent when it is back"
        ]
        if fault == "hangs":  # from here on a slow answer is none of its faults
            monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
        server.recover()
        assert tracker.flush()
        assert lines()[1:] == ["the tracking server answers again: what has waited is being sent"]
        assert tracker.problems == []
    assert_written_once(server, 4)


def test_a_flush_in_an_outage_says_that_not_all_is_written(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlflow_module, "_PATIENCE", 0.1)
    with MlflowTracker(server.store(tmp_path), "moons", "s1") as tracker:
        a_trial(tracker, 0)
        until(tracker.flush)
        server.fail("500")
        a_trial(tracker, 1)
        assert not tracker.flush()
        server.recover()
        until(tracker.flush)
    assert_written_once(server, 2)


def test_a_search_does_not_wait_for_a_server(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While trials are asked and trained, the search's own thread sends no request at all."""
    import keras_tuner

    import trialstack
    from tests.tuners.conftest import Pretended

    asked_by: list[str] = []
    send = requests.Session.send

    def noted(self: Any, *args: Any, **kwargs: Any) -> Any:
        asked_by.append(threading.current_thread().name)
        return send(self, *args, **kwargs)

    hypermodel = Pretended()

    def fail_at_the_second(training: int, epoch: int) -> None:
        if (training, epoch) == (1, 0):
            monkeypatch.setattr(requests.Session, "send", noted)
            monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
            server.fail("hangs")
        if (training, epoch) == (5, 2):
            seen.extend(asked_by)
            monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
            server.recover()

    seen: list[str] = []
    hypermodel.epoch = fail_at_the_second
    tuner = trialstack.RandomSearch(
        hypermodel,
        keras_tuner.Objective("val_score", "max"),
        max_trials=6,
        seed=1,
        executor="one-by-one",
        tracking=server.uri,
        directory=str(tmp_path),
        project_name="study",
    )
    tuner.search(verbose=0)
    assert threading.main_thread().name not in seen
    with sqlite3.connect(server.database) as store:
        found = store.execute(
            "select status, count(*) from runs r join tags t on t.run_uuid = r.run_uuid"
            " where t.key = 'trialstack.kind' and t.value = 'trial' group by status"
        ).fetchall()
    assert found == [("FINISHED", 6)]
