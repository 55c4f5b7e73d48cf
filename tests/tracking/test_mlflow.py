from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from trialstack.errors import InputError
from trialstack.tracking.base import DatasetRecord, NewRun
from trialstack.tracking.mlflow import MlflowTracker
from trialstack.tracking.store import Store

STARTED = 1_700_000_000.0


def a_run(key: str = "trial/0", kind: str = "trial", **more: Any) -> NewRun:
    return NewRun(key, kind, key, STARTED, **more)  # type: ignore[arg-type]


def history(tracker: MlflowTracker, run_id: str, name: str) -> list[tuple[int, float]]:
    points = tracker.client.get_metric_history(run_id, name)
    return sorted((point.step, point.value) for point in points)


def write_at_flush_only(tracker: MlflowTracker) -> None:
    """Has nothing written before it is asked for, although a busy machine takes a second for it."""
    tracker._delivery._writer._delay = 3600.0


def test_a_trial_is_written_value_by_value(store: Store, png: bytes) -> None:
    with MlflowTracker(store, "moons", "s1") as tracker:
        tracker.start_run(a_run("search", "search", description="AUC 0.99"))
        tracker.start_run(
            a_run("trial/0", parent="search", params={"units_1": "32"}, tags={"a": "b"})
        )
        tracker.log_epochs(
            "trial/0",
            3,
            [{"loss": 0.5, "val_auc": 0.75}, {"loss": 0.25, "val_auc": None}],
            [STARTED + 1, STARTED + 2],
        )
        tracker.log_metrics("trial/0", {"best_val_auc": 0.75})
        tracker.log_params("trial/0", {"l1": "0.001"})
        tracker.set_tags("trial/0", {"trialstack.stopped_by": "epochs"})
        tracker.log_file("trial/0", "deep/trial.json", b"{}")
        tracker.log_image("trial/0", "boundary", png, step=10)
        tracker.log_table("trial/0", "table.json", {"x": [1, 2], "y": [0.5, math.nan]})
        tracker.end_run("trial/0", "FINISHED", STARTED + 5)
        tracker.end_run("search", "FINISHED", STARTED + 6)
        tracker.flush()

        run = tracker.client.get_run(tracker.run_id("trial/0"))
        assert run.info.status == "FINISHED"
        assert run.info.run_name == "trial/0"
        assert run.info.start_time == 1000 * STARTED
        assert run.info.end_time == 1000 * (STARTED + 5)
        assert run.data.params == {"units_1": "32", "l1": "0.001"}
        assert run.data.metrics == {"loss": 0.25, "val_auc": 0.75, "best_val_auc": 0.75}
        assert history(tracker, run.info.run_id, "loss") == [(3, 0.5), (4, 0.25)]
        loss = tracker.client.get_metric_history(run.info.run_id, "loss")
        assert sorted(point.timestamp for point in loss) == [
            1000 * (STARTED + 1),
            1000 * (STARTED + 2),
        ]
        tags = run.data.tags
        assert tags["trialstack.kind"] == "trial"
        assert tags["trialstack.search_id"] == "s1"
        assert tags["trialstack.key"] == "trial/0"
        assert tags["trialstack.stopped_by"] == "epochs"
        assert tags["a"] == "b"
        assert tags["mlflow.parentRunId"] == tracker.run_id("search")
        assert tags["mlflow.source.type"] == "LOCAL"
        assert tags["mlflow.user"]
        assert tags["mlflow.loggedImages"] == "True"
        assert json.loads(tags["mlflow.loggedArtifacts"]) == [
            {"path": "table.json", "type": "table"}
        ]
        folder = Path(tracker.client.download_artifacts(run.info.run_id, ""))
        assert (folder / "deep/trial.json").read_bytes() == b"{}"
        assert json.loads((folder / "table.json").read_text()) == {
            "columns": ["x", "y"],
            "data": [[1, 0.5], [2, None]],
        }
        full, small = sorted((folder / "images").iterdir(), key=lambda path: path.suffix)
        assert full.name.startswith("boundary+step+10+timestamp+")
        assert full.read_bytes() == png
        assert small.name == f"{full.stem}+compressed.webp"
        parent = tracker.client.get_run(tracker.run_id("search"))
        assert parent.data.tags["mlflow.note.content"] == "AUC 0.99"
        assert folder.is_relative_to(store.artifact_root)
        assert tracker.problems == []


def test_nan_and_infinity_are_kept(store: Store) -> None:
    with MlflowTracker(store, "moons", "s1") as tracker:
        tracker.start_run(a_run())
        rows = [{"loss": 1.0}, {"loss": math.nan}, {"loss": math.inf}, {"loss": -math.inf}]
        tracker.log_epochs("trial/0", 0, rows, [STARTED] * 4)
        tracker.log_epochs("trial/0", 4, [{"loss": math.nan}] * 2, [STARTED] * 2)
        tracker.flush()
        values = [value for _, value in history(tracker, tracker.run_id("trial/0"), "loss")]
        assert len(values) == 6
        assert values[0] == 1.0
        assert [math.isnan(value) for value in values] == [False, True, False, False, True, True]
        assert values[2] > 1e308
        assert values[3] < -1e308
        assert tracker.problems == []


def test_a_dataset_shows_its_columns(store: Store) -> None:
    with MlflowTracker(store, "moons", "s1") as tracker:
        tracker.start_run(a_run("search", "search"))
        tracker.log_dataset(
            "search", DatasetRecord("moons", "ab" * 32, "moons.csv", 200, ["x1", "x2"], "y")
        )
        tracker.flush()
        (given,) = tracker.client.get_run(tracker.run_id("search")).inputs.dataset_inputs
        assert given.dataset.name == "moons"
        assert given.dataset.digest == ("ab" * 32)[:36]
        columns = json.loads(given.dataset.schema)["mlflow_colspec"]
        assert [column["name"] for column in columns] == ["x1", "x2", "y"]
        assert json.loads(given.dataset.profile)["num_rows"] == 200
        assert [(tag.key, tag.value) for tag in given.tags] == [("mlflow.data.context", "training")]


def test_many_values_are_split_by_mlflows_limits(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with MlflowTracker(store, "moons", "s1") as tracker:
        write_at_flush_only(tracker)
        sizes = []
        log_batch = tracker.client.log_batch

        def spy(run_id: str, **values: Any) -> None:
            sizes.append({name: len(part) for name, part in values.items()})
            log_batch(run_id, **values)

        monkeypatch.setattr(tracker.client, "log_batch", spy)
        params = {f"p{number}": "x" * 7000 for number in range(150)}
        tracker.start_run(a_run(params=params))
        rows = [{"a": 0.5, "b": 1.0, "c": 2.0}] * 800
        tracker.log_epochs("trial/0", 0, rows, [STARTED] * 800)
        tracker.flush()
        run = tracker.client.get_run(tracker.run_id("trial/0"))
        assert sizes == [
            {"metrics": 900, "params": 100, "tags": 0},
            {"metrics": 950, "params": 50, "tags": 0},
            {"metrics": 550, "params": 0, "tags": 0},
        ]
        assert len(run.data.params) == 150
        assert {len(value) for value in run.data.params.values()} == {6000}
        assert len(history(tracker, run.info.run_id, "c")) == 800


def test_a_short_trial_costs_three_requests(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with MlflowTracker(store, "moons", "s1") as tracker:
        tracker.start_run(a_run("search", "search"))
        tracker.flush()
        write_at_flush_only(tracker)
        calls = []
        for name in ("create_run", "log_batch", "set_terminated", "log_artifacts", "set_tag"):
            method = getattr(tracker.client, name)

            def spy(*args: Any, _name: str = name, _method: Any = method, **more: Any) -> Any:
                calls.append(_name)
                return _method(*args, **more)

            monkeypatch.setattr(tracker.client, name, spy)
        tracker.start_run(a_run(parent="search", params={"units": "3"}))
        for epoch in range(50):
            tracker.log_epochs("trial/0", epoch, [{"loss": 0.5}], [STARTED + epoch])
        tracker.log_metrics("trial/0", {"best_val_auc": 0.9})
        tracker.set_tags("trial/0", {"a": "b"})
        tracker.end_run("trial/0", "FINISHED", STARTED + 60)
        tracker.flush()
        assert calls == ["create_run", "log_batch", "set_terminated"]


def test_names_that_mlflow_forbids_are_mended(store: Store) -> None:
    with MlflowTracker(store, "moons", "s1") as tracker:
        tracker.start_run(a_run(params={"a(b)": "1", "../x": "2"}))
        tracker.log_metrics("trial/0", {"f1 [macro]": 0.5, "a//b": 1.0})
        tracker.flush()
        run = tracker.client.get_run(tracker.run_id("trial/0"))
        assert run.data.params == {"a_b_": "1", "x": "2"}
        assert run.data.metrics == {"f1 _macro_": 0.5, "a/b": 1.0}
        assert tracker.problems == []


def test_a_refused_param_takes_nothing_else_with_it(store: Store) -> None:
    with MlflowTracker(store, "moons", "s1") as tracker:
        tracker.start_run(a_run(params={"units": "3"}))
        tracker.flush()
        tracker.log_params("trial/0", {"units": "4", "l2": "0"})
        tracker.log_metrics("trial/0", {"loss": 0.5})
        tracker.set_tags("trial/0", {"a": "b"})
        tracker.end_run("trial/0", "FINISHED", STARTED)
        tracker.flush()
        run = tracker.client.get_run(tracker.run_id("trial/0"))
        assert run.data.params == {"units": "3", "l2": "0"}
        assert run.data.metrics == {"loss": 0.5}
        assert run.data.tags["a"] == "b"
        assert run.info.status == "FINISHED"
        (problem,) = tracker.problems
        assert "'trial/0'" in problem
        assert "param 'units'" in problem
        assert "\n" not in problem


def test_what_is_logged_after_the_end_is_kept(store: Store, png: bytes) -> None:
    with MlflowTracker(store, "moons", "s1") as tracker:
        tracker.start_run(a_run())
        tracker.end_run("trial/0", "FAILED", STARTED + 1)
        tracker.flush()
        tracker.log_image("trial/0", "boundary_final", png)
        tracker.set_tags("trial/0", {"late": "yes"})
        tracker.flush()
        run = tracker.client.get_run(tracker.run_id("trial/0"))
        assert run.info.status == "FAILED"
        assert run.data.tags["late"] == "yes"
        assert len(tracker.client.list_artifacts(run.info.run_id, "images")) == 2


def test_pictures_are_drawn_on_the_writers_thread(store: Store, png: bytes) -> None:
    threads = []

    def draw() -> bytes:
        threads.append(threading.current_thread())
        return png

    with MlflowTracker(store, "moons", "s1") as tracker:
        tracker.start_run(a_run())
        tracker.log_image("trial/0", "boundary_final", draw)
        tracker.end_run("trial/0", "FINISHED", STARTED + 1)
        tracker.flush()
        assert [thread.name for thread in threads] == ["trialstack-tracking"]
        assert threading.current_thread() not in threads
        run = tracker.client.get_run(tracker.run_id("trial/0"))
        assert run.data.tags["mlflow.loggedImages"] == "True"
        files = tracker.client.list_artifacts(run.info.run_id, "images")
        assert sorted(Path(file.path).suffix for file in files) == [".png", ".webp"]


def test_a_run_whose_only_picture_failed_is_not_said_to_have_one(store: Store) -> None:
    def fail() -> bytes:
        raise MemoryError("no room")

    with MlflowTracker(store, "moons", "s1") as tracker:
        tracker.start_run(a_run())
        tracker.log_image("trial/0", "boundary_final", fail)
        tracker.end_run("trial/0", "FINISHED", STARTED + 1)
        tracker.flush()
        run = tracker.client.get_run(tracker.run_id("trial/0"))
        assert run.info.status == "FINISHED"
        assert "mlflow.loggedImages" not in run.data.tags
        assert tracker.client.list_artifacts(run.info.run_id) == []
        assert tracker.problems == [
            "run 'trial/0': its picture could not be drawn: MemoryError: no room"
        ]


def test_resuming_goes_on_with_the_same_run(store: Store) -> None:
    table = {"x": [1]}
    with MlflowTracker(store, "moons", "s1") as first:
        first.start_run(a_run("search", "search"))
        first.log_table("search", "leaderboard.json", table)
        run_id = first.run_id("search")
    with MlflowTracker(store, "moons", "s1") as second:
        second.resume_run("search", run_id)
        second.flush()
        assert second.run_id("search") == run_id
        assert second.client.get_run(run_id).info.status == "RUNNING"
        second.log_table("search", "other.json", table)
        second.start_run(a_run(parent="search"))
        second.end_run("search", "FINISHED", STARTED + 9)
        second.flush()
        run = second.client.get_run(run_id)
        child = second.client.get_run(second.run_id("trial/0"))
    assert run.info.status == "FINISHED"
    assert run.info.end_time == 1000 * (STARTED + 9)
    assert "leaderboard.json" in run.data.tags["mlflow.loggedArtifacts"]
    assert "other.json" in run.data.tags["mlflow.loggedArtifacts"]
    assert child.data.tags["mlflow.parentRunId"] == run_id


def test_runs_that_a_killed_process_left_open_are_closed(store: Store) -> None:
    with (
        MlflowTracker(store, "moons", "s1") as killed,
        MlflowTracker(store, "moons", "s2") as other,
    ):
        killed.start_run(a_run("search", "search"))
        killed.start_run(a_run("trial/0", parent="search"))
        killed.start_run(a_run("trial/1", parent="search"))
        killed.end_run("trial/1", "FINISHED", STARTED + 1)
        killed.flush()
        other.start_run(a_run("trial/9"))
        other.flush()
        with MlflowTracker(store, "moons", "s1") as tracker:
            tracker.resume_run("search", killed.run_id("search"))
            tracker.flush()
            orphans = tracker.kill_open_runs("trial/0 again")
            assert [orphan.key for orphan in orphans] == ["trial/0"]
            assert {run.key: run.status for run in tracker.known_runs()} == {
                "search": "RUNNING",
                "trial/0": "KILLED",
                "trial/1": "FINISHED",
            }
            tags = tracker.client.get_run(killed.run_id("trial/0")).data.tags
            assert tags["trialstack.successor"] == "trial/0 again"
        assert [run.status for run in other.known_runs()] == ["RUNNING"]


def test_a_deleted_experiment_is_refused(store: Store) -> None:
    with MlflowTracker(store, "moons", "s1") as tracker:
        tracker.start_run(a_run())
        tracker.flush()
        tracker.client.delete_experiment(tracker.experiment_id)
    with pytest.raises(InputError, match=r"deleted.*mlflow experiments restore --experiment-id 1"):
        MlflowTracker(store, "moons", "s2")


def test_the_experiment_is_made_with_the_first_run(store: Store) -> None:
    with MlflowTracker(store, "my moons/2", "s1") as tracker:
        assert tracker.known_runs() == []
        assert tracker.client.get_experiment_by_name("my moons/2") is None
        tracker.start_run(a_run())
        tracker.flush()
        experiment = tracker.client.get_experiment_by_name("my moons/2")
    assert experiment.artifact_location == (store.artifact_root / "my-moons-2").as_uri()


def tell_trials(tracker: MlflowTracker, count: int, value: str) -> None:
    for number in range(count):
        key = f"trial/{number}"
        tracker.start_run(a_run(key, parent="search"))
        tracker.log_params(key, {"units": value})
        tracker.log_epochs(key, 0, [{"loss": 0.5}, {"loss": 0.25}], [STARTED + 1, STARTED + 2])
        tracker.log_file(key, "trial.json", b"{}")
        tracker.end_run(key, "FINISHED", STARTED + 5)


def assert_told(tracker: MlflowTracker, count: int) -> None:
    runs = tracker.client.search_runs([tracker.experiment_id], "tags.`trialstack.kind` = 'trial'")
    keys = sorted(run.data.tags["trialstack.key"] for run in runs)
    assert keys == sorted(f"trial/{number}" for number in range(count))
    for run in runs:
        assert (run.info.status, run.data.params["units"]) == ("FINISHED", "32")
        assert history(tracker, run.info.run_id, "loss") == [(0, 0.5), (1, 0.25)]
        folder = Path(tracker.client.download_artifacts(run.info.run_id, ""))
        assert (folder / "trial.json").exists()
    assert tracker.problems == []


def test_trials_that_end_together_take_few_transactions(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with MlflowTracker(store, "moons", "s1") as tracker:
        tracker.start_run(a_run("search", "search"))
        tracker.flush()
        write_at_flush_only(tracker)
        begun: list[None] = []
        transaction = tracker.client._transaction

        def counted() -> Any:
            begun.extend([] if tracker.client.in_transaction else [None])
            return transaction()

        monkeypatch.setattr(tracker.client, "_transaction", counted)
        tell_trials(tracker, 20, "32")
        tracker.flush()
        assert len(begun) <= 5, "of 60 requests"
        assert_told(tracker, 20)


@pytest.mark.parametrize("step", ["create_run", "set_terminated", "commit"])
def test_a_transaction_that_fails_loses_nothing(
    store: Store, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its trials are written again, one by one, and none is there twice."""
    with MlflowTracker(store, "moons", "s1") as tracker:
        tracker.start_run(a_run("search", "search"))
        tracker.flush()
        write_at_flush_only(tracker)
        together = tracker.client.together
        calls: list[str] = []
        failures: list[str] = []

        def fail() -> None:
            failures.append(step)
            raise OSError("no space left on device")

        def failing_once(*args: Any, **kwargs: Any) -> Any:
            calls.append(step)
            if len(calls) == 3 and tracker.client.in_transaction:  # the third trial's
                fail()
            return ordinary(*args, **kwargs)

        @contextmanager
        def failing_together() -> Iterator[None]:
            with together():
                yield
                if not failures:
                    fail()

        if step == "commit":
            monkeypatch.setattr(tracker.client, "together", failing_together)
        else:
            ordinary = getattr(tracker.client, step)
            monkeypatch.setattr(tracker.client, step, failing_once)
        tell_trials(tracker, 5, "32")
        tracker.flush()
        assert failures == [step]
        assert_told(tracker, 5)


def test_a_refused_value_costs_its_neighbours_nothing(store: Store) -> None:
    with MlflowTracker(store, "moons", "s1") as tracker:
        tracker.start_run(a_run("search", "search"))
        tell_trials(tracker, 3, "32")
        tracker.flush()
        tracker.log_params("trial/1", {"units": "64"})  # MLflow refuses to change a param
        for number in (0, 2):
            tracker.log_metrics(f"trial/{number}", {"late": 1.0})
        tracker.flush()
        assert len(tracker.problems) == 1
        assert "units" in tracker.problems[0]
        for number in (0, 2):
            assert history(tracker, tracker.run_id(f"trial/{number}"), "late") == [(0, 1.0)]
