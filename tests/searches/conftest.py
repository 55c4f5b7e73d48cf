"""Searches that are opened, trained and finished by lines of their journals alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trialstack.experiment import Experiment
from trialstack.searches import DONE, OpenSearch, open_search

RINGS = Experiment.from_dict(
    {"name": "rings", "dataset": {"source": "circles"}, "hypermodel": {"units": [[2, 8]]}}
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "rings"
    folder.mkdir()
    return folder


def rings(trials: int = 100, **settings: Any) -> Experiment:
    return RINGS.with_settings({"search.max_trials": trials, **settings})


def opened(home: Path, trials: int = 100, digest: str = "d1", **options: Any) -> OpenSearch:
    return open_search(home, rings(trials), digest, **options)


def train(search: OpenSearch, trials: int) -> None:
    for number in range(trials):
        search.journal.append("asked", trial_id=str(number), number=number)
        search.journal.append("finished", trial_id=str(number))


def finish(search: OpenSearch, trials: int | None = None) -> None:
    train(search, search.max_trials)
    search.journal.append("closed", trials=search.max_trials, reason="max_trials")
    search.journal.append("stage", name=DONE, data={"max_trials": trials or search.max_trials})
