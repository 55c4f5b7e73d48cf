"""Evaluation plots of a model with known weights."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from trialstack import plots
from trialstack.errors import DataError
from trialstack.plots.model_evaluation import predictions
from trialstack.plots.style import figure_png

X = np.array([[0.1], [0.6], [0.4], [0.9]])
Y = np.array(["no", "no", "yes", "yes"])


def linear(kernel: list[float], bias: list[float], activation: str = "linear") -> Any:
    """A Keras model of one feature."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(len(bias), activation)])
    model.set_weights([np.array([kernel]), np.array(bias)])
    return model


IDENTITY = linear([1.0], [0.0])


def test_a_linear_output_is_clipped_to_a_probability() -> None:
    said = predictions(linear([2.0], [-0.5]), X, Y)
    np.testing.assert_allclose(said.probabilities[:, 1], [0.0, 0.7, 0.3, 1.0], atol=1e-6)
    assert (said.y.tolist(), said.classes) == ([0, 0, 1, 1], ["no", "yes"])


def test_logits_of_several_outputs_go_through_softmax() -> None:
    said = predictions(linear([0.0] * 3, [-1.0, -1.0, np.log(2) - 1.0]), X, [0, 1, 2, 2])
    np.testing.assert_allclose(said.probabilities, np.tile([0.25, 0.25, 0.5], (4, 1)), rtol=1e-5)


@pytest.mark.parametrize("draw", ["roc", "precision_recall", "calibration", "confusion_matrix"])
def test_figures_of_two_classes(draw: str) -> None:
    figure = getattr(plots, draw)(IDENTITY, X, Y, title="4 rows")
    assert figure_png(figure)[1:4] == b"PNG"


def test_the_area_under_the_curve_is_in_the_legend() -> None:
    # Of the four pairs of a "no" and a "yes", one is in the wrong order: 0.6 and 0.4.
    figure = plots.roc(IDENTITY, X, Y)
    assert "AUC 0.750" in figure.axes[0].get_legend().get_texts()[0].get_text()


def test_a_confusion_matrix_by_hand() -> None:
    figure = plots.confusion_matrix(IDENTITY, X, Y)
    shown = [text.get_text().partition("\n")[0] for text in figure.axes[0].texts]
    assert [text for text in shown if text.isdigit()] == ["1", "1", "1", "1"]


def test_ten_classes_from_ten_outputs() -> None:
    model = linear([1.0] * 10, list(range(10)), "softmax")
    rows, labels = np.linspace(0, 1, 30)[:, None], np.arange(30) % 10
    for draw in (plots.roc, plots.precision_recall, plots.calibration, plots.confusion_matrix):
        assert figure_png(draw(model, rows, labels))[1:4] == b"PNG"


@pytest.mark.parametrize(
    ("rows", "labels", "message"),
    [
        (X, Y[:3], "got 3 labels for 4 rows; give one a row"),
        (X, [1, 1, 1, 1], "4 rows are all of one class"),
        (np.hstack([X, X]), Y, "the model takes 1 features, but the rows have 2"),
        ([[np.nan], [0.5], [0.5], [0.5]], Y, "output is NaN or infinite for 1 of 4 rows"),
    ],
)
def test_what_is_refused(rows: Any, labels: Any, message: str) -> None:
    for draw in (plots.roc, plots.confusion_matrix):
        with pytest.raises(DataError, match=message):
            draw(IDENTITY, rows, labels)
