from __future__ import annotations

import pytest

from trialstack.trials import Objective
from trialstack.tuners.trial_row import TrialRow, ranked


@pytest.mark.parametrize(("direction", "expected"), [("max", [1, 2, 4, 0]), ("min", [0, 1, 2, 4])])
def test_of_equal_scores_the_earlier_trial_is_first(direction: str, expected: list[int]) -> None:
    scores = {4: 0.75, 0: 0.5, 2: 0.75, 3: None, 1: 0.75}  # as they ended; 3 failed
    rows = [TrialRow(str(n), n, "", "", {}, score, 0, 1) for n, score in scores.items()]
    assert [row.number for row in ranked(rows, Objective("val_auc", direction))] == expected
