"""Accuracies of many seeds, sorted and drawn."""

from __future__ import annotations

from trialstack.plots.seeds import draw_seeds, sorted_seeds
from trialstack.plots.style import figure_png


def test_a_failed_training_is_the_lowest() -> None:
    found = sorted_seeds([0.9, float("nan"), 0.7])
    assert found.accuracies.tolist() == [0.0, 0.7, 0.9]
    assert found.seeds.tolist() == [1, 2, 0]


def test_what_is_marked_is_in_the_legend() -> None:
    figure = draw_seeds([0.9, 0.5, 1.0], seed=2, outcome=(0.95, 1.0), tutorial=0.991, title="m")
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == [
        "counts as the tutorial's outcome",
        "the tutorial: 0.991",
        "median: 0.900",
        "this run: seed 2",
    ]
    assert figure_png(figure)[1:4] == b"PNG"


def test_a_seed_beyond_the_study_is_not_marked() -> None:
    figure = draw_seeds([0.5], seed=7)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["median: 0.500"]
