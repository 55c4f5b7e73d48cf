from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from trialstack.errors import TrialstackError
from trialstack.tracking import mlflow as mlflow_module
from trialstack.tracking import writer as writer_module
from trialstack.tracking.base import NewRun
from trialstack.tracking.mlflow import MlflowTracker
from trialstack.tracking.store import Store, open_client

STARTED = 1_700_000_000.0
WRITES = ("create_run", "log_batch", "set_terminated", "log_artifacts")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "_FIRST_PAUSE", 0.001)
    monkeypatch.setattr(writer_module, "_LONGEST_PAUSE", 0.01)


class Outage:
    """A client whose writes fail while `away` is set, before or after they were done."""

    def __init__(self, client: Any, *, after: bool = False) -> None:
        self.away = threading.Event()
        self.failures = 0
        self._client = client
        self._after = after

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._client, name)
        return self._failing(attribute) if name in WRITES else attribute

    def _failing(self, write: Callable[..., Any]) -> Callable[..., Any]:
        from mlflow.exceptions import MlflowException

        def call(*args: Any, **more: Any) -> Any:
            if not self.away.is_set():
                return write(*args, **more)
            if self._after:
                write(*args, **more)
                self.away.clear()
            self.failures += 1
            raise MlflowException("no answer from https://ann:secret@host\nsecond line")

        return call


def a_trial(
    tracker: MlflowTracker, key: str = "trial/0", written: Callable[[], None] | None = None
) -> None:
    tracker.start_run(NewRun(key, "trial", key, STARTED, params={"units": "3"}))
    tracker.log_epochs(key, 0, [{"loss": 0.5}, {"loss": 0.25}], [STARTED, STARTED + 1])
    tracker.log_file(key, "trial.json", b"{}")
    tracker.end_run(key, "FINISHED", STARTED + 2, written)


def assert_complete(client: Any, tracker: MlflowTracker, key: str = "trial/0") -> None:
    run = client.get_run(tracker.run_id(key))
    assert run.info.status == "FINISHED"
    assert run.data.params == {"units": "3"}
    points = client.get_metric_history(run.info.run_id, "loss")
    assert sorted((point.step, point.value) for point in points) == [(0, 0.5), (1, 0.25)]
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["trial.json"]


def test_what_could_not_be_written_is_written_later(store: Store) -> None:
    client = open_client(store)
    outage = Outage(client)
    with MlflowTracker(store, "moons", "s1", client=outage) as tracker:
        outage.away.set()
        for number in range(3):
            a_trial(tracker, f"trial/{number}")
        while outage.failures < 20:
            threading.Event().wait(0.01)
        assert tracker.problems == [
            f"tracking store {store.tracking_uri} does not take what is written: "
            "no answer from https://***@host"
        ]
        outage.away.clear()
        tracker.flush()
        assert tracker.problems == []
        for number in range(3):
            assert_complete(client, tracker, f"trial/{number}")


def test_nothing_is_told_to_be_written_before_it_is(store: Store) -> None:
    told: list[str] = []
    outage = Outage(open_client(store))
    with MlflowTracker(store, "moons", "s1", client=outage) as tracker:
        tracker.start_run(NewRun("trial/0", "trial", "trial/0", STARTED))
        tracker.flush()
        outage.away.set()
        tracker.log_file("trial/0", "trial.json", b"{}")
        tracker.end_run("trial/0", "FINISHED", STARTED + 1, lambda: told.append("written"))
        while outage.failures < 3:
            threading.Event().wait(0.01)
        assert told == []
        outage.away.clear()
        tracker.flush()
        assert told == ["written"]


def test_a_picture_is_drawn_once_and_not_before_there_is_a_run(store: Store, png: bytes) -> None:
    drawn = []

    def draw() -> bytes:
        drawn.append(outage.failures)
        return png

    client = open_client(store)
    outage = Outage(client)
    with MlflowTracker(store, "moons", "s1", client=outage) as tracker:
        outage.away.set()
        a_trial(tracker)
        tracker.log_image("trial/0", "boundary_final", draw)
        while outage.failures < 5:
            threading.Event().wait(0.01)
        assert drawn == []
        outage.away.clear()
        tracker.flush()
        outage.away.set()
        tracker.log_image("trial/0", "boundary_final", draw, step=1)
        failures = outage.failures
        while outage.failures < failures + 3:
            threading.Event().wait(0.01)
        outage.away.clear()
        tracker.flush()
        assert len(drawn) == 2
        assert tracker.problems == []
        images = client.list_artifacts(tracker.run_id("trial/0"), "images")
        assert len(images) == 4


def test_a_request_whose_answer_was_lost_is_not_done_twice(store: Store) -> None:
    client = open_client(store)
    outage = Outage(client, after=True)
    with MlflowTracker(store, "moons", "s1", client=outage) as tracker:
        outage.away.set()  # the creation is done, but its answer never comes
        tracker.start_run(NewRun("trial/0", "trial", "trial/0", STARTED, params={"units": "3"}))
        tracker.flush()
        outage.away.set()  # the same of the metrics
        tracker.log_epochs("trial/0", 0, [{"loss": 0.5}, {"loss": 0.25}], [STARTED, STARTED])
        tracker.flush()
        tracker.log_file("trial/0", "trial.json", b"{}")
        tracker.end_run("trial/0", "FINISHED", STARTED + 2)
        tracker.flush()
        assert outage.failures == 2
        assert len(tracker.known_runs()) == 1
        assert_complete(client, tracker)


def test_closing_ends_although_the_store_is_away(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlflow_module, "_PATIENCE", 0.05)
    monkeypatch.setattr(mlflow_module, "_LONGEST_WAIT", 0.05)
    outage = Outage(open_client(store))
    tracker = MlflowTracker(store, "moons", "s1", client=outage)
    outage.away.set()
    a_trial(tracker)
    with pytest.raises(TrialstackError, match="'trial/0' is not in the store: "):
        tracker.run_id("trial/0")
    while not tracker.problems:  # the thread that writes has had no turn yet
        time.sleep(0.01)
    with pytest.raises(TrialstackError, match=r"'trial/0' is not in the store: .* does not take"):
        tracker.run_id("trial/0")
    tracker.close()
    assert tracker.problems[0] == "not all runs are completely written"
    assert "secret" not in "".join(tracker.problems)


def test_a_run_that_mlflow_refuses_stands_in_nobodys_way(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.exceptions import MlflowException

    told: list[str] = []
    with MlflowTracker(store, "moons", "s1") as tracker:
        create_run = tracker.client.create_run

        def refuse(*args: Any, **more: Any) -> Any:
            if more["run_name"] == "trial/1":
                raise MlflowException("not this one", error_code=1000)
            return create_run(*args, **more)

        monkeypatch.setattr(tracker.client, "create_run", refuse)
        for number in range(3):
            a_trial(tracker, f"trial/{number}", partial(told.append, f"trial/{number}"))
        tracker.flush()
        assert tracker.problems == ["run 'trial/1': MLflow refused creating it: not this one"]
        assert sorted(told) == ["trial/0", "trial/2"]
        assert_complete(tracker.client, tracker, "trial/0")
        assert_complete(tracker.client, tracker, "trial/2")
        with pytest.raises(TrialstackError, match="not this one"):
            tracker.run_id("trial/1")
