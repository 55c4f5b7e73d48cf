"""A small store, written by the tracker as searches write it; no model is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trialstack.pipeline.data import Rows
from trialstack.pipeline.fitted import log_evaluation
from trialstack.report.runs import RunStore
from trialstack.tracking.base import DatasetRecord, NewRun, Status
from trialstack.tracking.mlflow import MlflowTracker
from trialstack.tracking.store import Store, open_client, resolve_store

STARTED = 1_700_000_000.0
SETTINGS = {
    "dataset.seed": "3",
    "hypermodel.units_1": "[4, 16]",
    "hypermodel.standardize": "true",
    "search.objective": "val_auc",
    "search.direction": "max",
    "search.max_trials": "6",
    "search.batch_size": "32",
}

TEST_ROWS = Rows(np.arange(8, dtype=np.float32).reshape(8, 1), np.array([0, 0, 0, 0, 1, 1, 1, 1]))
OTHER_ROWS = Rows(TEST_ROWS.X + 100, TEST_ROWS.y)

# Probability of class 1 for each test row. The final model ranks all pairs right; the baseline has
# two of the sixteen wrong, and takes rows 3 and 4 for the other class.
FINAL = (0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9)
BASELINE = (0.1, 0.2, 0.3, 0.8, 0.4, 0.7, 0.9, 0.95)


def two_columns(positive: Sequence[float]) -> np.ndarray:
    return np.column_stack([1 - np.array(positive), positive])


@dataclass
class SearchWriter:
    """Writes one search."""

    store: Store
    client: Any
    experiment: str
    search_id: str
    started: float = STARTED
    digest: str = "d" * 64
    settings: Mapping[str, str] = field(default_factory=lambda: SETTINGS)

    def __enter__(self) -> SearchWriter:
        self.tracker = MlflowTracker(self.store, self.experiment, self.search_id, self.client)
        self.tracker.start_run(
            NewRun(
                "search",
                "search",
                f"{self.experiment} · {self.search_id}",
                self.started,
                params=dict(self.settings),
                tags={"trialstack.data_digest": self.digest},
            )
        )
        record = DatasetRecord(self.experiment, self.digest, "made up", 40, ["x"], "y")
        self.tracker.log_dataset("search", record)
        return self

    def __exit__(self, *_error: object) -> None:
        self.tracker.close()

    def trial(
        self,
        number: int,
        params: Mapping[str, str],
        score: float | None = None,
        *,
        status: Status | None = "FINISHED",
        attempt: int = 0,
        reason: str = "",
    ) -> None:
        key = f"trial/{number:02d}" + (f"/retry-{attempt}" if attempt else "")
        begun = self.started + 10 * number + attempt
        tags = {"trialstack.trial_id": f"{number:02d}", "trialstack.attempt": str(attempt)}
        name = f"trial {number:03d}"
        self.tracker.start_run(NewRun(key, "trial", name, begun, "search", dict(params), tags))
        self.tracker.log_epochs(key, 0, [{"val_auc": 0.5}, {"val_auc": 0.25}], [begun, begun + 1])
        if score is not None:
            ended = {"best_val_auc": score, "best_epoch": 3, "epochs_run": 5}
            self.tracker.log_metrics(key, ended)
            self.tracker.set_tags(key, {"trialstack.stopped_by": "epochs"})
        if reason:
            self.tracker.set_tags(key, {"trialstack.error": reason})
        if status is not None:
            self.tracker.end_run(key, status, begun + 4)

    def model(
        self,
        kind: Any,
        said: Sequence[float],
        params: Mapping[str, str],
        rows: Rows = TEST_ROWS,
        *,
        key: str = "",
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        key = key or kind
        new = NewRun(key, kind, f"{kind} · of {self.search_id}", self.started + 100, "search")
        self.tracker.start_run(new)
        self.tracker.log_params(key, {**params, "epochs": "4", "weights": "33", "rows": "24"})
        self.tracker.log_metrics(key, metrics or {}, 3)
        log_evaluation(self.tracker, key, rows, two_columns(said))
        self.tracker.end_run(key, "FINISHED", self.started + 107.5)

    def end(self, status: Status = "FINISHED") -> None:
        self.tracker.end_run("search", status, self.started + 200)

    def run_id(self, key: str) -> str:
        return self.tracker.run_id(key)


@dataclass(frozen=True)
class Written:
    """A store and the ids of some of its runs."""

    store: Store
    client: Any
    ids: Mapping[str, str]

    @property
    def runs(self) -> RunStore:
        return RunStore(self.store, self.client)

    @property
    def uri(self) -> str:
        return self.store.tracking_uri


def write_rings(store: Store, client: Any) -> dict[str, str]:
    """Six trials: a tie, one failed, one that took two attempts, one broken off."""
    with SearchWriter(store, client, "rings", "first") as search:
        search.trial(0, {"units_1": "8", "rate": "0.01", "shuffle": "true"}, 0.75)
        search.trial(1, {"units_1": "16", "rate": "0.01", "shuffle": "true"}, 0.875)
        search.trial(2, {"units_1": "4", "rate": "0.01"}, 0.875)
        search.trial(3, {"units_1": "2"}, status="FAILED", reason="ValueError: no width")
        search.trial(4, {"units_1": "6"}, status="FAILED", reason="out of memory")
        search.trial(4, {"units_1": "6"}, 0.5, attempt=1)
        search.trial(5, {"units_1": "9"}, status="KILLED")
        baseline = {"units_1": "4", "standardize": "false", "batch_size": "32"}
        search.model("baseline", BASELINE, baseline, metrics={"val_auc": 0.625})
        search.model("final", FINAL, {"units_1": "16", "rate": "0.01", "batch_size": "32"})
        search.end()
        return {key: search.run_id(key) for key in ("search", "trial/01", "baseline", "final")}


def write_others(store: Store, client: Any, ids: dict[str, str]) -> None:
    """A later search of the same rows; one that runs; one without a score; one on other rows."""
    with SearchWriter(store, client, "rings", "second", STARTED + 1000) as search:
        search.trial(0, {"units_1": "8"}, 0.75)
        search.model("final", BASELINE, {"units_1": "8"})
        search.end()
        ids |= {"second": search.run_id("search"), "second/final": search.run_id("final")}
    with SearchWriter(store, client, "moons", "third", digest="e" * 64) as search:
        search.trial(0, {"units_1": "8"}, 0.9)
        search.trial(1, {"units_1": "9"}, status=None)
        search.model("final", FINAL, {"units_1": "8"}, OTHER_ROWS)
        ids |= {"moons": search.run_id("search"), "moons/final": search.run_id("final")}
        search.tracker.flush()
        # As in a search that still goes on: nothing of it is ended when the store is read.
        search.tracker._runs["search"].ended = search.tracker._runs["trial/01"].ended = True
    with SearchWriter(store, client, "broken", "fourth") as search:
        search.trial(0, {"units_1": "8"}, status="FAILED", reason="ValueError: no width")
        ids["broken"] = search.run_id("search")
    client.create_experiment("empty")


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Written once; tests only read it."""
    folder = tmp_path_factory.mktemp("written")
    store = resolve_store(f"sqlite:///{folder}/mlflow.db")
    client = open_client(store)
    ids = write_rings(store, client)
    write_others(store, client, ids)
    return Written(store, client, ids)


@pytest.fixture
def in_folder_of(written: Written, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Its store is the default one."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", written.uri)
    return written.store.folder
