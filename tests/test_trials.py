from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from trialstack.trials import Finished, Objective, TrialSpec


def spec(number: int = 0, attempt: int = 0, execution: int = 0, seed: int = 42) -> TrialSpec:
    return TrialSpec(str(number), number, {}, (seed, number), attempt, execution)


class TestObjective:
    def test_better_is_strict_and_false_for_nan(self) -> None:
        highest, lowest = Objective("val_auc", "max"), Objective("val_loss", "min")
        assert highest.better(0.9, 0.8)
        assert lowest.better(0.8, 0.9)
        for objective in (highest, lowest):
            assert not objective.better(0.8, 0.8)
            assert not objective.better(math.nan, 0.8)
            assert not objective.better(0.8, math.nan)

    @pytest.mark.parametrize("direction", ["max", "min"])
    def test_everything_is_better_than_the_worst(self, direction: str) -> None:
        objective = Objective("x", direction)
        assert objective.better(-1e300, objective.worst)
        assert objective.better(1e300, objective.worst)


class TestSeed:
    def test_the_first_attempt_draws_from_the_seed_sequence_of_search_and_number(self) -> None:
        assert spec(3).seed_for_keras() == int(np.random.SeedSequence([42, 3]).generate_state(1)[0])

    def test_trials_attempts_and_executions_all_differ_and_fit_into_32_bits(self) -> None:
        seeds = [
            spec(number, attempt, execution, search).seed_for_keras()
            for search, number, attempt, execution in itertools.product(
                (0, 42), range(20), range(3), range(3)
            )
        ]
        assert len(set(seeds)) == len(seeds)
        assert all(isinstance(seed, int) and 0 <= seed < 2**32 for seed in seeds)


def test_epochs_run_is_the_length_of_the_longest_curve() -> None:
    history = {"loss": [1.0, 0.9, 0.8], "val_loss": [1.0]}
    assert Finished("0", 0.0, history, {}, 0).epochs_run == 3
    assert Finished("0", 0.0, {}, {}, 0).epochs_run == 0
