"""What every tracker does, whichever it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from trialstack.errors import DataError
from trialstack.tracking.base import DatasetRecord, NewRun, Tracker
from trialstack.tracking.memory import MemoryTracker
from trialstack.tracking.mlflow import MlflowTracker
from trialstack.tracking.off import NullTracker
from trialstack.tracking.store import Store

STARTED = 1_700_000_000.0


@dataclass
class Seen:
    """A run as one reads it back."""

    status: str
    parent: str | None
    params: dict[str, str]
    tags: dict[str, str]
    description: str
    metrics: dict[str, dict[int, float]]
    files: dict[str, bytes]
    images: list[tuple[str, int]]
    tables: dict[str, Any]
    datasets: list[tuple[str, str]]


def seen_in_memory(tracker: MemoryTracker, run_id: str) -> Seen:
    (run,) = (run for run in tracker.runs if run.run_id == run_id)
    return Seen(
        run.status,
        run.parent,
        run.params,
        run.tags,
        run.description,
        run.metrics,
        run.files,
        sorted((name, step) for name, steps in run.images.items() for step in steps),
        {path: dict(columns) for path, columns in run.tables.items()},
        [(record.name, record.context) for record in run.datasets],
    )


def seen_in_mlflow(tracker: MlflowTracker, run_id: str) -> Seen:
    run = tracker.client.get_run(run_id)
    tags = run.data.tags
    folder = Path(run.info.artifact_uri.removeprefix("file://"))
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    images = [path.split("+") for path in files if path.endswith(".png")]
    tables = {}
    for table in json.loads(tags.get("mlflow.loggedArtifacts", "[]")):
        content = json.loads(files.pop(table["path"]))
        columns = zip(*content["data"], strict=True)
        tables[table["path"]] = {
            name: list(values) for name, values in zip(content["columns"], columns, strict=True)
        }
    return Seen(
        run.info.status,
        tags.get("mlflow.parentRunId"),
        run.data.params,
        {name: value for name, value in tags.items() if not name.startswith("mlflow.")},
        tags.get("mlflow.note.content", ""),
        {
            name: {p.step: p.value for p in tracker.client.get_metric_history(run_id, name)}
            for name in run.data.metrics
        },
        {path: content for path, content in files.items() if not path.startswith("images/")},
        sorted((parts[0].removeprefix("images/"), int(parts[2])) for parts in images),
        tables,
        [(given.dataset.name, given.tags[0].value) for given in run.inputs.dataset_inputs],
    )


@pytest.fixture(params=["memory", "mlflow"])
def tracker(request: pytest.FixtureRequest) -> Iterator[Tracker]:
    if request.param == "memory":
        made: Tracker = MemoryTracker()
    else:
        store: Store = request.getfixturevalue("store")
        made = MlflowTracker(store, "moons", "s1")
    yield made
    made.close()


def see(tracker: Tracker, run_id: str) -> Seen:
    tracker.flush()
    if isinstance(tracker, MemoryTracker):
        return seen_in_memory(tracker, run_id)
    assert isinstance(tracker, MlflowTracker)
    assert tracker.problems == []
    return seen_in_mlflow(tracker, run_id)


def start(tracker: Tracker, key: str, parent: str | None = None, **more: Any) -> None:
    tracker.start_run(NewRun(key, "trial", key, STARTED, parent=parent, **more))


def log_everything(tracker: Tracker, key: str, png: bytes) -> None:
    tracker.log_epochs(key, 0, [{"loss": 0.5}, {"loss": 0.25}], [STARTED, STARTED + 1])
    tracker.log_epochs(key, 2, [{"loss": 0.125, "auc": 0.75}], [STARTED + 2])
    tracker.log_metrics(key, {"best_val_auc": 0.75})
    tracker.log_metrics(key, {"search_best": 0.5}, step=7)
    tracker.log_params(key, {"l1": "0.001"})
    tracker.set_tags(key, {"colour": "red"})
    tracker.set_tags(key, {"colour": "blue"})
    tracker.describe(key, "# Result")
    tracker.log_file(key, "a/summary.txt", b"first")
    tracker.log_file(key, "a/summary.txt", b"second")
    tracker.log_image(key, "boundary", png, step=10)
    tracker.log_image(key, "boundary", lambda: png, step=20)
    tracker.log_table(key, "leaderboard.json", {"trial": [0, 1], "score": [0.5, 0.75]})
    tracker.log_dataset(
        key, DatasetRecord("moons", "ab" * 32, "moons.csv", 200, ["x1", "x2"], "y", "testing")
    )


def test_a_run_reads_back_as_it_was_written(tracker: Tracker, png: bytes) -> None:
    start(tracker, "search")
    start(tracker, "trial/0", parent="search", params={"units": "3"}, tags={"size": "small"})
    log_everything(tracker, "trial/0", png)
    tracker.end_run("trial/0", "FINISHED", STARTED + 3)
    seen = see(tracker, tracker.run_id("trial/0"))
    assert seen.status == "FINISHED"
    assert seen.parent == tracker.run_id("search")
    assert seen.params == {"units": "3", "l1": "0.001"}
    assert seen.tags["size"] == "small"
    assert seen.tags["colour"] == "blue"
    assert seen.description == "# Result"
    assert seen.metrics == {
        "loss": {0: 0.5, 1: 0.25, 2: 0.125},
        "auc": {2: 0.75},
        "best_val_auc": {0: 0.75},
        "search_best": {7: 0.5},
    }
    assert seen.files == {"a/summary.txt": b"second"}
    assert seen.images == [("boundary", 10), ("boundary", 20)]
    assert seen.tables == {"leaderboard.json": {"trial": [0, 1], "score": [0.5, 0.75]}}
    assert seen.datasets == [("moons", "testing")]


def test_a_picture_that_cannot_be_drawn_is_told_and_left_out(tracker: Tracker, png: bytes) -> None:
    def fail() -> bytes:
        raise DataError("no outputs\nat all")

    start(tracker, "trial/0")
    tracker.log_image("trial/0", "boundary", fail, step=1)
    tracker.log_image("trial/0", "boundary", lambda: png, step=2)
    tracker.log_metrics("trial/0", {"loss": 0.5})
    tracker.end_run("trial/0", "FINISHED", STARTED + 1)
    tracker.flush()
    assert isinstance(tracker, MemoryTracker | MlflowTracker)
    assert tracker.problems == [
        "run 'trial/0': its picture could not be drawn: DataError: no outputs"
    ]
    run_id = tracker.run_id("trial/0")
    seen = (
        seen_in_memory(tracker, run_id)
        if isinstance(tracker, MemoryTracker)
        else seen_in_mlflow(tracker, run_id)
    )
    assert seen.status == "FINISHED"
    assert seen.metrics == {"loss": {0: 0.5}}
    assert seen.images == [("boundary", 2)]


def test_values_that_are_none_are_left_out(tracker: Tracker) -> None:
    start(tracker, "trial/0")
    tracker.log_epochs("trial/0", 0, [{"loss": 0.5, "auc": None}], [STARTED])  # type: ignore[dict-item]
    assert see(tracker, tracker.run_id("trial/0")).metrics == {"loss": {0: 0.5}}


def test_a_key_used_again_opens_a_new_run(tracker: Tracker) -> None:
    start(tracker, "trial/0")
    tracker.log_metrics("trial/0", {"loss": 1.0})
    first = tracker.run_id("trial/0")
    start(tracker, "trial/0")
    tracker.log_metrics("trial/0", {"loss": 2.0})
    second = tracker.run_id("trial/0")
    tracker.end_run("trial/0", "FINISHED", STARTED + 1)
    assert first != second
    assert see(tracker, first).status == "KILLED"
    assert see(tracker, first).metrics == {"loss": {0: 1.0}}
    assert see(tracker, second).status == "FINISHED"
    assert see(tracker, second).metrics == {"loss": {0: 2.0}}
    known = [(run.key, run.status) for run in tracker.known_runs()]
    assert sorted(known) == [("trial/0", "FINISHED"), ("trial/0", "KILLED")]


def test_a_run_goes_on_after_resuming(tracker: Tracker) -> None:
    start(tracker, "search")
    run_id = tracker.run_id("search")
    tracker.end_run("search", "KILLED", STARTED + 1)
    tracker.flush()
    tracker.resume_run("search", run_id)
    assert see(tracker, run_id).status == "RUNNING"
    assert tracker.run_id("search") == run_id
    start(tracker, "trial/0", parent="search")
    tracker.end_run("search", "FINISHED", STARTED + 2)
    assert see(tracker, run_id).status == "FINISHED"
    assert see(tracker, tracker.run_id("trial/0")).parent == run_id


def test_a_run_that_goes_on_forgets_the_error_that_it_ended_with(tracker: Tracker) -> None:
    start(tracker, "search")
    tracker.set_tags("search", {"trialstack.error": "no", "colour": "red"})
    tracker.end_run("search", "FAILED", STARTED + 1)
    tracker.flush()
    tracker.resume_run("search", tracker.run_id("search"))
    tags = see(tracker, tracker.run_id("search")).tags
    assert "trialstack.error" not in tags
    assert tags["colour"] == "red"


def test_it_is_told_when_a_run_is_written_to_its_end(tracker: Tracker) -> None:
    start(tracker, "trial/0")
    seen: list[str] = []
    run_id = tracker.run_id("trial/0")

    def tell() -> None:
        (run,) = (run for run in tracker.known_runs() if run.run_id == run_id)
        seen.append(run.status)

    tracker.end_run("trial/0", "FINISHED", STARTED + 1, tell)
    tracker.flush()
    assert seen == ["FINISHED"]


def next_process(tracker: Tracker) -> Tracker:
    """The tracker of a process that goes on with a search."""
    if isinstance(tracker, MemoryTracker):
        return MemoryTracker(tracker.runs)
    assert isinstance(tracker, MlflowTracker)
    return MlflowTracker(tracker.store, "moons", "s1")


def test_runs_that_a_stopped_process_has_closed_get_their_successors(tracker: Tracker) -> None:
    start(tracker, "search")
    for key in ("trial/0", "trial/1", "trial/2"):
        start(tracker, key, parent="search")
    tracker.end_run("trial/1", "FAILED", STARTED + 1)
    ids = {key: tracker.run_id(key) for key in ("search", "trial/0", "trial/1", "trial/2")}
    tracker.close()

    second = next_process(tracker)
    second.resume_run("search", ids["search"])
    assert second.kill_open_runs(ids["search"]) == []
    start(second, "trial/0", parent="search")
    ids["again"] = second.run_id("trial/0")
    second.close()

    third = next_process(second)
    third.resume_run("search", ids["search"])
    assert third.kill_open_runs(ids["search"]) == []
    for key in ("trial/0", "trial/2"):
        start(third, key, parent="search")
    third.close()
    found = {run.run_id: run for run in third.known_runs()}
    assert found[ids["trial/0"]].successor == ids["again"], "not one of a later process"
    assert found[ids["again"]].successor == third.run_id("trial/0")
    assert found[ids["trial/2"]].successor == third.run_id("trial/2"), "which it has waited for"
    assert found[ids["trial/1"]].successor == found[ids["search"]].successor == ""


def test_runs_that_a_killed_process_left_open_are_closed(tracker: Tracker) -> None:
    """The first tracker is never closed, as its process would not have closed it."""
    start(tracker, "search")
    start(tracker, "trial/0", parent="search")
    start(tracker, "trial/1", parent="search")
    tracker.end_run("trial/1", "FINISHED", STARTED + 1)
    tracker.flush()
    successor = next_process(tracker)
    successor.resume_run("search", tracker.run_id("search"))
    successor.flush()
    orphans = successor.kill_open_runs("search, again")
    assert [(run.key, run.status) for run in orphans] == [("trial/0", "RUNNING")]
    assert {run.key: run.status for run in successor.known_runs()} == {
        "search": "RUNNING",
        "trial/0": "KILLED",
        "trial/1": "FINISHED",
    }
    killed = see(tracker, tracker.run_id("trial/0"))
    assert killed.tags["trialstack.successor"] == "search, again"
    assert successor.kill_open_runs("nobody") == []
    start(successor, "trial/0", parent="search")
    successor.flush()
    killed = see(tracker, tracker.run_id("trial/0"))
    assert killed.tags["trialstack.successor"] == successor.run_id("trial/0")
    successor.close()


def test_runs_still_open_are_killed_at_the_end(tracker: Tracker) -> None:
    start(tracker, "search")
    start(tracker, "trial/0", parent="search")
    tracker.end_run("trial/0", "FAILED", STARTED + 1)
    search, trial = tracker.run_id("search"), tracker.run_id("trial/0")
    tracker.close()
    assert see(tracker, search).status == "KILLED"
    assert see(tracker, trial).status == "FAILED"


def test_an_unknown_key_is_refused_at_once(tracker: Tracker, png: bytes) -> None:
    with pytest.raises(LookupError, match="no run 'trial/0' was started"):
        log_everything(tracker, "trial/0", png)
    with pytest.raises(LookupError, match="no run 'search' was started"):
        start(tracker, "trial/0", parent="search")
    with pytest.raises(LookupError, match="no run 'trial/0' was started"):
        tracker.run_id("trial/0")


def test_a_closed_tracker_takes_nothing(tracker: Tracker) -> None:
    start(tracker, "trial/0")
    tracker.close()
    tracker.close()
    with pytest.raises(RuntimeError, match="closed"):
        tracker.log_metrics("trial/0", {"loss": 1.0})
    with pytest.raises(RuntimeError, match="closed"):
        start(tracker, "trial/1")


def test_no_tracking_takes_everything(png: bytes) -> None:
    tracker: Tracker = NullTracker()
    start(tracker, "trial/0", parent="search")
    tracker.resume_run("trial/0", "c0ffee")
    log_everything(tracker, "trial/0", png)
    tracker.end_run("trial/0", "FINISHED", STARTED)
    assert tracker.run_id("trial/0") == ""
    tracker.flush()
    tracker.close()
