"""Plots of a learning-rate range test: what they show of curves drawn by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from trialstack.errors import DataError
from trialstack.evaluation.lr_range import RangeTest, RateSchedule, range_test
from trialstack.plots.lr_range import draw_range_test, swept_curves
from trialstack.plots.style import figure_png

SCHEDULE = RateSchedule(1e-4, 1.0, 40)
# Level, an even fall to epoch 30, rate 0.1, as steep a rise, then a jump.
LOSS = [float(v) for v in np.interp(range(40), [0, 10, 30, 32, 39], [1.0, 1.0, 0.2, 0.28, 50.0])]


def read(*losses: Sequence[float]) -> RangeTest:
    return range_test(SCHEDULE, losses)


def legend(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_lowest_and_suggestion_are_marked_on_a_log_axis() -> None:
    figure = draw_range_test(read(LOSS), "a sweep")
    [axes] = figure.axes
    assert axes.get_xscale() == "log"
    assert axes.get_xlim() == pytest.approx((1e-4, 1.0))
    assert legend(figure) == ["loss of an epoch", "smoothed", "lowest: 0.1", "suggested: 0.01"]
    assert axes.get_title(loc="left") == "a sweep"
    raw, smoothed, lowest, suggested = (axes.lines[i] for i in (0, 1, 2, 4))
    assert raw.get_ydata().tolist() == LOSS  # type: ignore[union-attr]
    assert smoothed.get_ydata()[20] == pytest.approx(0.6)  # type: ignore[index]
    assert lowest.get_xdata()[0] == pytest.approx(0.1)  # type: ignore[index]
    assert suggested.get_xdata()[0] == pytest.approx(0.01)  # type: ignore[index]
    assert suggested.get_ydata()[0] == pytest.approx(0.6)  # type: ignore[index]


def test_what_diverges_does_not_flatten_the_fall() -> None:
    low, high = draw_range_test(read(LOSS)).axes[0].get_ylim()
    assert (low, high) == pytest.approx((0.2 - 0.05 * 0.8, 0.2 + 1.3 * 0.8))


def test_without_a_suggestion_the_reason_stands_there() -> None:
    figure = draw_range_test(read([0.7] * 40))
    assert legend(figure) == ["loss of an epoch", "smoothed", "lowest: 0.0001"]
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == ["the loss never falls: 0.7 at first, 0.7 at best"]


def test_several_trainings_are_a_band_around_their_median() -> None:
    figure = draw_range_test(read(LOSS, LOSS, [2 * v for v in LOSS], [math.nan] * 40))
    assert legend(figure)[:2] == ["10th to 90th percentile of 4 seeds", "median of an epoch"]
    [band] = figure.axes[0].collections
    heights = band.get_paths()[0].vertices[:, 1]  # type: ignore[index]
    assert heights.min() == pytest.approx(0.2)


@pytest.mark.parametrize("loss", [[], [math.nan], [math.inf] * 40])
def test_a_sweep_without_a_finite_loss_can_be_drawn(loss: list[float]) -> None:
    figure = draw_range_test(read(loss))
    assert "no finite loss" in [text.get_text() for text in figure.axes[0].texts]
    assert figure_png(figure)[1:4] == b"PNG"


def test_where_it_diverges_is_marked() -> None:
    figure = draw_range_test(read([*LOSS[:33], math.nan]))
    assert legend(figure)[-1] == "the loss is not finite"
    assert figure.axes[0].lines[-1].get_xdata()[0] == pytest.approx(SCHEDULE.rate(33))  # type: ignore[index]


def test_swept_curves_have_the_rate_on_top() -> None:
    history = {"loss": LOSS, "val_loss": LOSS, "accuracy": [0.5] * 40}
    figure = swept_curves({**history, "learning_rate": SCHEDULE.rates.tolist()}, SCHEDULE)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["loss", "accuracy"]
    [top] = figure.axes[0].child_axes
    assert top.get_xticks().tolist() == pytest.approx([0, 10, 20, 30])
    assert [label.get_text() for label in top.get_xticklabels()] == [
        f"$10^{{{power}}}$" for power in (-4, -3, -2, -1)
    ]
    assert not any("best" in text for text in legend(figure))


def test_decades_of_a_schedule_that_begins_between_two() -> None:
    figure = swept_curves(SimpleNamespace(history={"loss": LOSS}), RateSchedule(5e-3, 0.5, 40))
    [top] = figure.axes[0].child_axes
    # Two decades in 40 epochs: 0.01 is 20 * log10(2) = 6.02 epochs after 0.005.
    assert top.get_xticks().tolist() == pytest.approx([20 * math.log10(2), 20 + 20 * math.log10(2)])


def test_a_history_without_epochs_is_refused() -> None:
    with pytest.raises(DataError, match="the history holds no epoch"):
        swept_curves({"learning_rate": [0.1]}, SCHEDULE)
