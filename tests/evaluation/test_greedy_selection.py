"""Greedy selection by hand."""

from __future__ import annotations

import numpy as np
import pytest

from trialstack.evaluation.greedy_selection import greedy_selection


def said(*of_class_1: list[float]) -> np.ndarray:
    """Models of two classes, by what each says of class 1 for every row."""
    p = np.array(of_class_1)
    return np.stack([1 - p, p], axis=2)


def test_a_model_is_taken_again_where_that_helps() -> None:
    # Row 0 is of class 1, row 1 of class 0. Alone, the first model's loss is the mean of
    # -ln 0.9 and -ln 0.4 (0.511), the second's that of -ln 0.3 and -ln 0.9 (0.655). Together they
    # have 0.6 and 0.65 (0.471); with the first one again 0.7 and 0.5667 (0.462); after that, a
    # fourth makes 0.75 and 0.525 (0.466) or 0.6 and 0.65 (0.471) of it: no more.
    p = said([0.9, 0.6], [0.3, 0.1])
    assert greedy_selection(p, np.array([1, 0]), 4).tolist() == [2, 1]


@pytest.mark.parametrize(("rounds", "times"), [(1, [1, 0]), (2, [1, 1])])
def test_it_ends_after_the_given_rounds(rounds: int, times: list[int]) -> None:
    p = said([0.9, 0.6], [0.3, 0.1])
    assert greedy_selection(p, np.array([1, 0]), rounds).tolist() == times


def test_of_equal_models_the_first_is_taken() -> None:
    p = said([0.8, 0.2], [0.8, 0.2])
    first, second = greedy_selection(p, np.array([1, 0]), 5)
    assert first > second == 0


def test_a_probability_of_0_costs_no_more_than_it_must() -> None:
    p = said([0.0, 0.0], [0.6, 0.5])
    assert greedy_selection(p, np.array([1, 0]), 3).tolist() == [0, 1]
