"""Descriptions link to pages of a store, which may go away before it has them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from trialstack.errors import TrialstackError
from trialstack.pipeline.descriptions import describe_baseline
from trialstack.pipeline.job import NotWrittenError
from trialstack.tracking.links import Links


class Away:
    """A tracker whose store has gone away before it had the experiment, or the search's run."""

    def __init__(self, lacks: str) -> None:
        self.lacks = lacks

    @property
    def links(self) -> Links:
        if self.lacks == "experiment":
            raise TrialstackError("experiment 'rings' is not in the store")
        return Links("http://127.0.0.1:5000", "1")

    def run_id(self, key: str) -> str:
        raise TrialstackError(f"run {key!r} is not in the store")


@pytest.mark.parametrize("lacks", ["experiment", "run"])
def test_that_it_is_away_is_not_taken_for_a_failure_of_the_baseline(lacks: str) -> None:
    """Which would be recorded, and never be fitted again."""
    job = cast(Any, SimpleNamespace(tracker=Away(lacks)))
    with pytest.raises(NotWrittenError, match=rf"^{lacks} .* is not in the store"):
        describe_baseline(job, None)
