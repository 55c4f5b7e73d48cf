"""What the trials of a search have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trialstack.tuners.job import SearchJob


def test_the_first_trial_is_begun_even_if_asking_took_all_the_time(
    tuner_of: Callable[..., Any], pretended: Any
) -> None:
    tuner = tuner_of(pretended)
    job = SearchJob(tuner, (), {}, None)
    tuner.deadline = 0.0  # long ago
    assert not job.out_of_time()
    job.begun = True
    assert job.out_of_time()
    tuner.deadline = None
    assert not job.out_of_time()
