from __future__ import annotations

import math

import pytest

from trialstack.live.snapshot import Watch


def test_counts_follow_the_trials(search) -> None:
    watch = Watch(search.in_progress())
    assert watch.look().scores == ()
    first, second, third = (search.start(number) for number in range(3))
    assert watch.look().running == 3
    search.finish(first, 0.75)
    search.fail(second)
    seen = watch.look()
    assert seen.scores[0] == 0.75
    assert math.isnan(seen.scores[1])
    assert (seen.running, seen.failed) == (1, 1)
    assert seen.best == (0.75, "trial 000 · units 4")
    search.finish(third, 0.875)
    assert watch.look().best == (0.875, "trial 002 · units 6")


def test_the_rate_is_that_between_two_moments_of_telling(search, clock) -> None:
    watch = Watch(search.in_progress(max_trials=1), clock)
    spec = search.start(0)
    clock(9.0)  # a stack is traced
    search.epochs(spec, 0, 1)
    seen = watch.look()
    assert (seen.rate, seen.left, seen.used) == (None, None, 9.0)
    clock(2.0)
    search.epochs(spec, 1, 9)
    seen = watch.look()
    assert seen.rate == 4.5
    assert seen.left == pytest.approx(40 / 4.5)
    clock(3.0)  # nothing is told: the rate stands, the time passes
    seen = watch.look()
    assert (seen.rate, seen.left) == (4.5, pytest.approx(40 / 4.5 - 3))
    clock(97.0)
    assert watch.look().rate == pytest.approx(9 / 102)
    assert watch.look().left == 0.0


def test_epochs_of_earlier_processes_have_no_rate(search, clock) -> None:
    spec = search.start(0)
    search.epochs(spec, 0, 10)
    search.finish(spec, 0.75)
    watch = Watch(search.in_progress(), clock)
    clock(1.0)
    assert watch.look().rate is None
    assert len(watch.look().scores) == 1


def test_a_time_limit_ends_it_sooner(search, clock) -> None:
    watch = Watch(search.in_progress(max_trials=100, time_limit=60.0), clock)
    clock(10.0)
    assert watch.look().left == 50.0
    spec = search.start(0)
    search.epochs(spec, 0, 1)
    watch.look()
    clock(1.0)
    search.epochs(spec, 1, 1)
    assert watch.look().left == 49.0


def test_an_epoch_that_takes_long_is_shown_in_parts(search, clock) -> None:
    watch = Watch(search.in_progress(epochs=3), clock)
    seen = []
    for passed, seconds in ((0.0, 0.0), (0.25, 2.0), (0.5, 2.0), (1.0, 4.0), (1.25, 0.5)):
        search.executor.epochs_passed = passed
        clock(seconds)
        seen.append(watch.look().epoch)
    assert seen == ["", "", "epoch 1 of 3: 50 %", "epoch 2 of 3: 0 %", "epoch 2 of 3: 25 %"]
    clock(7.0)
    search.executor.epochs_passed = 3.0  # trials end, and are not taken off yet
    assert watch.look().epoch == "epoch 3 of 3: 100 %"
    clock(4.0)
    search.executor.epochs_passed = 0.5  # other trials have begun
    assert watch.look().epoch == "epoch 1 of 3: 50 %"
    search.executor.epochs_passed = None
    assert watch.look().epoch == ""


@pytest.mark.parametrize("seconds", [0.25, 30.0])
def test_epochs_that_come_fast_are_not_shown_however_rarely_one_looks(
    seconds: float, search, clock
) -> None:
    watch = Watch(search.in_progress(), clock)
    for second in range(10):
        search.executor.epochs_passed = second * seconds / 2
        assert watch.look().epoch == ""
        clock(seconds)


def test_how_trials_are_trained(search) -> None:
    watch = Watch(search.in_progress())
    assert watch.look().executor == "stacked"
    search.executor.reasons["a callback"] += 2
    search.start(0)
    assert watch.look().executor == "2 one by one"
    search.start(1)
    assert watch.look().executor == "stacked, 2 one by one"
    search.executor.name = "one-by-one"
    assert watch.look().executor == "one by one"
