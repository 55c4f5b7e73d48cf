"""Learning curves: the numbers, then the panels."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from trialstack.errors import DataError
from trialstack.plots.curves import best_epoch_of, curves_of, learning_curves
from trialstack.plots.style import figure_png

HISTORY = {
    "auc": [0.6, 0.8, 0.9],
    "loss": [0.7, 0.5, 0.4],
    "val_auc": [0.5, 0.75, 0.7],
    "val_loss": [0.8, 0.6, 0.65],
}


def test_twins_are_paired_and_loss_comes_first() -> None:
    loss, auc = curves_of(HISTORY)
    assert (loss.metric, auc.metric) == ("loss", "auc")
    assert loss.train.tolist() == [0.7, 0.5, 0.4]
    assert auc.validation.tolist() == [0.5, 0.75, 0.7]


def test_a_keras_history_is_taken_as_it_is() -> None:
    [curve] = curves_of(SimpleNamespace(history={"loss": [0.5]}))
    assert curve.train.tolist() == [0.5]
    assert np.isnan(curve.validation).all()


def test_a_data_frame_has_a_row_an_epoch() -> None:
    table = pd.DataFrame({"epoch": [0, 1, 2], **HISTORY})
    assert [curve.metric for curve in curves_of(table)] == ["loss", "auc"]
    for ours, theirs in zip(curves_of(table), curves_of(HISTORY), strict=True):
        np.testing.assert_array_equal(ours.train, theirs.train)
        np.testing.assert_array_equal(ours.validation, theirs.validation)


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ([0.7, 0.5], "got a list; give what model.fit returned"),
        ({"loss": 0.5}, "got a dict; .* one value an epoch"),
        ({"loss": ["a", "b"]}, "metric 'loss' holds something other than numbers"),
        (pd.DataFrame({"loss": [0.5], "run": ["x"]}), "metric 'run' holds something other"),
        (None, "got a NoneType"),
    ],
)
def test_what_is_no_history_is_refused(history: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        learning_curves(history)


def test_the_best_epoch_is_that_of_the_lowest_validation_loss() -> None:
    assert best_epoch_of(curves_of(HISTORY)) == 1
    assert best_epoch_of(curves_of({"loss": [2.0, 1.0], "val_auc": [0.5, 0.6]})) is None
    assert best_epoch_of(curves_of({"val_loss": [None, 0.4, 0.3, None]})) == 2  # type: ignore[list-item]
    figure = learning_curves(HISTORY)
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["training", "validation", "best epoch: 1 (lowest val_loss)"]


def test_gaps_become_nan() -> None:
    [curve] = curves_of({"loss": [1.0, float("inf"), 3.0], "val_loss": [None, 2.0]})  # type: ignore[list-item]
    np.testing.assert_array_equal(curve.train, [1.0, np.nan, 3.0])
    np.testing.assert_array_equal(curve.validation, [np.nan, 2.0, np.nan])


@pytest.mark.parametrize("history", [{}, {"loss": []}])
def test_a_history_without_epochs_is_refused(history: dict[str, list[float]]) -> None:
    with pytest.raises(DataError, match="the history holds no epoch"):
        curves_of(history)


def test_one_panel_a_metric_with_the_best_epoch_marked() -> None:
    figure = learning_curves(HISTORY, best_epoch=1, title="final")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["loss", "auc"]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["training", "validation", "best epoch: 1"]
    assert [axes.texts[0].get_text() for axes in figure.axes] == ["0.6", "0.75"]
    lines = {line.get_label(): line for line in figure.axes[1].lines}
    assert lines["validation"].get_ydata().tolist() == [0.5, 0.75, 0.7]
    assert figure_png(figure)[1:4] == b"PNG"


def test_a_best_epoch_outside_the_history_is_not_marked() -> None:
    figure = learning_curves(HISTORY, best_epoch=7)
    assert not figure.axes[0].texts


def test_losses_over_decades_get_a_logarithmic_axis() -> None:
    figure = learning_curves({"loss": [500.0, 3.0, 0.5], "auc": [0.5, 0.6, 0.9]})
    assert [axes.get_yscale() for axes in figure.axes] == ["log", "linear"]


def test_one_epoch_nan_and_four_metrics_can_be_drawn() -> None:
    nan = float("nan")
    histories = [{"loss": [0.5]}, {"loss": [nan, nan]}, {name: [1.0, nan] for name in "abcd"}]
    for history in histories:
        assert figure_png(learning_curves(history, best_epoch=0))[1:4] == b"PNG"
