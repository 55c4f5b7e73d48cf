"""Plots of a search: which numbers are drawn, then that every kind of search can be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from trialstack.plots.search import (
    TrialRecord,
    objective_by_hyperparameter,
    objective_over_trials,
    score_window,
    scores_by_hyperparameter,
    scores_over_trials,
)
from trialstack.plots.style import figure_png

NAN = float("nan")
PENALTIES = [0.0, 1e-15, 1e-10, 1e-5, 1e-3, 1e-2, 1e-1]


def trials(scores: Sequence[float | None], **hyperparameters: Sequence[Any]) -> list[TrialRecord]:
    return [
        TrialRecord(
            i,
            f"trial {i}",
            {name: values[i] for name, values in hyperparameters.items() if values[i] is not None},
            score,
        )
        for i, score in enumerate(scores)
    ]


def test_best_so_far_goes_over_failed_trials() -> None:
    records = trials([None, 0.6, NAN, 0.9, 0.7, 0.9])
    series = scores_over_trials(records[::-1], "max")
    np.testing.assert_array_equal(series.numbers, range(6))
    np.testing.assert_array_equal(series.best_so_far, [NAN, 0.6, 0.6, 0.9, 0.9, 0.9])
    assert series.best == 3
    lowest = scores_over_trials(records, "min")
    np.testing.assert_array_equal(lowest.best_so_far, [NAN, 0.6, 0.6, 0.6, 0.6, 0.6])
    assert lowest.best == 1


def test_an_infinite_score_is_a_failed_trial() -> None:
    series = scores_over_trials(trials([0.5, float("inf")]), "max")
    assert series.best == 0
    assert np.isnan(series.scores[1])


def test_only_hyperparameters_that_vary_are_shown() -> None:
    records = trials([0.1, 0.2], epochs=[50, 50], units_1=[30, 40], rate=[None, 0.5])
    assert [series.name for series in scores_by_hyperparameter(records, "max")] == ["units_1"]


@pytest.mark.parametrize(
    ("values", "axis"),
    [
        (["relu", "tanh"] * 20, "category"),
        ([True, False] * 20, "category"),
        ((PENALTIES * 6)[:40], "category"),
        ([0.0, 1e-5, 0.1] + [0.0] * 37, "category"),
        (list(range(25, 65)), "linear"),
        ([1, 2, 3, 4] * 10, "category"),
        (np.geomspace(1e-5, 1e-1, 40).tolist(), "log"),
        (np.linspace(0.001, 0.5, 40).tolist(), "linear"),
        (np.linspace(-5, 5, 40).tolist(), "linear"),
        (np.linspace(0, 0.5, 40).tolist(), "linear"),
    ],
)
def test_the_axis_of_a_hyperparameter(values: list[Any], axis: str) -> None:
    [series] = scores_by_hyperparameter(trials([0.5] * 40, x=values), "max")
    assert series.axis == axis


def test_what_was_drawn_from_a_log_scale_is_shown_on_one() -> None:
    few = [0.004, 0.02, 0.011]
    records = trials([0.1, 0.2, 0.3], learning_rate=few, decay=few, rate=few, units_1=[3, 4, 5])
    series = scores_by_hyperparameter(records, "max", {"decay"})
    assert [one.axis for one in series] == ["log", "log", "linear", "linear"]
    shared = trials([0.5] * 8, decay=[1e-3, 1e-2] * 4)
    assert scores_by_hyperparameter(shared, "max", {"decay"})[0].axis == "category"
    with_zero = trials([0.5] * 3, decay=[0.0, 0.1, 0.2])
    assert scores_by_hyperparameter(with_zero, "max", {"decay"})[0].axis == "linear"


@pytest.mark.parametrize(
    ("rates", "labels"),
    [
        ([0.003, 0.02, 0.011], ["0.005", "0.01", "0.02"]),
        ([1e-6, 3e-5], ["1e-6", "2e-6", "5e-6", "1e-5", "2e-5"]),
        ([1e-9, 1e-1], ["$\\mathdefault{10^{-8}}$", "$\\mathdefault{10^{-5}}$"]),
    ],
)
def test_a_log_axis_has_labels_even_within_a_decade(rates: list[float], labels: list[str]) -> None:
    records = trials([0.5] * len(rates), learning_rate=rates)
    axes = objective_by_hyperparameter(records, "val_auc", "max").axes[0]
    axes.figure.canvas.draw()
    low, high = axes.get_xlim()
    shown = [t.get_text() for t in axes.get_xticklabels() if low <= t.get_position()[0] <= high]
    assert set(labels) <= set(shown)
    assert len(shown) < 10


def test_few_trials_make_categories_of_zero_and_decades_only() -> None:
    records = trials([0.1, 0.2, 0.3], l1=[0.0, 1e-10, 0.1], units_1=[30, 40, 50])
    penalty, units = scores_by_hyperparameter(records, "max")
    assert (penalty.axis, penalty.categories) == ("category", ("0", "1e-10", "0.1"))
    assert (units.axis, units.positions.tolist()) == ("linear", [30.0, 40.0, 50.0])


def test_categories_are_sorted_and_have_the_median_of_their_scores() -> None:
    records = trials(
        [0.9, 0.1, None, 0.3, 0.8, None], l1=[0.1, 1e-15, 0.0, 1e-15, 1e-15, 0.0], seed=range(6)
    )
    series = scores_by_hyperparameter(records, "max")[0]
    assert series.categories == ("0", "1e-15", "0.1")
    np.testing.assert_array_equal(series.medians, [NAN, 0.3, 0.9])
    assert np.rint(series.positions).tolist() == [2, 1, 0, 1, 1, 0]
    assert series.best == 0


def test_a_conditional_hyperparameter_shows_the_trials_that_have_it() -> None:
    records = trials([0.9, 0.1, 0.5], units_2=[None, 30, 40])
    [series] = scores_by_hyperparameter(records, "max")
    assert series.scores.tolist() == [0.1, 0.5]
    assert series.best is None


def test_a_few_awful_scores_are_left_off_the_axis() -> None:
    good = np.linspace(0.90, 0.98, 20)
    awful = [0.5, 0.55]
    assert score_window(np.array([*awful, *good, NAN]), "max") == pytest.approx((0.90, 0.98))
    assert score_window(-np.array([*awful, *good]), "min") == pytest.approx((-0.98, -0.90))


@pytest.mark.parametrize(
    "scores",
    [
        [0.5, 0.9, 0.91, 0.92],  # too few to call one an outlier
        [0.5] * 10 + [0.95] * 10,  # two equal groups
        np.linspace(0.5, 1.0, 20).tolist(),
        [0.7] * 20,
    ],
)
def test_other_scores_are_all_on_the_axis(scores: list[float]) -> None:
    assert score_window(np.array(scores), "max") == (min(scores), max(scores))


def test_no_score_no_window() -> None:
    assert score_window(np.array([NAN, NAN]), "max") is None


def test_failed_and_off_scale_trials_are_counted_in_the_legend() -> None:
    records = trials([0.5, None, None, *np.linspace(0.90, 0.98, 20)])
    figure = objective_over_trials(records, "val_auc", "max")
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "failed: 2" in legend
    assert "off scale: 1, as far as 0.5" in legend
    assert "best: trial 22, 0.98" in legend


def search(n: int, failed: bool) -> list[TrialRecord]:
    rng = np.random.default_rng(0)
    return [
        TrialRecord(
            i,
            f"trial {i}",
            {f"x{k}": float(rng.uniform()) for k in range(20)} | {"act": "relu" if i % 2 else "$5"},
            None if failed else float(rng.normal()),
        )
        for i in range(n)
    ]


@pytest.mark.parametrize("direction", ["max", "min"])
@pytest.mark.parametrize(
    ("n", "failed"), [(0, False), (1, False), (1, True), (5, True), (30, False)]
)
def test_every_search_can_be_drawn(n: int, failed: bool, direction: str) -> None:
    records = search(n, failed)
    for draw in (objective_over_trials, objective_by_hyperparameter):
        figure = draw(records, "val_loss", direction)
        assert figure_png(figure, dpi=30)[1:4] == b"PNG"


def test_one_panel_a_varying_hyperparameter() -> None:
    figure = objective_by_hyperparameter(search(30, failed=False), "val_loss", "min")
    shown = [axes.get_xlabel() for axes in figure.axes if axes.axison]
    assert shown == [*(f"x{k}" for k in range(20)), "act"]
