from __future__ import annotations

import math

import numpy as np
import pytest

from trialstack.evaluation.intervals import (
    deviation,
    logit_interval,
    mean_interval,
    wilson_interval,
)

Z = 1.959963984540054


def test_wilson_by_hand():
    assert wilson_interval(0, 10) == pytest.approx((0, Z**2 / (10 + Z**2)))
    assert wilson_interval(10, 10) == pytest.approx((10 / (10 + Z**2), 1))
    # Wilson's centre for one half is one half.
    low, high = wilson_interval(50, 100)
    assert (low + high) / 2 == pytest.approx(0.5)
    assert high - low == pytest.approx(Z / math.sqrt(100 + Z**2))


def test_logit_interval_by_hand():
    # At 1/2 the logit is 0 and its slope 4.
    end = 1 / (1 + math.exp(-Z * 0.1 * 4))
    assert logit_interval(0.5, 0.1) == pytest.approx((1 - end, end))
    low, high = logit_interval(0.99, 0.02)
    assert 0.6 < low < 0.99 < high < 1


def test_mean_interval_by_hand():
    # Mean 2 and, of four rows, a standard error of sqrt(4 * 1 / 3) / 2.
    low, high = mean_interval(np.array([1.0, 3.0, 1.0, 3.0]), largest=10)
    factor = math.exp(Z * math.sqrt(4 / 3) / 2 / 2)
    assert (low, high) == pytest.approx((2 / factor, 2 * factor))


def test_mean_interval_at_its_borders():
    assert mean_interval(np.zeros(10), largest=2) == (0, 2 * wilson_interval(0, 10)[1])
    assert mean_interval(np.full(10, 0.25), largest=1) == (0.25, 0.25)
    assert mean_interval(np.array([1.0, 0, 0, 1.0]), largest=1)[1] == 1


def test_mean_interval_covers_a_mean_of_few_large_losses():
    rng = np.random.default_rng(0)
    losses = rng.exponential(size=(400, 100)) ** 2  # mean 2
    covered = sum(low <= 2 <= high for low, high in (mean_interval(each, 1e9) for each in losses))
    assert covered / 400 > 0.87  # the normal interval: 0.84


def test_deviation_is_blind_to_rounding():
    assert deviation(np.array([0.1 + 0.2, 0.3])) == 0
    assert deviation(np.array([1.0, 3.0])) == pytest.approx(math.sqrt(2))
