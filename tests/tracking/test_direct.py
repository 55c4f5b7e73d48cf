"""What the direct client writes is, row by row, what MLflow's own client writes."""

from __future__ import annotations

import logging
import math
import re
import shutil
import sqlite3
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trialstack.tracking import direct
from trialstack.tracking.base import NewRun
from trialstack.tracking.direct import DirectClient
from trialstack.tracking.mlflow import MlflowTracker
from trialstack.tracking.run_tables import NotPlainError
from trialstack.tracking.store import Store, open_client, resolve_store

WRITES = {"create_run", "log_batch", "set_terminated"}
NAN, INF, LARGEST = math.nan, math.inf, sys.float_info.max
ID = re.compile("[0-9a-f]{32}")
LATER_THAN_ANY_TEST_SETS = 10**12  # milliseconds since the epoch


class Recording:
    """MLflow's own client, which notes what of the direct one's work was left to it."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name in WRITES:
            self.calls.append(name)
        return getattr(self._client, name)


@dataclass
class Side:
    """One of two stores in which the same is done."""

    client: Any
    file: Path
    run_ids: list[str] = field(default_factory=list)

    def do(self, name: str, *args: Any, **values: Any) -> Any:
        """What a call returns or raises."""
        try:
            returned = getattr(self.client, name)(*args, **values)
        except Exception as error:
            return type(error).__name__, self.plain(str(error))
        if hasattr(returned, "wait"):  # logging on another thread
            return returned.wait()
        if name == "create_run":
            self.run_ids.append(returned.info.run_id)
        return self.plain(returned.to_dictionary() if name == "create_run" else returned)

    def plain(self, value: Any) -> Any:
        """Without ids of runs, and without times that no test has set."""
        if isinstance(value, dict):
            return {key: self.plain(each) for key, each in value.items()}
        if isinstance(value, int) and value > LATER_THAN_ANY_TEST_SETS:
            return "<now>"
        if isinstance(value, str):
            return ID.sub(self._numbered, value)
        return value

    def _numbered(self, found: re.Match[str]) -> str:
        known = found[0] in self.run_ids
        return f"<run {self.run_ids.index(found[0])}>" if known else "<id>"

    def rows(self) -> dict[str, list[Any]]:
        """Of all tables."""
        with closing(sqlite3.connect(self.file)) as database:
            tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            return {
                table: sorted(
                    (
                        [self.plain(value) for value in row]
                        for row in database.execute(f"SELECT * FROM {table}")
                    ),
                    key=repr,
                )
                for (table,) in tables.fetchall()
            }


@dataclass
class Pair:
    """Both sides, and the calls that the direct client has left to MLflow's own."""

    mlflow: Side
    direct: Side
    experiment: str
    deleted_experiment: str
    left: list[str] = field(default_factory=list)

    def do(self, name: str, *args: Any, **values: Any) -> Any:
        """Does the same on both sides.

        Returns:
            What came of it, which must be the same.
        """
        wanted = self.mlflow.do(name, *args, **values)
        assert self.direct.do(name, *args, **values) == wanted
        return wanted

    def do_to_run(self, name: str, *args: Any, **values: Any) -> Any:
        """The same, to the latest run."""
        wanted = self.mlflow.do(name, self.mlflow.run_ids[-1], *args, **values)
        assert self.direct.do(name, self.direct.run_ids[-1], *args, **values) == wanted
        return wanted


def copied_store(folder: Path, empty_database: Path) -> Store:
    store = resolve_store("sqlite:///mlflow.db", folder)
    shutil.copy(empty_database, folder / "mlflow.db")
    return store


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Pair:
    sides = []
    for _ in range(2):
        folder = tmp_path_factory.mktemp("side")
        client = open_client(copied_store(folder, empty_database))
        assert isinstance(client, DirectClient)
        sides.append(Side(client, folder / "mlflow.db"))
    mlflow, direct = sides
    mlflow.client = mlflow.client.mlflow_client
    stores = Pair(mlflow, direct, "", "")
    stores.experiment = stores.do("create_experiment", "kept", artifact_location="file:///files")
    stores.deleted_experiment = stores.do("create_experiment", "deleted", artifact_location="x")
    stores.do("delete_experiment", stores.deleted_experiment)
    return stores


@pytest.fixture
def pair(stores: Pair) -> Iterator[Pair]:
    own = stores.direct.client.mlflow_client
    recording = Recording(own)
    stores.direct.client.mlflow_client = recording
    stores.left = recording.calls
    yield stores
    stores.direct.client.mlflow_client = own
    assert stores.direct.rows() == stores.mlflow.rows()


@dataclass(frozen=True)
class Values:
    """Arguments of `log_batch`: (name, value, time, step) a metric, (name, value) else."""

    metrics: tuple[tuple[Any, ...], ...] = ()
    params: tuple[tuple[Any, Any], ...] = ()
    tags: tuple[tuple[Any, Any], ...] = ()
    more: tuple[tuple[str, Any], ...] = ()

    def entities(self) -> dict[str, Any]:
        from mlflow.entities import Metric, Param, RunTag

        return {
            "metrics": [Metric(*values) for values in self.metrics],
            "params": [Param(*values) for values in self.params],
            "tags": [RunTag(*values) for values in self.tags],
            **dict(self.more),
        }


def loss(*values: Any) -> Values:
    """One metric: (value, time, step), ..."""
    return Values(metrics=tuple(("loss", *each) for each in values))


def param(name: Any, value: Any = "1") -> Values:
    return Values(params=((name, value),))


def tag(name: Any, value: Any = "1") -> Values:
    return Values(tags=((name, value),))


def many(metrics: int, params: int, tags: int) -> Values:
    return Values(
        tuple(("loss", 0.5, step, step) for step in range(metrics)),
        tuple((f"p{number}", "1") for number in range(params)),
        tuple((f"t{number}", "1") for number in range(tags)),
    )


WHOLE_TRIAL = Values(
    metrics=tuple(
        (name, 1.0 / step, 10 * step, step) for step in range(1, 20) for name in ("loss", "val/auc")
    ),
    params=(("units", "32"), ("l1 of layer 1", "0.001")),
    tags=(("mlflow.note.content", "AUC 0.99\n\nmore"), ("trialstack.kind", "trial"), ("empty", "")),
)

# what it is about -> (batches logged to one run, how many of them are left to MLflow's client)
BATCHES: dict[str, tuple[tuple[Values, ...], int]] = {
    "a whole trial": ((WHOLE_TRIAL,), 0),
    "a whole trial twice": ((WHOLE_TRIAL, WHOLE_TRIAL), 1),
    "nothing": ((Values(),), 1),
    # metrics
    "NaN and infinities": ((loss((NAN, 1, 0), (INF, 2, 1), (-INF, 3, 2), (NAN, 4, 3)),), 0),
    "infinity and the largest number": ((loss((INF, 1, 0), (LARGEST, 1, 0)),), 0),
    "NaN and 0 at one place": ((loss((NAN, 1, 0), (0.0, 1, 0)),), 0),
    "0 and NaN at one place": ((loss((0.0, 1, 0)), loss((NAN, 1, 0))), 0),
    "a 0 below 0": ((loss((-0.0, 1, 0)), loss((0.0, 1, 1))), 0),
    "a value twice": ((loss((0.5, 1, 0), (0.5, 1, 0), (NAN, 1, 0), (NAN, 1, 0)),), 0),
    "a value again, and a new one": ((loss((0.5, 1, 0)), loss((0.5, 1, 0), (0.25, 2, 1))), 1),
    "NaN again": ((loss((NAN, 1, 0)), loss((NAN, 1, 0))), 1),
    "steps out of order": ((loss((0.1, 9, 5), (0.2, 9, 7), (0.3, 9, 6)), loss((9.9, 9, 6))), 0),
    "a later step": ((loss((0.9, 9, 5)), loss((0.1, 1, 6))), 0),
    "one step at several times": ((loss((0.9, 2, 0)), loss((0.1, 3, 0)), loss((5.0, 1, 0))), 0),
    "one step and time": ((loss((0.5, 1, 0)), loss((0.7, 1, 0)), loss((0.6, 1, 0))), 0),
    "the latest is NaN": ((loss((0.5, 1, 0)), loss((NAN, 1, 1)), loss((-1.0, 1, 1))), 0),
    "some metrics go on": ((WHOLE_TRIAL, Values((("loss", 0.1, 1, 99), ("new", 1.0, 1, 0)))), 0),
    "a negative step": ((loss((0.5, 0, -1)),), 0),
    "the largest step": ((loss((0.5, 0, 2**63 - 1)),), 0),
    "too large a step": ((loss((0.5, 0, 2**63)),), 1),
    "a negative time": ((loss((0.5, -1, 0)),), 1),
    "a broken step": ((loss((0.5, 0, 1.5)),), 1),
    "a whole number": ((loss((1, 0, 0)),), 1),
    "a NumPy number": ((loss((np.float32(0.5), 0, 0)),), 1),
    "an array": ((loss((np.array([0.5]), 0, 0)),), 1),
    "no number": ((loss(("high", 0, 0)), loss((None, 0, 0)), loss((0.5, None, 0))), 3),
    "of an unknown model": ((Values((("loss", 0.5, 0, 0, "m-1"),)),), 1),
    # params
    "a param again": ((param("units", "3"), param("units", "3"), param("l1")), 0),
    "a param changed": ((param("units", "3"), Values((("a", 0.5, 0, 0),), (("units", "4"),))), 1),
    "a param twice at once": ((Values(params=(("units", "3"), ("units", "3"))),), 1),
    "params that are no text": ((Values(params=(("a", 3), ("b", None), ("c", True))),), 0),
    "the longest param": ((param("a", "é" * 6000),), 0),
    "too long a param": ((param("a", "é" * 6001),), 1),
    # tags
    "a tag overwritten": ((tag("a", "1"), Values(tags=(("a", "2"), ("b", "1"))), tag("a", "3")), 0),
    "a tag twice at once": ((Values(tags=(("a", "1"), ("a", "2"))),), 0),
    "the run's name": ((tag("mlflow.runName", "another"),), 1),
    "the longest tag": ((tag("a", "é" * 8000),), 0),
    "too long a tag": ((tag("a", "é" * 8001),), 1),
    "tags that are no text": ((tag("a", 3), tag("a", None)), 2),
    "no Unicode": ((tag("a", "\ud800"),), 1),
    # names
    "names": ((param("a/b c/d.e-f"), tag("é_1:2."), Values((("x" * 250, 0.5, 0, 0),))), 0),
    "rarer names": ((param("-a"), tag(".a"), param(" "), tag("a/.b")), 4),
    "empty names": ((param(""), tag(None), Values(((None, 0.5, 0, 0),)), param(3)), 4),
    "too long a name": ((param("x" * 251), tag("x" * 251)), 2),
    "names that are paths": ((param("../a"), tag("a//b"), param("/a"), tag("a/"), tag(".")), 5),
    "characters of names": ((param("a(b)"), tag("a\n"), Values((("f1[0]", 0.5, 0, 0),))), 3),
    # limits
    "the most values": ((many(800, 100, 100),), 0),
    "more values": ((many(801, 100, 100),), 1),
    "more params": ((many(0, 101, 0),), 1),
    "more tags": ((many(0, 0, 101),), 1),
    # ways
    "at once": ((Values(loss((0.5, 0, 0)).metrics, more=(("synchronous", True),)),), 0),
    "later": ((Values(loss((0.5, 0, 0)).metrics, more=(("synchronous", False),)),), 1),
}


@pytest.mark.parametrize("case", BATCHES)
def test_batches(pair: Pair, case: str) -> None:
    logged, left = BATCHES[case]
    pair.do("create_run", pair.experiment, 1, {}, "run")
    for values in logged:
        pair.do_to_run("log_batch", **values.entities())
    assert pair.left == left * ["log_batch"]


# what it is about -> (arguments of `create_run` after the experiment, whether it is left)
RUNS: dict[str, tuple[dict[str, Any], bool]] = {
    "a trial": ({"tags": {"mlflow.user": "ann", "a": "b", "mlflow.parentRunId": "x"}}, False),
    "without tags": ({}, False),
    "with no tags": ({"tags": {}}, False),
    "tags that are not looked at": ({"tags": {"a(b)": "", "x" * 300: "y" * 9000}}, False),
    "a long name": ({"run_name": "ü" * 300}, False),
    "the name as tag too": ({"tags": {"mlflow.runName": "run"}}, True),
    "the name as tag only": ({"run_name": None, "tags": {"mlflow.runName": "run"}}, True),
    "two names": ({"tags": {"mlflow.runName": "other"}}, True),
    "tags that are no text": ({"tags": {"a": 3, "b": None}}, True),
    "no start": ({"start_time": None}, True),
    "a start of 0": ({"start_time": 0}, True),
    "too late a start": ({"start_time": 2**63}, True),
    "no Unicode": ({"run_name": "\ud800"}, True),
}


@pytest.mark.parametrize("case", RUNS)
def test_runs(pair: Pair, case: str) -> None:
    values, left = RUNS[case]
    pair.do("create_run", pair.experiment, **{"start_time": 1, "run_name": "run", **values})
    assert pair.left == left * ["create_run"]


def test_experiments_that_take_no_runs(pair: Pair) -> None:
    for experiment in (pair.deleted_experiment, "99", "x", "", "1.5"):
        assert pair.do("create_run", experiment, 1, {}, "run")[0] == "MlflowException"
    assert pair.left == 5 * ["create_run"]


def test_experiments_that_are_no_text(pair: Pair) -> None:
    pair.do("create_run", int(pair.experiment), 1, {}, "run")
    pair.do("create_run", None, 1, {}, "run")
    assert pair.left == 2 * ["create_run"]


@pytest.mark.parametrize(
    ("status", "left"),
    [
        *((status, False) for status in ("FINISHED", "FAILED", "KILLED", None)),
        *((status, True) for status in ("RUNNING", "SCHEDULED", "UNFINISHED", "finished")),
    ],
)
def test_ends(pair: Pair, status: str | None, left: bool) -> None:
    pair.do("create_run", pair.experiment, 1, {}, "run")
    pair.do_to_run("set_terminated", status, 7)
    assert pair.left == left * ["set_terminated"]


def test_an_ended_run_is_written_to_and_ended_again(pair: Pair) -> None:
    pair.do("create_run", pair.experiment, 1, {}, "run")
    pair.do_to_run("set_terminated", "FAILED", 7)
    pair.do_to_run("log_batch", **WHOLE_TRIAL.entities())
    pair.do_to_run("set_terminated", end_time=9)
    pair.do_to_run("set_terminated")
    assert pair.left == []


def test_a_deleted_run_takes_nothing(pair: Pair) -> None:
    pair.do("create_run", pair.experiment, 1, {}, "run")
    pair.do_to_run("delete_run")
    assert pair.do_to_run("log_batch", **WHOLE_TRIAL.entities())[0] == "MlflowException"
    assert pair.do_to_run("set_terminated", "FINISHED", 7)[0] == "MlflowException"
    pair.do_to_run("restore_run")
    assert pair.do_to_run("log_batch", **WHOLE_TRIAL.entities()) is None
    assert pair.left == ["log_batch", "set_terminated"]


@pytest.mark.parametrize("run_id", ["0" * 32, "../x", ""])
def test_an_unknown_run_takes_nothing(pair: Pair, run_id: str) -> None:
    outcome = pair.do("log_batch", run_id, **WHOLE_TRIAL.entities())
    assert outcome[0] == "MlflowException"
    assert pair.do("set_terminated", run_id, "FINISHED", 7)[0] == "MlflowException"
    assert pair.left == ["log_batch", "set_terminated"]


def test_settings_of_mlflow_hold(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    pair.do("create_run", pair.experiment, 1, {}, "run")
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_LOGGING", "true")
    pair.do_to_run("log_batch", **WHOLE_TRIAL.entities())
    pair.do_to_run("set_terminated", "FINISHED", 7)
    assert pair.left == ["log_batch"]


def test_mlflow_reads_what_was_written(store: Store) -> None:
    client = open_client(store)
    experiment = client.create_experiment("x")
    run_ids = []
    for number in range(3):
        run = client.create_run(experiment, 1, {"kind": "trial"}, f"trial {number}")
        client.log_batch(run.info.run_id, **WHOLE_TRIAL.entities())
        client.log_batch(run.info.run_id, **loss((0.1 * (number - 1) ** 2, 1, 99)).entities())
        client.set_terminated(run.info.run_id, "FINISHED", 7)
        run_ids.append(run.info.run_id)
    run = client.mlflow_client.get_run(run_ids[0])
    assert (run.info.run_name, run.info.status, run.info.end_time) == ("trial 0", "FINISHED", 7)
    assert run.info.artifact_uri.endswith(f"/{run_ids[0]}/artifacts")
    assert run.data.params == {"units": "32", "l1 of layer 1": "0.001"}
    assert run.data.metrics == {"loss": 0.1, "val/auc": 1 / 19}
    points = client.mlflow_client.get_metric_history(run_ids[0], "loss")
    assert sorted((point.step, point.timestamp) for point in points) == [
        *((step, 10 * step) for step in range(1, 20)),
        (99, 1),
    ]
    found = client.mlflow_client.search_runs(
        [experiment],
        "metrics.loss > 0.05 and tags.kind = 'trial' and attributes.status = 'FINISHED'",
        order_by=["metrics.loss DESC", "attributes.run_name DESC"],
    )
    assert [run.info.run_id for run in found] == [run_ids[2], run_ids[0]]


def test_unknown_columns_are_left_alone(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    from mlflow import MlflowClient

    assert store.sqlite_file is not None
    with closing(sqlite3.connect(store.sqlite_file)) as database:
        database.execute("ALTER TABLE latest_metrics ADD COLUMN unit VARCHAR(20)")
    with caplog.at_level(logging.DEBUG, "trialstack"):
        client = open_client(store)
    assert type(client) is MlflowClient
    assert "unknown schema" in caplog.text
    run = client.create_run("0", 1, {}, "run")
    client.log_batch(run.info.run_id, **WHOLE_TRIAL.entities())


def test_writers_do_not_get_in_each_others_way(store: Store) -> None:
    client = open_client(store)
    recording = client.mlflow_client = Recording(client.mlflow_client)
    run_id = client.create_run("0", 1, {}, "shared").info.run_id
    batches, together = 12, threading.Barrier(4)

    def write(writer: int) -> None:
        together.wait()
        for number in range(batches):
            step = batches * writer + number
            values = Values((("loss", 0.5, 1, step), (f"own {writer}", 0.5, 1, number)))
            client.log_batch(run_id, **values.entities())

    def lock() -> None:  # as another process does that writes
        together.wait()
        for number in range(batches):
            with closing(sqlite3.connect(store.sqlite_file, timeout=20)) as database, database:
                database.execute("BEGIN IMMEDIATE")
                row = (f"other {number}", "x", run_id)
                database.execute("INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", row)

    with ThreadPoolExecutor(4) as pool:
        writing = [*(pool.submit(write, writer) for writer in range(3)), pool.submit(lock)]
    assert [done.result() for done in writing] == [None] * 4
    assert recording.calls == []
    run = client.get_run(run_id)
    points = client.get_metric_history(run_id, "loss")
    assert sorted(point.step for point in points) == list(range(3 * batches))
    assert sum(name.startswith("other") for name in run.data.tags) == batches
    latest = {metric.key: metric.step for metric in run.data._metric_objs}
    assert latest == {"loss": 3 * batches - 1} | {f"own {n}": batches - 1 for n in range(3)}


def test_a_lock_is_waited_for(store: Store) -> None:
    client = open_client(store)
    recording = client.mlflow_client = Recording(client.mlflow_client)
    run_id = client.create_run("0", 1, {}, "run").info.run_id
    with (
        ThreadPoolExecutor(1) as pool,
        closing(sqlite3.connect(store.sqlite_file)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE runs SET lifecycle_stage = 'deleted'")
        writing = pool.submit(client.log_batch, run_id, **WHOLE_TRIAL.entities())
        with pytest.raises(TimeoutError):
            writing.result(timeout=0.3)
        other.commit()
        # It sees what was written while it waited.
        assert "must be in the 'active' state" in str(writing.exception())
    assert recording.calls == ["log_batch"]


@pytest.mark.parametrize("outage", ["locked", "away"])
def test_an_outage_is_waited_for_once(
    outage: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.exceptions import MlflowException

    client = open_client(store)
    recording = client.mlflow_client = Recording(client.mlflow_client)
    run_id = client.create_run("0", 1, {}, "run").info.run_id
    monkeypatch.setattr(direct, "_BEGIN", ("PRAGMA busy_timeout = 10", *direct._BEGIN[2:]))
    assert store.sqlite_file is not None
    with closing(sqlite3.connect(store.sqlite_file)) as other:
        if outage == "locked":
            other.execute("BEGIN IMMEDIATE")
        else:
            client._store.engine.dispose()
            store.folder.rename(tmp_path / "elsewhere")
        for call in (
            lambda: client.create_run("0", 1, {}, "run"),
            lambda: client.log_batch(run_id, **WHOLE_TRIAL.entities()),
            lambda: client.set_terminated(run_id, "FINISHED", 2),
        ):
            with pytest.raises(MlflowException, match=r"locked|unable to open") as raised:
                call()
            # Which says that the same may be written later.
            assert raised.value.error_code == "TEMPORARILY_UNAVAILABLE"
    assert recording.calls == []


def test_folders_of_runs(store: Store) -> None:
    client = open_client(store)
    local = client.create_experiment("local", artifact_location=(store.folder / "a b").as_uri())
    bucket = client.create_experiment("bucket", artifact_location="s3://bucket/x")
    run_id = client.create_run(local, 1, {}, "run").info.run_id
    assert client.artifact_folder(run_id) == store.folder / "a b" / run_id / "artifacts"
    run = client.create_run(bucket, 1, {}, "run")
    assert run.info.artifact_uri == f"s3://bucket/x/{run.info.run_id}/artifacts"
    assert client.artifact_folder(run.info.run_id) is None
    assert client.artifact_folder("0" * 32) is None


@pytest.mark.parametrize("direct", [True, False])
def test_files_of_a_tracker(store: Store, direct: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    client = open_client(store)
    copied = []
    log_artifacts = client.mlflow_client.log_artifacts

    def spy(*args: Any) -> None:
        copied.append(args)
        log_artifacts(*args)

    monkeypatch.setattr(client.mlflow_client, "log_artifacts", spy)
    given = client if direct else client.mlflow_client
    with MlflowTracker(store, "moons", "s1", client=given) as tracker:
        tracker._delivery._writer._delay = 3600.0  # it writes at a flush only
        tracker.start_run(NewRun("trial/0", "trial", "trial/0", 1.0))
        tracker.log_file("trial/0", "deep/trial.json", b"{}")
        tracker.log_file("trial/0", "a.txt", b"1")
        tracker.flush()
        tracker.log_file("trial/0", "a.txt", b"2")
        tracker.flush()
        run_id = tracker.run_id("trial/0")
        assert [file.path for file in client.list_artifacts(run_id)] == ["a.txt", "deep"]
        assert Path(client.download_artifacts(run_id, "a.txt")).read_bytes() == b"2"
        assert tracker.problems == []
    assert len(copied) == (0 if direct else 2)


def test_what_is_written_together_is_one_transaction(store: Store) -> None:
    client, other = open_client(store), open_client(store)
    with client.together():
        run_id = client.create_run("0", 1, {"kind": "trial"}, "run").info.run_id
        client.log_batch(run_id, **WHOLE_TRIAL.entities())
        assert client.artifact_folder(run_id) is not None
        assert other.search_runs(["0"]) == [], "nobody sees a part of it"
        client.set_terminated(run_id, "FINISHED", 7)
    run = other.get_run(run_id)
    assert (run.info.status, run.data.tags["kind"]) == ("FINISHED", "trial")
    assert len(other.get_metric_history(run_id, "loss")) == 19


def test_what_fails_together_leaves_nothing(store: Store) -> None:
    client = open_client(store)
    kept = client.create_run("0", 1, {}, "kept").info.run_id
    with pytest.raises(RuntimeError), client.together():
        client.create_run("0", 1, {}, "lost")
        client.log_batch(kept, **loss((0.5, 1, 1)).entities())
        raise RuntimeError
    assert [run.info.run_name for run in client.search_runs(["0"])] == ["kept"]
    assert client.get_metric_history(kept, "loss") == []


def test_what_only_mlflow_can_write_is_refused_together(store: Store) -> None:
    client = open_client(store)
    recording = client.mlflow_client = Recording(client.mlflow_client)
    run_id = client.create_run("0", 1, {}, "run").info.run_id
    with pytest.raises(NotPlainError), client.together():
        client.log_batch(run_id, **loss((0.5, 1, 1)).entities())
        client.log_batch(run_id, **Values(params=(("", "a param without a name"),)).entities())
    with pytest.raises(NotPlainError, match="get_run"), client.together():
        client.get_run(run_id)
    assert recording.calls == []
    assert client.get_metric_history(run_id, "loss") == []
    client.log_batch(run_id, **loss((0.5, 1, 1)).entities())
    assert len(client.get_metric_history(run_id, "loss")) == 1
