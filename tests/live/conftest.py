from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trialstack.pipeline.job import SearchInProgress
from trialstack.tracking.off import NullTracker
from trialstack.trials import EpochBlock, Failed, Finished, Objective, TrialSpec
from trialstack.tuners.names import TrialNames
from trialstack.tuners.report import ExecutionReport
from trialstack.tuners.search_run import SearchRun


class Search:
    """A search to which a test lets things happen."""

    def __init__(self, folder: Path) -> None:
        objective = Objective("val_auc", "max")
        self.run = SearchRun(NullTracker(), objective, TrialNames(), folder)
        self.report = ExecutionReport()
        self.executor: Any = SimpleNamespace(name="stacked", reasons=Counter(), epochs_passed=None)

    def in_progress(self, **others: Any) -> SearchInProgress:
        settings = {"max_trials": 8, "epochs": 50} | others
        return SearchInProgress(self.run, self.executor, self.report, **settings)

    def start(self, number: int) -> TrialSpec:
        spec = TrialSpec(str(number), number, {"units": 4 + number}, (0, number))
        self.run.trial_started(spec, spec.hyperparameters, 0.0)
        return spec

    def epochs(self, spec: TrialSpec, first: int, count: int) -> None:
        rows = [{"val_auc": 0.5}] * count
        self.run.epochs(spec, EpochBlock(spec.trial_id, first, rows, [0.0] * count))

    def finish(self, spec: TrialSpec, score: float, epochs: int = 10) -> None:
        history = {"val_auc": [score] * epochs}
        event = Finished(spec.trial_id, 0.0, history, {"val_auc": score}, 0)
        self.run.trial_finished(spec, spec.hyperparameters, event)

    def fail(self, spec: TrialSpec) -> None:
        self.run.trial_failed(spec, spec.hyperparameters, Failed(spec.trial_id, 0.0, "no"))


@pytest.fixture
def search(tmp_path: Path) -> Search:
    return Search(tmp_path)


@pytest.fixture
def clock() -> Callable[..., float]:
    """Seconds that pass when they are told to."""
    now = 100.0

    def clock(passed: float = 0.0) -> float:
        nonlocal now
        now += passed
        return now

    return clock
