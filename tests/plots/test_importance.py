from __future__ import annotations

import numpy as np

from trialstack.evaluation.importance import Importance
from trialstack.plots.importance import draw_importance
from trialstack.plots.style import figure_png

FOUND = Importance(
    ("a", "the price in $", "c"), np.array([[0.1, 0.2], [0.4, 0.2], [0.0, -0.02]]), 0.9, 143
)


def test_the_most_important_column_is_on_top():
    figure = draw_importance(FOUND, "final")
    (axes,) = figure.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == [r"the price in \$", "a", "c"]
    assert np.allclose([bar.get_width() for bar in axes.patches], [0.3, 0.15, -0.01])
    low, high = axes.get_ylim()
    assert low > high  # downwards
    assert axes.texts[0].get_text() == "final · AUC 0.9000 on 143 rows"
    figure_png(figure, dpi=30)


def test_every_shuffle_is_a_point():
    (axes,) = draw_importance(FOUND).axes
    points = axes.collections[0].get_offsets()
    assert points.tolist() == [[0.4, 0], [0.2, 0], [0.1, 1], [0.2, 1], [0, 2], [-0.02, 2]]


def test_many_columns_are_cut_and_counted():
    many = Importance(tuple(map(str, range(64))), np.arange(64.0)[:, None], 0.9, 143)
    (axes,) = draw_importance(many).axes
    assert len(axes.patches) == 20
    assert axes.get_yticklabels()[0].get_text() == "63"
    assert "44 more columns" in axes.texts[0].get_text()
