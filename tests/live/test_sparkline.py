from __future__ import annotations

import math

from trialstack.live.sparkline import best_so_far, binned, last_of_bins, sparkline, spread

NAN = math.nan


def test_eight_blocks_divide_the_range_evenly() -> None:
    assert sparkline([index / 8 for index in range(8)], 0.0, 1.0) == "▁▂▃▄▅▆▇█"
    assert sparkline([1.0, 2.0, -5.0, NAN], 0.0, 1.0) == "██▁×"


def test_equal_values_are_drawn_high() -> None:
    assert sparkline([0.5, 0.5], *spread([0.5, 0.5], better_is_high=True)) == "██"


def test_a_bad_score_does_not_press_the_others_flat() -> None:
    # Quartiles 2 and 4: the fences are at -1 and 7.
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0], better_is_high=True) == (1.0, 5.0)
    assert spread([-90.0, 2.0, 3.0, 4.0, 5.0], better_is_high=True) == (2.0, 5.0)
    assert spread([1.0, 2.0, 3.0, 4.0, 90.0], better_is_high=False) == (1.0, 4.0)


def test_a_good_score_is_always_within() -> None:
    assert spread([1.0, 2.0, 3.0, 4.0, 90.0], better_is_high=True) == (1.0, 90.0)
    assert spread([-90.0, 2.0, NAN, 3.0, 4.0, 5.0], better_is_high=False) == (-90.0, 5.0)


def test_long_series_are_averaged_in_neighbours() -> None:
    assert binned([1.0, 2.0], 5).tolist() == [1.0, 2.0]
    assert binned([1.0, 3.0, 5.0, 7.0, 8.0], 2).tolist() == [3.0, 7.5]
    assert math.isnan(binned([NAN, NAN, 5.0, NAN], 2)[0])
    assert last_of_bins([1.0, 3.0, 5.0, 7.0, 8.0], 2).tolist() == [5.0, 8.0]


def test_the_best_so_far_never_gets_worse() -> None:
    assert best_so_far([0.5, NAN, 0.7, 0.6], better_is_high=True).tolist() == [0.5, 0.5, 0.7, 0.7]
    assert best_so_far([0.5, 0.7, 0.4], better_is_high=False).tolist() == [0.5, 0.5, 0.4]
