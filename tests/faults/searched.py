"""A folder in which `trialstack tune` runs as a process, and what it left there.

What the store holds is read from its SQLite file, not through the program that wrote it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 600
"""Seconds for a command of twenty, on a machine that may be busy."""

TRIALS = 6

RINGS = f"""
name = "rings"

[dataset]
source = "circles"
params = {{ n_samples = 120, noise = 0.1, factor = 0.5 }}
seed = 3

[hypermodel]
units = [[4, 16]]
activation = ["relu", "tanh"]
learning_rate = {{ min = 3e-3, max = 3e-2, sampling = "log" }}

[baseline]
units = [4]
epochs = 2

[search]
max_trials = {TRIALS}
epochs = 5
batch_size = 32
patience = 3
seed = 7
"""

SCRIPT = Path(__file__).with_name("kill_points.py")


class Searched:
    """A folder with an experiment file, its searches and its store."""

    def __init__(self, folder: Path, executor: str = "one-by-one", text: str = RINGS) -> None:
        self.folder = folder
        self.command = ["tune", "experiment.toml", "--json", "--executor", executor]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "experiment.toml").write_text(text, encoding="utf-8")

    # --- processes -----------------------------------------------------------------------------

    def start(
        self,
        *more: str,
        program: Sequence[str] = ("-m", "trialstack"),
        output: Path | None = None,
    ) -> Running:
        """Begins the command; what it says goes into files there, by default beside its own."""
        arguments = [sys.executable, *program, *self.command, *more]
        return Running(arguments, self.folder, output or self.folder)

    def start_killed_at(self, point: str) -> Running:
        """Begins the command, which kills itself."""
        return self.start(program=[str(SCRIPT), point])

    def finish(self, *more: str) -> dict[str, Any]:
        """Runs the command to its end; what it said."""
        with self.start(*more) as process:
            assert process.wait() == 0, process.said
        return self.answer

    # --- what is there -------------------------------------------------------------------------

    @property
    def done(self) -> bool:
        """Whether the search is recorded as done: the same command would begin another."""
        return any(b'"name":"done"' in path.read_bytes() for path in self.journals)

    @property
    def answer(self) -> dict[str, Any]:
        """What the last process wrote to stdout, which may have been killed since."""
        document: dict[str, Any] = json.loads((self.folder / "stdout").read_text())
        return document

    @property
    def journals(self) -> list[Path]:
        """Those of searches: without a whole first line there is none."""
        found = self.folder.glob("mlruns/searches/*/*/journal.jsonl")
        return sorted(path for path in found if b"\n" in path.read_bytes())

    @property
    def journal_size(self) -> int:
        return sum(path.stat().st_size for path in self.journals)

    def entries(self) -> list[dict[str, Any]]:
        """Lines of the only journal."""
        (journal,) = self.journals
        return [json.loads(line) for line in journal.read_bytes().splitlines()]

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        store = self.folder / "mlruns" / "mlflow.db"
        with contextlib.closing(sqlite3.connect(store, timeout=30)) as database:
            return database.execute(statement).fetchall()

    def runs(self) -> list[dict[str, Any]]:
        """Runs in order of their beginning: id, status, tags, metrics."""
        found = self.query("SELECT run_uuid, status FROM runs ORDER BY start_time")
        return [
            {
                "id": run_id,
                "status": status,
                "tags": dict(self.query(f"SELECT key, value FROM tags WHERE run_uuid='{run_id}'")),
                "metrics": dict(
                    self.query(f"SELECT key, value FROM latest_metrics WHERE run_uuid='{run_id}'")
                ),
            }
            for run_id, status in found
        ]

    def scores(self) -> dict[str, dict[str, float]]:
        """Trial id or kind -> the metrics of its finished run."""
        return {
            (
                run["tags"]["trialstack.trial_id"]
                if run["tags"]["trialstack.kind"] == "trial"
                else run["tags"]["trialstack.kind"]
            ): run["metrics"]
            for run in self.runs()
            if run["status"] == "FINISHED"
        }


class Running:
    """The command as a process of its own."""

    def __init__(self, arguments: Sequence[str], folder: Path, output: Path) -> None:
        self._files = [output / name for name in ("stdout", "stderr")]
        with self._files[0].open("w") as out, self._files[1].open("w") as err:
            self.process = subprocess.Popen(
                arguments,
                cwd=folder,
                env=os.environ | {"MLFLOW_TRACKING_URI": "", "PYTHONDONTWRITEBYTECODE": "1"},
                stdout=out,
                stderr=err,
            )

    @property
    def out(self) -> str:
        return self._files[0].read_text()

    @property
    def said(self) -> str:
        """What it wrote to stderr."""
        return self._files[1].read_text()

    @property
    def lines(self) -> list[str]:
        """What it said, without its progress."""
        return [line for line in self.said.splitlines() if not line.startswith("[")]

    def wait(self) -> int:
        return self.process.wait(PATIENCE)

    def wait_for(self, what: Callable[[], bool]) -> bool:
        """Waits for something; whether it came while the process ran."""
        end = time.monotonic() + PATIENCE
        while not what():
            if self.process.poll() is not None:
                return False
            assert time.monotonic() < end, f"nothing happened: {self.said}"
            time.sleep(0.02)
        return True

    def kill(self) -> bool:
        """Whether SIGKILL has ended it, and it had not ended by itself."""
        self.process.kill()
        return self.process.wait(PATIENCE) == -signal.SIGKILL

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def check_as_if_never_interrupted(
    place: Searched, answer: Any, whole: Searched, *, ended_itself: bool = False
) -> None:
    """Contract 6, at the end of a search that was killed as often as one likes.

    Args:
        place: Where it ran.
        answer: What its last process said.
        whole: Where the same search was never interrupted.
        ended_itself: Whether a process came to an end by an error. Its baseline and final fit may
            be FAILED.
    """
    assert answer["trials"]["completed"] == TRIALS
    assert answer["trials"]["failed"] == 0
    check_journal(place)
    check_store(place, ended_itself)
    expected, found = whole.scores(), place.scores()
    assert found.keys() == expected.keys()
    for name, metrics in expected.items():
        assert found[name] == pytest.approx(metrics, rel=1e-5, abs=1e-6), name
    for path in place.folder.glob("mlruns/**/*.json"):
        json.loads(path.read_bytes())
    assert not list(place.folder.glob("mlruns/searches/**/*.tmp"))


def check_journal(place: Searched) -> None:
    """Every trial is recorded finished once, and was not begun again after that."""
    done: list[str] = []
    for entry in place.entries():
        if entry["event"] == "finished":
            done.append(entry["trial_id"])
        assert entry["event"] not in {"started", "failed"} or entry["trial_id"] not in done
    assert sorted(done) == sorted({*done})
    assert len(done) == TRIALS
    stages = [entry["name"] for entry in place.entries() if entry["event"] == "stage"]
    for once in ("baseline", "final", "done"):
        assert stages.count(once) == 1, stages


def check_store(place: Searched, ended_itself: bool = False) -> None:
    """One FINISHED run a trial, one parent, one version, and nothing left open."""
    by_id = {run["id"]: run for run in place.runs()}
    runs = [
        run
        for run in by_id.values()
        if not (
            ended_itself
            and run["status"] == "FAILED"
            and run["tags"]["trialstack.kind"] in {"baseline", "final"}
        )
    ]
    assert {run["status"] for run in runs} <= {"FINISHED", "KILLED"}
    finished = [run for run in runs if run["status"] == "FINISHED"]
    kinds = sorted(run["tags"]["trialstack.kind"] for run in finished)
    assert kinds == ["baseline", "final", "search", *["trial"] * TRIALS]
    (parent,) = (run for run in runs if run["tags"]["trialstack.kind"] == "search")
    trials = [run for run in finished if run["tags"]["trialstack.kind"] == "trial"]
    assert len({run["tags"]["trialstack.trial_id"] for run in trials}) == TRIALS
    for run in runs:
        if run is not parent:
            assert run["tags"]["mlflow.parentRunId"] == parent["id"]
        if run["status"] == "KILLED":  # which run has taken its place
            assert run["tags"]["trialstack.successor"] in by_id
    assert "trialstack.error" not in parent["tags"]
    twice = place.query(
        "SELECT run_uuid, key, step FROM metrics GROUP BY run_uuid, key, step HAVING count(*) > 1"
    )
    assert twice == []
    for run in trials:
        ((epochs,),) = place.query(
            f"SELECT count(*) FROM metrics WHERE run_uuid='{run['id']}' AND key='val_auc'"
        )
        assert epochs == run["metrics"]["epochs_run"]
    (final,) = (run for run in finished if run["tags"]["trialstack.kind"] == "final")
    assert place.query("SELECT version, run_id FROM model_versions") == [(1, final["id"])]
    models = place.query("SELECT source_run_id FROM logged_models WHERE lifecycle_stage='active'")
    assert models == [(final["id"],)]
    assert not list(place.folder.glob("mlruns/searches/*/*/pictures"))
