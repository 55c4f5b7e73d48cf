"""The main job's own decisions, without a search."""

from __future__ import annotations

from pathlib import Path

import pytest

import trialstack
from tests.searches.conftest import RINGS, open_search
from trialstack.errors import InputError
from trialstack.pipeline.main import _record_done


def test_an_empty_tracking_uri_is_not_taken_for_the_default(in_tmp: Path) -> None:
    with pytest.raises(InputError, match="tracking URI '' came"):
        trialstack.tune(RINGS, tracking_uri="")
    assert list(in_tmp.iterdir()) == []


@pytest.mark.parametrize(("reason", "meant"), [("time limit", 1), ("space exhausted", 100)])
def test_trials_that_waited_when_the_time_was_up_are_not_counted(
    reason: str, meant: int, in_tmp: Path
) -> None:
    search = open_search(in_tmp, RINGS, "d1")
    for number in range(3):
        search.journal.append("asked", trial_id=str(number), number=number)
    search.journal.append("finished", trial_id="0")
    search.journal.append("closed", trials=3, reason=reason)
    _record_done(search, {"version": 1})
    assert search.journal.entries[-1]["data"] == {"max_trials": meant, "version": 1}
    # ... so that the same command goes on with them.
    assert open_search(in_tmp, RINGS, "d1").resumed == (meant == 1)
