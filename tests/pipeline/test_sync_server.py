"""A real MLflow server that is killed in the middle of a search, and started again."""

from __future__ import annotations

import contextlib
import json
import socket
import sqlite3
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.conftest import Answer, Place
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
    assert "run 'final' is not in the store" in answer.err.splitlines()[-1]

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
