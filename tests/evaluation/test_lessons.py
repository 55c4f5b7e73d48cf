"""Lessons judged from hand-written accuracies."""

from __future__ import annotations

import numpy as np
import pytest

from trialstack.evaluation.lessons import Expectation, SeedStudy, Verdict, judge, share_within

NAN = float("nan")


def test_a_median_holds_at_its_bound() -> None:
    expected = Expectation(median=0.85)
    assert judge([0.5, 0.85, 0.9], expected) == Verdict(True, "median 0.850", "at least 0.85")
    assert not judge([0.5, 0.84, 0.9], expected).holds


def test_a_share_holds_at_its_bound() -> None:
    expected = Expectation(accuracy=(0.0, 0.65), share=0.95)
    nineteen_of_20 = [0.5] * 18 + [0.65, 0.7]
    assert judge(nineteen_of_20, expected) == Verdict(True, "95 % up to 0.65", "at least 95 %")
    eighteen_of_20 = [0.5] * 18 + [0.66, 0.7]
    assert judge(eighteen_of_20, expected) == Verdict(False, "90 % up to 0.65", "at least 95 %")


def test_a_training_that_failed_speaks_for_no_lesson() -> None:
    assert not judge([NAN, 0.9, NAN], Expectation(median=0.1)).holds
    assert not judge([NAN, 0.5], Expectation(accuracy=(0.0, 1.0), share=0.9)).holds


@pytest.mark.parametrize("rows", [200, 1000, 7])
def test_accuracies_count_at_the_ends_of_a_range(rows: int) -> None:
    """Also where a share of rows has no exact float."""
    accuracies = np.arange(rows + 1) / rows
    for count in range(rows + 1):
        assert share_within([np.float32(count / rows)], (0.0, round(count / rows, 4) + 1e-4)) == 1
    assert share_within(accuracies, (0.0, 1.0)) == 1


def test_a_study_counts_its_failures_in_the_median_accuracy_only() -> None:
    study = SeedStudy(np.array([0.5, NAN, 0.7]), np.array([0.9, NAN, 0.8]))
    assert (len(study), study.median, study.median_loss) == (3, 0.8, 0.6)
