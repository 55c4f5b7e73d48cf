"""Runs `trialstack tune` in this process, and reads what MLflow holds afterwards."""

from __future__ import annotations

import contextlib
import io
import json
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

with warnings.catch_warnings():  # what MLflow's own modules warn of while they are imported
    warnings.simplefilter("ignore")
    import mlflow.pyfunc
    import mlflow.store.tracking.sqlalchemy_store

RINGS = """
name = "rings"
description = "Rings with noise."

[dataset]
source = "circles"
test_size = 0.25
validation_size = 0.25
seed = 3

[dataset.params]
n_samples = 400
noise = 0.1
factor = 0.5

[hypermodel]
units = [[4, 16], [4, 8]]
activation = ["relu", "tanh"]
l2 = [0.0, 1e-4]
learning_rate = { min = 3e-3, max = 3e-2, sampling = "log" }

[baseline]
units = [4]
epochs = 4

[search]
max_trials = 3
epochs = 8
batch_size = 32
patience = 3
executor = "one-by-one"
seed = 7
"""


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on stdout; a second one, or anything else, is an error here."""
        document: dict[str, Any] = json.loads(self.out)
        return document


class Place:
    """A folder with experiment files, and the store that comes to be in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, text: str, name: str = "experiment.toml") -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def trialstack(self, *arguments: str) -> Answer:
        from trialstack.cli import run

        out, err = io.StringIO(), io.StringIO()
        with (
            mock.patch.dict(os.environ, {"MLFLOW_TRACKING_URI": ""}),  # other tests may set it
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = run(list(arguments))
        return Answer(code, out.getvalue(), err.getvalue())

    def tune(self, *options: str, file: str = "experiment.toml") -> Answer:
        return self.trialstack("tune", file, "--json", *options)

    @property
    def uri(self) -> str:
        return f"sqlite:///{self.folder}/mlruns/mlflow.db"

    @property
    def client(self) -> Any:
        return mlflow.MlflowClient(self.uri, self.uri)

    def runs(self, kind: str = "", experiment: str = "rings", search: str = "") -> list[Any]:
        """Runs of an experiment, of one kind or all, of one search or all, oldest first."""
        client = self.client
        conditions = [f"tags.`trialstack.kind` = '{kind}'"] if kind else []
        if search:
            conditions.append(f"tags.`mlflow.parentRunId` = '{search}'")
        return list(
            client.search_runs(
                [client.get_experiment_by_name(experiment).experiment_id],
                " and ".join(conditions),
                order_by=["attributes.start_time ASC"],
            )
        )

    def curve(self, run_id: str, metric: str) -> list[tuple[int, float]]:
        """Steps and values of a metric, by step."""
        history = self.client.get_metric_history(run_id, metric)
        return sorted((point.step, point.value) for point in history)

    def files(self, run_id: str, path: str | None = None) -> list[str]:
        """All artifacts of a run."""
        found: list[str] = []
        for file in self.client.list_artifacts(run_id, path):
            found += self.files(run_id, file.path) if file.is_dir else [file.path]
        return found

    def read(self, run_id: str, path: str) -> bytes:
        return Path(self.client.download_artifacts(run_id, path)).read_bytes()

    def journals(self, experiment: str = "rings") -> Sequence[Path]:
        return sorted(self.folder.glob(f"mlruns/searches/{experiment}/*/journal.jsonl"))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture(scope="module")  # one module goes on with this search, others count its runs
def rings(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Answer]:
    """Three trials on two rings, from a command that was never interrupted."""
    place = Place(tmp_path_factory.mktemp("rings"))
    place.write(RINGS)
    answer = place.tune()
    assert answer.code == 0, answer.err
    return place, answer
