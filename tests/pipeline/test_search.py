from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from trialstack.pipeline.search import warn_of_exhaustion


@pytest.mark.parametrize(
    ("closed", "said"),
    [
        (
            {"reason": "space exhausted"},
            [
                "2 of 6 trials: drawing found no other values of the hyperparameters; widen the "
                "search space, or lower search.max_trials"
            ],
        ),
        ({"reason": "max_trials"}, []),
        ({"reason": "time limit"}, []),
        (None, []),
    ],
)
def test_a_space_that_is_too_small_is_told(closed: dict[str, str] | None, said: list[str]) -> None:
    warnings: list[str] = []
    job: Any = SimpleNamespace(
        search=SimpleNamespace(journal=SimpleNamespace(closed=closed), max_trials=6),
        listener=SimpleNamespace(warning=warnings.append),
    )
    run: Any = SimpleNamespace(rows={"0": None, "1": None})
    warn_of_exhaustion(job, run)
    assert warnings == said
