"""A real MLflow server that is killed in the middle of a search, and started again."""

from __future__ import annotations

import contextlib
import json
import socket
import sqlite3
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from tests.pipeline.conftest import Answer, Place
from trialstack.pipeline import baseline as baseline_module
from trialstack.pipeline import job as job_module
from trialstack.pipeline.job import Job
from trialstack.tracking import mlflow as mlflow_module
from trialstack.tracking.server import Program, Server
from trialstack.tuners.search_run import SearchRun

pytestmark = pytest.mark.slow

SEARCH = """
name = "moons"

[dataset]
source = "moons"
params = { n_samples = 200 }

[hypermodel]
units = [[3, 9]]

[search]
max_trials = 4
epochs = 2
executor = "one-by-one"
"""


class TrackingServer:
    """MLflow's server on a port of its own, over an SQLite file."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "server.db"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._program = Program("the server", self._command, "/health", folder=folder)
        self._server: Server | None = None

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_up(self) -> bool:
        return self._server is not None

    def start(self) -> None:
        self._server = Server(self._program, "127.0.0.1", self.port)
        while True:
            assert self._server.process.poll() is None, self._server.ended()
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.uri}/health"):
                return
            time.sleep(0.2)

    def kill(self) -> None:
        if self._server is not None:
            self._server.process.kill()
            self._server.stop()
            self._server = None

    def _command(self, host: str, port: int) -> list[str]:
        command = [sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port)]
        command += ["--backend-store-uri", f"sqlite:///{self.database}", "--workers", "1"]
        return [*command, "--serve-artifacts", "--artifacts-destination", "artifacts"]

    def rows(self) -> dict[str, list[Any]]:
        """All that it holds of runs and what belongs to them."""
        tables = ("runs", "metrics", "latest_metrics", "params", "tags", "inputs", "datasets")
        with contextlib.closing(sqlite3.connect(self.database)) as database:
            return {
                table: sorted(map(repr, database.execute(f"SELECT * FROM {table}")))
                for table in tables
            }


class RemotePlace(Place):
    """A place whose runs are on a server."""

    def __init__(self, folder: Path, server: TrackingServer) -> None:
        super().__init__(folder)
        self.server = server
        self.write(SEARCH)

    @property
    def uri(self) -> str:
        return self.server.uri

    def run(self, *arguments: str) -> Answer:
        return self.trialstack(*arguments, "--tracking-uri", self.uri)


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RemotePlace]:
    monkeypatch.setattr(mlflow_module, "_PATIENCE", 2.0)
    monkeypatch.setattr(job_module, "LONGEST_OUTAGE", 2.0)
    server = TrackingServer(tmp_path)
    try:
        server.start()
        yield RemotePlace(tmp_path, server)
    finally:
        server.kill()


@pytest.fixture
def at_trial(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[int, Callable[[], None]]], None]:
    """Has functions called when trials have finished, by their number."""

    def at_trial(what: dict[int, Callable[[], None]]) -> None:
        trial_finished = SearchRun.trial_finished

        def finished(run: SearchRun, spec: Any, *more: Any) -> None:
            trial_finished(run, spec, *more)
            what.pop(spec.number, lambda: None)()

        monkeypatch.setattr(SearchRun, "trial_finished", finished)

    return at_trial


def points(remote: RemotePlace, run: Any, names: Iterable[str]) -> list[tuple[Any, ...]]:
    """Name, step, milliseconds and value of all points of a run; a double one is there twice."""
    return sorted(
        (point.key, point.step, point.timestamp, point.value)
        for name in names
        for point in remote.client.get_metric_history(run.info.run_id, name)
    )


def test_what_an_outage_has_kept_back_is_sent_once(remote: RemotePlace, at_trial: Any) -> None:
    server = remote.server
    at_trial({0: server.kill, 1: server.start, 2: server.kill})
    answer = remote.run("tune", "experiment.toml")
    assert answer.code == 1
    command = f"trialstack sync moons --tracking-uri {server.uri}"
    assert f"when the store answers, send it with: {command}\n" in answer.err
    assert "run 'final' is not completely in the store" in answer.err.splitlines()[-1]

    answer = remote.run("sync")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"error: tracking server {server.uri} does not answer")

    server.start()
    answer = remote.run("sync", "moons")
    assert answer.code == 0, answer.err
    (journal,) = remote.journals("moons")
    title = f"moons/{journal.parent.name}"
    assert answer.out.startswith(f"{title}: sent: ")
    assert answer.out.endswith("the end of the search (KILLED)\n")
    entries = [json.loads(line) for line in journal.read_text().splitlines()]
    told = {entry["trial_id"]: entry for entry in entries if entry["event"] == "finished"}
    trials = [run for run in remote.runs("trial", "moons") if run.info.status == "FINISHED"]
    assert sorted(run.data.tags["trialstack.trial_id"] for run in trials) == sorted(told)
    assert len(told) == 4
    for run in trials:
        entry = told[run.data.tags["trialstack.trial_id"]]
        assert points(remote, run, entry["history"]) == sorted(
            (name, epoch, int(1000 * entry["times"][epoch]), value)
            for name, values in entry["history"].items()
            for epoch, value in enumerate(values)
        )
        assert run.info.end_time == int(1000 * entry["time"])
        assert "boundary_final" in str(remote.client.list_artifacts(run.info.run_id, "images"))

    rows = server.rows()
    answer = remote.run("sync", "moons")
    assert (answer.code, answer.out) == (0, f"{title}: complete already\n")
    assert server.rows() == rows

    answer = remote.run("tune", "experiment.toml", "--json")
    assert answer.code == 0, answer.err
    assert answer.json["trials"]["resumed"] == 4
    statuses = {run.info.run_id: run.info.status for run in remote.runs("", "moons")}
    assert statuses[answer.json["search_run_id"]] == "FINISHED"
    assert [statuses[run.info.run_id] for run in trials] == ["FINISHED"] * 4
    assert [run.info.status for run in remote.runs("trial", "moons")].count("FINISHED") == 4
    assert "RUNNING" not in statuses.values()


def test_the_final_fit_waits_for_a_server_that_comes_back(
    remote: RemotePlace, at_trial: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_module, "LONGEST_OUTAGE", 120.0)
    waits = Job.wait_until_written

    def wait(job: Job, name: str, **more: Any) -> None:
        if name == "final" and not remote.server.is_up:
            Timer(5.0, remote.server.start).start()  # longer than one waits in silence
        waits(job, name, **more)

    monkeypatch.setattr(Job, "wait_until_written", wait)
    at_trial({3: remote.server.kill})
    answer = remote.run("tune", "experiment.toml", "--json")
    assert answer.code == 0, answer.err
    assert answer.err.count("waiting for the tracking store, 2 minutes at most") == 1
    assert answer.err.count("results wait in the journal") == 1
    kinds = Counter(
        (run.data.tags["trialstack.kind"], run.info.status) for run in remote.runs("", "moons")
    )
    ended = ("search", "trial", "final")
    assert kinds == {(kind, "FINISHED"): 4 if kind == "trial" else 1 for kind in ended}


def test_trials_do_not_wait_for_a_baseline_that_cannot_be_recorded(
    remote: RemotePlace, at_trial: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = baseline_module.fit
    outages = [remote.server.kill]

    def fit(plan: Any, tracker: Any, *more: Any) -> Any:
        if outages:
            assert tracker.flush()
            outages.pop()()
        return fits(plan, tracker, *more)

    monkeypatch.setattr(baseline_module, "fit", fit)
    remote.write(f"{SEARCH}[baseline]\nunits = [3]\nepochs = 2\n")
    at_trial({2: remote.server.start})
    answer = remote.run("tune", "experiment.toml", "--json")
    assert answer.code == 0, answer.err
    assert answer.err.count("the baseline follows the search") == 1
    runs = remote.runs("", "moons")
    (baseline,) = (run for run in runs if run.info.run_id == answer.json["baseline"]["run_id"])
    assert baseline.info.status == "FINISHED"
    statuses = Counter((run.data.tags["trialstack.kind"], run.info.status) for run in runs)
    assert statuses.pop(("baseline", "KILLED"), 1) == 1  # the one that was not recorded
    ended = ("search", "trial", "baseline", "final")
    assert statuses == {(kind, "FINISHED"): 4 if kind == "trial" else 1 for kind in ended}
