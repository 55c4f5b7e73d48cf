from __future__ import annotations

import numpy as np
import pytest

from trialstack.evaluation.histogram import ScoreHistogram, score_histogram
from trialstack.plots.histogram import draw_score_histogram, round_counts
from trialstack.plots.style import figure_png

Y = [0, 0, 1, 1]
P = [[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]]


def heights(axes):
    return [round(bar.get_height()) for bar in axes.patches if bar.get_height()]


def test_one_class_up_and_the_other_down():
    figure = draw_score_histogram({"": score_histogram(Y, P, ["no", "yes $"], bins=2)}, "four rows")
    (axes,) = figure.axes
    assert heights(axes) == [-2, 1, 1]
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["four rows", "no: 2 rows (50%)", r"yes \$: 2 rows (50%)"]
    assert "yes" in axes.get_xlabel()
    figure_png(figure, dpi=30)


def test_models_share_the_axis():
    other = [[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.9, 0.1]]
    histograms = {
        name: score_histogram(Y, p, ["no", "yes"], bins=2)
        for name, p in (("final", P), ("baseline", other))
    }
    upper, lower = draw_score_histogram(histograms, "four rows").axes
    assert upper.get_ylim() == lower.get_ylim()
    assert upper.texts[0].get_text() == "final · four rows"
    assert lower.texts[0].get_text() == "baseline"
    assert heights(lower) == [-2, 2]


def test_the_axis_is_a_square_root():
    counts = {"wrong": np.array([0, 1]), "right": np.array([25, 100])}
    figure = draw_score_histogram({"": ScoreHistogram("", np.linspace(0, 1, 3), counts)})
    (axes,) = figure.axes
    zero, quarter, whole = (axes.transData.transform((0, rows))[1] for rows in (0, 25, 100))
    assert whole - zero == pytest.approx(2 * (quarter - zero))
    low, high = axes.get_ylim()
    assert low < -1
    assert high > 100
    assert [label.get_text() for label in axes.get_yticklabels()][-3:] == ["10", "20", "100"]


@pytest.mark.parametrize(
    ("highest", "ticks"), [(1, [1]), (2, [2]), (9, [1, 2, 5]), (90, [10, 20, 50])]
)
def test_round_counts(highest, ticks):
    assert round_counts(highest) == ticks
