from __future__ import annotations

import pytest

from trialstack.live.forecast import epochs_left


def test_without_early_stops_every_trial_runs_to_its_end() -> None:
    assert epochs_left(ended=[50, 50], running=[20, 30], waiting=3, most=50) == 30 + 20 + 150
    assert epochs_left(ended=[], running=[], waiting=2, most=50) == 100


def test_a_stop_every_second_epoch() -> None:
    # Two stops in four epochs. Of three epochs, 1 + 1/2 + 1/4 are run.
    assert epochs_left(ended=[1, 3], running=[], waiting=1, most=4) == pytest.approx(
        1 + 1 / 2 + 1 / 4 + 1 / 8
    )
    assert epochs_left(ended=[1, 1], running=[2], waiting=0, most=4) == pytest.approx(1 + 1 / 2)


def test_a_trial_under_way_makes_a_stop_rarer() -> None:
    alone = epochs_left(ended=[10], running=[], waiting=1, most=50)
    assert epochs_left(ended=[10], running=[50], waiting=1, most=50) > alone


def test_nothing_is_left_when_all_have_ended() -> None:
    assert epochs_left(ended=[12, 50], running=[], waiting=0, most=50) == 0
    assert epochs_left(ended=[12], running=[60], waiting=0, most=50) == 0
