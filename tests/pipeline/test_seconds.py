"""What `tune --json` says of a search that several processes worked on, worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trialstack.pipeline.job import SEARCHING
from trialstack.pipeline.search import seconds_of_search, trials_stacked
from trialstack.tuners.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.open("id", {})

    def add(time: float, event: str, **fields: Any) -> None:
        journal.append(event, **fields)["time"] = time

    add(100, "stage", name="baseline")
    add(110, "stage", name=SEARCHING)
    add(111, "asked", trial_id="0")
    add(114, "finished", trial_id="0", stacked=True)
    add(116, "failed", trial_id="1")
    add(117, "asked", trial_id="2")  # which was never heard of again: 6 s
    add(500, "stage", name=SEARCHING)
    add(500.5, "asked", trial_id="2")
    add(503, "finished", trial_id="2", stacked=False)
    add(504, "finished", trial_id="3", stacked=True)  # 4 s
    add(505, "closed")
    add(600, "stage", name="final")
    add(700, "stage", name=SEARCHING)  # which found nothing left to do
    return journal


def test_seconds_are_those_of_all_processes(journal: Journal) -> None:
    assert seconds_of_search(journal) == 6 + 4


def test_stacked_trials_are_those_of_all_processes(journal: Journal) -> None:
    assert trials_stacked(journal) == 2


def test_a_clock_that_is_set_back_takes_nothing_away(journal: Journal) -> None:
    journal.append("finished", trial_id="4", stacked=False)["time"] = 600
    assert seconds_of_search(journal) == 6 + 4


def test_before_the_first_result(tmp_path: Path) -> None:
    assert seconds_of_search(Journal(tmp_path / "journal.jsonl")) == 0
