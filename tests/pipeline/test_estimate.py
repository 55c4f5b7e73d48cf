"""What a search is said to take: worked out by hand, and how it grows; never a real time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import pytest

from trialstack.experiment import Experiment
from trialstack.pipeline import estimate, step_time
from trialstack.pipeline.estimate import Sizes, networks_of, seconds_of_search
from trialstack.pipeline.step_time import Network

SIZES = Sizes(features=20, numeric=10, classes=2, fit_rows=50_000, train_rows=80_000, rows=100_000)


def of(search: Mapping[str, Any] = {}, **tables: Any) -> Experiment:
    return Experiment.from_dict(
        {
            "name": "x",
            "dataset": {"source": "wine"},
            "hypermodel": {"units": [[10, 20]]},
            "search": {"max_trials": 10, "epochs": 40, "batch_size": 100, **search},
            **tables,
        }
    )


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "count_cores", lambda: 2)


def a_millisecond(networks: Collection[Network], batch_size: int) -> dict[Network, float]:
    return dict.fromkeys(networks, 0.001)


def most(experiment: Experiment, sizes: Sizes = SIZES) -> float:
    found = seconds_of_search(experiment, sizes, a_millisecond)
    assert found is not None
    return found[1] / estimate.DOUBT


BESIDE = 22 + 2.0 * 100_000 * 20 / 1e6


def test_a_search_by_hand() -> None:
    experiment = of(baseline={"units": [50], "epochs": 3})
    found = seconds_of_search(experiment, SIZES, a_millisecond)
    baseline = 3 * 500 * (0.001 + 3 * 0.001)
    # One kind of stack, and two of them, since there are two cores; the rows are scaled once.
    steps = 40 * 500 * (2 * 0.001 + 10 * 3 * 0.001)
    searched = 10 * 0.05 + 0.5 + (steps + 50_000 * 10 / 1e6 * 0.1) / 2
    final = 40 * 800 * (0.001 + 3 * 0.001) + 40 * 80_000 * 10 / 1e6 * 0.1
    seconds = BESIDE + baseline + searched + final
    assert found == pytest.approx((seconds / 1.4, seconds * 1.4))


def test_the_mean_of_the_best_trials_is_trained_as_stacks() -> None:
    alone, mean = of(), of(final={"ensemble": 5})
    steps = 40 * 800 * (2 * 0.001 + 5 * 3 * 0.001)
    final = 5 * 1.0 + 0.5 + (steps + 80_000 * 10 / 1e6 * 0.1) / 2
    fit = 40 * 800 * (0.001 + 3 * 0.001) + 40 * 80_000 * 10 / 1e6 * 0.1
    assert most(mean) - most(alone) == pytest.approx(final - fit)


def test_trials_one_by_one() -> None:
    found = most(of({"executor": "one-by-one"}))
    fit = 500 * 40 * (0.001 + 3 * 0.001) + 40 * 50_000 * 10 / 1e6 * 0.1
    final = 800 * 40 * (0.001 + 3 * 0.001) + 40 * 80_000 * 10 / 1e6 * 0.1
    assert found == pytest.approx(BESIDE + 10 * (1 + fit) + final)


def test_twice_the_rows_epochs_and_trials_take_twice_the_work() -> None:
    # Rows whose numbers are encoded in every epoch, whichever way they are trained.
    sizes = replace(SIZES, fit_rows=2_000_000, train_rows=3_000_000, rows=4_000_000)
    twice = replace(SIZES, fit_rows=4_000_000, train_rows=6_000_000, rows=8_000_000)
    fixed = estimate.SECONDS_BESIDE + 10 * 0.05 + 0.5
    one = most(of(), sizes) - fixed
    assert most(of(), twice) - fixed == pytest.approx(2 * one)
    beside = 2.0 * 4_000_000 * 20 / 1e6
    assert most(of({"epochs": 80}), sizes) - fixed - beside == pytest.approx(2 * (one - beside))
    trials = most(of({"max_trials": 20}), sizes) - most(of(), sizes)
    steps = 40 * 20_000 * 10 * 3 * 0.001 / 2
    assert trials == pytest.approx(10 * 0.05 + steps)


@pytest.mark.parametrize(("patience", "epochs"), [(None, 40), (4, 10), (30, 40)])
def test_trials_that_may_stop_early_widen_the_range(patience: int | None, epochs: int) -> None:
    given = {} if patience is None else {"patience": patience}
    low, high = seconds_of_search(of(given), SIZES, a_millisecond) or (0.0, 0.0)
    assert low == pytest.approx(most(of({"epochs": epochs})) / 1.4)
    assert high == pytest.approx(most(of()) * 1.4)


def test_curves_that_are_made_of_numbers_in_every_epoch_take_their_time() -> None:
    sizes = replace(SIZES, fit_rows=2_000_000, train_rows=2_000_000)
    plain, curves = of(), of(hypermodel={"units": [[10, 20]], "encoding": "quantile"})
    # In the final fit, and by each of two stacks on a core of its own.
    assert most(curves, sizes) - most(plain, sizes) == pytest.approx(2 * 40 * 20 * (0.7 - 0.1))


def test_networks_that_stand_for_a_space() -> None:
    experiment = of(
        hypermodel={"units": [[10, 20]], "layers": [1, 2], "encoding": ["standard", "ple"]}
    )
    space: Any = experiment.hypermodel
    assert networks_of(space, SIZES) == [
        (20, 15, 1),
        (20, 15, 15, 1),
        (170, 15, 1),
        (170, 15, 15, 1),
    ]
    assert networks_of(space, replace(SIZES, classes=3))[0] == (20, 15, 3)


def test_nothing_is_known_of_a_hypermodel_of_ones_own() -> None:
    assert seconds_of_search(of(hypermodel={"type": "package:Class"}), SIZES) is None


def test_a_step_is_tried_out_for_some_time_and_a_few_times_at_least(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: list[tuple[int, ...]] = []

    def step(x: Any, weights: list[Any], first: list[Any], second: list[Any]) -> None:
        sizes.append((len(x), *(w.shape for w in weights)))

    monkeypatch.setattr(step_time, "_step", step)
    slow = iter(range(100))
    assert step_time.seconds_of_step((30, 8, 1), 16, slow.__next__) == 1.0
    assert sizes == [(16, (30, 8), (8, 1))] * (1 + step_time.FEWEST)
    sizes.clear()
    fast = (tick / 64 for tick in range(100))  # 0.15 s are passed after ten of these
    assert step_time.seconds_of_step((30, 8, 1), 16, fast.__next__) == 1 / 64
    assert len(sizes) == 1 + 10


def test_steps_are_tried_out_in_a_process_of_their_own() -> None:
    networks = [(30, 8, 1), (4, 1)]
    found = step_time.seconds_of_steps(networks, 16)
    assert list(found) == networks
    assert all(seconds > 0 for seconds in found.values())


def test_a_step_that_is_tried_out_is_one_of_adam() -> None:
    """By hand: one row, one weight a layer, both positive."""
    import numpy as np

    x = np.array([[2.0]], np.float32)
    weights = [np.array([[3.0]], np.float32), np.array([[5.0]], np.float32)]
    first, second = (
        [np.zeros((1, 1), np.float32) for _ in "ab"],
        [np.zeros((1, 1), np.float32) for _ in "ab"],
    )
    step_time._step(x, weights, first, second)
    # The output is 2 * 3 * 5 = 30, which is the gradient, too; of the layers 6 * 30 and 2 * 5 * 30.
    assert [float(m[0, 0]) for m in first] == pytest.approx([30.0, 18.0])
    assert [float(v[0, 0]) for v in second] == pytest.approx([90.0, 32.4])
    assert float(weights[0][0, 0]) < 3.0
