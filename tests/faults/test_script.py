"""Real signals to a real process that searches into a real store."""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from trialstack.tuners.journal import FILE_NAME

TRIALS = 8

STUDY = '''
"""A drop-in search, as a user writes it."""
import sys
import time

import keras
import keras_tuner
import numpy as np

import trialstack
from trialstack.errors import Interrupted
from trialstack.signals import interruptible


class Slow(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        time.sleep(0.1)


def build(hp):
    model = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(hp.Int("units", 2, 99)), keras.layers.Dropout(0.2),
         keras.layers.Dense(1)]
    )
    model.compile("sgd", "mse", run_eagerly=True)
    return model


def search(**arguments):
    X = np.random.default_rng(0).normal(size=(24, 2))
    tuner = trialstack.RandomSearch(
        build, keras_tuner.Objective("val_loss", "min"), max_trials=TRIALS, seed=1,
        project_name="study", **arguments,
    )
    tuner.search(X, X.sum(axis=1), validation_split=0.25, epochs=3, callbacks=[Slow()], verbose=0)
    return {trial_id: trial.score for trial_id, trial in tuner.oracle.trials.items()}


if __name__ == "__main__":
    try:
        with interruptible():
            search()
    except Interrupted as interrupted:
        sys.exit(interrupted.exit_code)
'''.replace("TRIALS", str(TRIALS))


def journaled(folder: Path) -> int:
    """How many trials the journal says are finished."""
    path = folder / "study" / FILE_NAME
    return path.read_bytes().count(b'{"event":"finished"') if path.exists() else 0


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "study.py"], cwd=folder, stderr=subprocess.PIPE, text=True
    )


def strike(process: subprocess.Popen[str], folder: Path, number: int, delay: float) -> int:
    """Sends a signal some time after the process has finished one more trial."""
    before = journaled(folder)
    while journaled(folder) == before and process.poll() is None:
        time.sleep(0.01)
    time.sleep(delay)
    process.send_signal(number)
    process.communicate()
    return process.returncode


def runs(folder: Path) -> list[dict[str, Any]]:
    """All runs of the store: status, tags, metrics."""
    with sqlite3.connect(folder / "mlruns" / "mlflow.db") as store:
        found = store.execute("select run_uuid, status from runs order by start_time").fetchall()
        return [
            {
                "id": run_id,
                "status": status,
                "tags": dict(
                    store.execute("select key, value from tags where run_uuid = ?", [run_id])
                ),
                "metrics": dict(
                    store.execute(
                        "select key, value from latest_metrics where run_uuid = ?", [run_id]
                    )
                ),
            }
            for run_id, status in found
        ]


@pytest.mark.faults
@pytest.mark.slow
def test_terminated_then_killed_then_finished(tmp_path: Path) -> None:
    (tmp_path / "study.py").write_text(STUDY)
    spec = importlib.util.spec_from_file_location("study", tmp_path / "study.py")
    assert spec is not None
    assert spec.loader is not None
    study = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(study)
    expected = study.search(tracking=None, directory=str(tmp_path / "uninterrupted"))
    assert len(expected) == TRIALS

    code = strike(start(tmp_path), tmp_path, signal.SIGTERM, 0.15)
    assert code == 128 + signal.SIGTERM
    stopped = runs(tmp_path)
    assert {run["status"] for run in stopped} == {"FINISHED", "KILLED"}, "at once, none RUNNING"

    seed = int(os.environ.get("SEED") or time.time_ns() % 10**6)
    delay = random.Random(seed).uniform(0.0, 0.6)
    print(f"SEED={seed}: SIGKILL {delay:.3f} s after a trial")
    done = journaled(tmp_path)
    code = strike(start(tmp_path), tmp_path, signal.SIGKILL, delay)
    assert code == -signal.SIGKILL
    assert done < journaled(tmp_path) < TRIALS

    last = start(tmp_path)
    _, errors = last.communicate()
    assert last.returncode == 0, errors

    found = runs(tmp_path)
    assert {run["status"] for run in found} == {"FINISHED", "KILLED"}
    (parent,) = (run for run in found if run["tags"]["trialstack.kind"] == "search")
    assert parent["status"] == "FINISHED"
    children = [run for run in found if run["tags"]["trialstack.kind"] == "trial"]
    assert {run["tags"]["mlflow.parentRunId"] for run in children} == {parent["id"]}
    finished = [run for run in children if run["status"] == "FINISHED"]
    assert len(finished) == TRIALS
    scores = {
        run["tags"]["trialstack.trial_id"]: run["metrics"]["best_val_loss"] for run in finished
    }
    assert scores == pytest.approx(expected, rel=1e-6)
    assert parent["metrics"]["search_best"] == pytest.approx(min(expected.values()), rel=1e-6)
    lines = (tmp_path / "study" / FILE_NAME).read_bytes()
    assert lines.count(b'{"event":"finished"') == TRIALS, "no finished trial was trained again"
