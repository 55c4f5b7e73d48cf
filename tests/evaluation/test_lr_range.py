"""The learning-rate range test: schedule, smoothing, and the rule on curves drawn by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from trialstack.errors import InputError
from trialstack.evaluation.lr_range import RangeTest, RateSchedule, range_test, smooth

SCHEDULE = RateSchedule(1e-4, 1.0, 40)  # ten epochs a decade: epoch 20 has the rate 0.01
NAN, INF = math.nan, math.inf


def line(*corners: tuple[int, float]) -> list[float]:
    """Losses of 40 epochs, straight between corners of epoch and loss."""
    epochs, losses = zip(*corners, strict=True)
    return [float(loss) for loss in np.interp(range(40), epochs, losses)]


# Level, then an even fall to epoch 30, rate 0.1, and as steep a rise.
VALLEY = line((0, 1.0), (10, 1.0), (30, 0.2), (39, 0.56))


def read(*losses: Sequence[float], schedule: RateSchedule = SCHEDULE) -> RangeTest:
    return range_test(schedule, losses)


def test_the_tutorials_schedule_is_the_default() -> None:
    rates = RateSchedule().rates
    assert rates == pytest.approx([1e-4 * 10 ** (epoch / 20) for epoch in range(100)])
    assert RateSchedule().epochs_a_decade == pytest.approx(20)


def test_a_schedule_of_ones_own() -> None:
    schedule = RateSchedule(0.01, 1.0, 10)
    assert schedule.rates[[0, 5]].tolist() == pytest.approx([0.01, 0.1])
    assert schedule.rates[9] == pytest.approx(1.0 / 10**0.2)  # the last one is not reached
    assert schedule.epochs_a_decade == pytest.approx(5)
    assert schedule.describe() == "0.01 towards 1 in 10 epochs"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((0.0, 1.0, 50), "--from: 0 came; give a learning rate from 1e-12"),
        ((-1e-3, 1.0, 50), "--from: -0.001 came"),
        ((NAN, 1.0, 50), "--from: nan came"),
        ((1e-4, INF, 50), "--to: inf came; give a learning rate from 1e-12 to 1e\\+06"),
        ((0.1, 0.9, 50), "--to: 0.9 came; give at least 1, ten times --from"),
        ((1.0, 0.1, 50), "--to: 0.1 came; give at least 10, ten times --from"),
        ((1e-4, 1.0, 9), "--epochs: 9 came; give an integer from 10"),
    ],
)
def test_an_impossible_schedule_is_refused_by_the_names_a_person_knows(
    values: tuple[float, float, int], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        RateSchedule(*values, names=("--from", "--to", "--epochs"))


def test_exactly_ten_times_is_enough() -> None:
    assert RateSchedule(0.1, 1.0, 10).epochs_a_decade == pytest.approx(10)


def test_smoothed_is_the_mean_and_slope_the_line_of_a_quarter_of_a_decade() -> None:
    # Ten epochs a decade: three epochs, the nearest odd number to a quarter.
    smoothed, slope = smooth(SCHEDULE, [9.0, 6.0, 0.0, 3.0])
    assert smoothed.tolist() == pytest.approx([8.0, 5.0, 3.0, 2.0])  # ends: 9, 9, 6 and 0, 3, 3
    # By hand: (next - previous) / 2 an epoch, ten epochs a decade.
    assert slope.tolist() == pytest.approx([-15.0, -45.0, -15.0, 15.0])


def test_smoothing_is_no_wider_than_the_epochs_are_apart() -> None:
    smoothed, slope = smooth(RateSchedule(1e-4, 10.0, 10), [4.0, 2.0, 6.0])
    assert smoothed.tolist() == pytest.approx([4.0, 2.0, 6.0])
    assert slope[1] == pytest.approx(2.0)  # (6 - 4) / 2 an epoch, two epochs a decade


def test_what_follows_a_loss_that_is_not_finite_is_left_out() -> None:
    smoothed, slope = smooth(SCHEDULE, [3.0, 2.0, INF, 1.0])
    assert np.isnan(smoothed).tolist() == np.isnan(slope).tolist() == [False, False, True, True]


def test_a_huge_loss_leaves_no_trace_beyond_its_neighbours() -> None:
    smoothed, _ = smooth(SCHEDULE, [2.0, 2.0, 1e30, 2.0, 2.0, 2.0])
    assert smoothed[[0, 4, 5]].tolist() == pytest.approx([2.0, 2.0, 2.0])


def test_a_tenth_of_the_lowest_on_an_even_fall() -> None:
    test = read(VALLEY)  # where no place is steeper than a tenth of the lowest
    assert test.minimum == 30
    assert test.suggestion == 0.01
    assert test.sentence() == (
        "suggested learning rate 0.01: the steepest fall about ten times below the lowest loss, "
        "at 0.1"
    )


@pytest.mark.parametrize(("step", "suggestion"), [(17, 0.005), (23, 0.02)])
def test_the_steepest_place_about_there(step: int, suggestion: float) -> None:
    # A slow fall to epoch 30 with one steep step near a tenth of its rate, epoch 20.
    loss = line((0, 1.0), (step - 1, 0.95), (step + 1, 0.35), (30, 0.2), (39, 1.0))
    assert read(loss).suggestion == suggestion


def test_a_steeper_place_farther_away_does_not_count() -> None:
    # From epoch 4 to 6 it falls much faster, but that is 25 epochs below the lowest, not ten.
    test = read(line((0, 1.0), (4, 1.0), (6, 0.6), (15, 0.6), (30, 0.2), (39, 1.0)))
    assert test.suggestion is not None
    assert 0.01 / math.sqrt(10) <= test.suggestion <= 0.01 * math.sqrt(10)


@pytest.mark.parametrize(("start", "top", "foot"), [(1.0, 0.6, 0.3), (40.0, 9.0, 0.35)])
def test_coming_down_from_a_bump_is_no_fall(start: float, top: float, foot: float) -> None:
    # Level at 0.3 but for a bump at epoch 20, whose far side is the only slope there.
    bump = [(8, 0.3), (18, 0.3), (20, top), (22, foot), (28, 0.3)]
    test = read(line((0, start), *bump, (30, 0.2), (39, 1.0)))
    assert test.reason == "the loss is level about ten times below its lowest, at 0.1"


def test_the_value_is_rounded_to_what_the_curve_knows() -> None:
    # The lowest is at epoch 31, 0.1259; a tenth of it 0.01259.
    assert read([1.0, *VALLEY[:-1]]).suggestion == 0.013


NONE = {
    "flat": (line((0, 0.7), (39, 0.7)), "never falls: 0.7 at first, 0.7 at best"),
    "almost flat": (line((0, 0.7), (20, 0.695), (39, 0.7)), "the loss never falls"),
    "rising": (line((0, 0.7), (39, 5.0)), "the loss never falls"),
    "falling to the end": (line((0, 1.0), (39, 0.1)), "still falls at the last rate, 0.79: end hi"),
    "lowest too soon": (line((0, 1.0), (8, 0.2), (39, 3.3)), "lowest at 0.00063 already: begin lo"),
    "level by then": (line((0, 1.0), (5, 0.21), (30, 0.2), (39, 1.0)), "is level about ten times"),
    "never finite": ([NAN] * 40, "is not finite at the first rate: begin lower"),
    "no epoch": ([], "is not finite at the first rate: begin lower"),
}


@pytest.mark.parametrize(("loss", "reason"), NONE.values(), ids=NONE)
def test_no_suggestion_and_why(loss: list[float], reason: str) -> None:
    test = read(loss)
    assert test.suggestion is None
    assert reason in test.reason
    assert test.sentence() == f"no learning rate is suggested: {test.reason}"


@pytest.mark.parametrize("end", [[NAN], [INF], [INF, 0.1, 0.1], []])
def test_a_training_that_diverges_has_its_lowest_loss_before(end: list[float]) -> None:
    whole = read(VALLEY)
    cut = read([*VALLEY[:33], *end])
    assert (cut.minimum, cut.suggestion) == (whole.minimum, whole.suggestion)
    assert np.isnan(cut.loss[33:]).all()
    assert np.isnan(cut.smoothed[33:]).all()


def test_a_loss_that_falls_until_it_diverges_has_a_suggestion() -> None:
    # Unlike one that falls to the end of the sweep: higher rates have been tried.
    test = read(VALLEY[:31])
    assert (test.minimum, test.suggestion) == (30, 0.01)


def test_several_trainings_count_by_their_median() -> None:
    test = read(VALLEY, line((0, 9.0), (39, 9.0)), line((0, 0.1), (39, 0.1)))
    assert test.losses.shape == (3, 40)
    assert test.loss.tolist() == VALLEY
    assert test.suggestion == 0.01


def test_a_training_that_diverged_is_above_the_others() -> None:
    test = read(VALLEY, line((0, 0.1), (39, 0.1)), [0.1] * 5 + [NAN])
    assert test.loss[:5].tolist() == [0.1] * 5
    assert test.loss[5:].tolist() == VALLEY[5:]


def test_most_diverged_is_diverged() -> None:
    test = read([1.0] * 40, [1.0] * 7, [1.0] * 9 + [INF])
    assert np.isnan(test.loss).tolist() == [False] * 9 + [True] * 31


def test_curves_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="no loss came"):
        read()
    with pytest.raises(InputError, match="41 losses came for 40 epochs"):
        read([1.0] * 41)
