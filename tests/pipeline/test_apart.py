"""Trials that kill their process, in whole searches."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trialstack.tuners.journal import FILE_NAME, Journal

EXPERIMENT = """
name = "deadly"

[dataset]
source = "moons"

[dataset.params]
n_samples = 120
noise = 0.2

[hypermodel]
type = "deadly:Deadly"

[search]
max_trials = 4
epochs = 2
seed = 3
executor = "one-by-one"
"""

# With the seed, the widths of the four trials are 3, 6, 8 and 4.
HYPERMODEL = '''
import os
import signal
from pathlib import Path

import keras
import keras_tuner

HERE = Path(__file__).parent


class Deadly(keras_tuner.HyperModel):
    """Kills its process where files named after the width say so."""

    def __init__(self, n_features):
        super().__init__()
        self.n_features = n_features

    def strike(self, when, units):
        if (HERE / f"{when}-{units}").exists():
            os.kill(os.getpid(), signal.SIGKILL)

    def build(self, hp):
        units = hp.Int("units", 2, 9)
        self.strike("build", units)
        layers = [keras.Input((self.n_features,)), keras.layers.Dense(units, "relu")]
        model = keras.Sequential([*layers, keras.layers.Dense(1, "sigmoid")])
        model.compile("adam", "binary_crossentropy", metrics=[keras.metrics.AUC(name="auc")])
        return model

    def fit(self, hp, model, *args, **kwargs):
        units = hp.get("units")
        self.strike("fit", units)
        if units == 8 and "SEARCH" in os.environ and int(os.environ["SEARCH"]) == os.getpid():
            raise RuntimeError("trained in the process of the search")
        return model.fit(*args, **kwargs)
'''


def put(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "deadly.py").write_text(HYPERMODEL)
    (folder / "deadly.toml").write_text(EXPERIMENT)
    return folder


def tune(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trialstack", "tune", "deadly.toml", "--json"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def journal_in(folder: Path) -> Journal:
    (file,) = folder.glob(f"mlruns/searches/*/*/{FILE_NAME}")
    return Journal(file)


def ends(journal: Journal) -> Iterator[dict[str, Any]]:
    return journal.of("finished", "failed")


@pytest.mark.slow
@pytest.mark.parametrize("when", ["fit", "build"])
def test_a_trial_that_kills_the_search_is_failed(tmp_path: Path, when: str) -> None:
    """Three runs of the same command: the third has a child that dies in its place, twice."""
    folder = put(tmp_path)
    (folder / f"{when}-6").touch()
    for _ in range(2):
        assert tune(folder).returncode == -signal.SIGKILL
    last = tune(folder)
    assert last.returncode == 0, last.stderr
    assert (
        "warning: trial 1: under way when this search died, 2 times or more; trained one by one "
        "in a process of their own"
    ) in last.stderr
    assert json.loads(last.stdout)["trials"] == {
        "completed": 3,
        "failed": 1,
        "resumed": 1,
        "stacked": 0,
    }
    (failed,) = journal_in(folder).of("failed")
    assert failed["trial_id"] == "1"
    assert failed["reason"] == "its process died twice (SIGKILL; out of memory?)"
    assert not (journal_in(folder).path.parent / "apart").exists()


@pytest.mark.slow
def test_a_trial_apart_has_the_numbers_that_it_has_in_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal that tells of two deaths is written by hand; the trial then lives."""
    folder = put(tmp_path)
    first = tune(folder)
    assert first.returncode == 0, first.stderr
    whole = journal_in(folder)
    entries = whole.entries
    (begun,) = (
        n for n, e in enumerate(entries) if e["event"] == "started" and e["trial_id"] == "2"
    )
    whole.path.unlink()
    cut = Journal(whole.path)
    for entry in [*entries[: begun + 1], *entries[begun - 2 : begun + 1]]:
        cut.append(entry["event"], **{k: v for k, v in entry.items() if k not in {"event", "time"}})
    monkeypatch.setenv("SEARCH", str(os.getpid()))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    from trialstack.cli import run

    assert run(["tune", "deadly.toml"]) == 0
    again = {entry["trial_id"]: entry for entry in ends(journal_in(folder))}
    assert len(again) == 4
    for entry in (e for e in entries if e["event"] == "finished"):
        same = again[entry["trial_id"]]
        assert same["event"] == "finished"
        assert same["active"] == entry["active"]
        assert same["best_epoch"] == entry["best_epoch"]
        for name, values in entry["history"].items():
            assert same["history"][name] == pytest.approx(values, rel=1e-5), entry["trial_id"]
    # What its child has sent back is kept as any trial's.
    weights = journal_in(folder).path.parent / "weights"
    assert (weights / "2.npz").exists()
