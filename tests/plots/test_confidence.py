from __future__ import annotations

from trialstack.evaluation.confidence import confidence_curve
from trialstack.plots.confidence import draw_confidence
from trialstack.plots.style import figure_png

CURVE = confidence_curve(
    [1, 1, 2], [[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]], list("abc")
)


def test_two_lines():
    figure = draw_confidence({"": CURVE}, "three rows")
    (axes,) = figure.axes
    accuracy, coverage = axes.lines
    assert accuracy.get_ydata().tolist() == CURVE.accuracy.tolist()
    assert coverage.get_ydata().tolist() == CURVE.coverage.tolist()
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["Accuracy of the rows counted", "Share of rows counted"]
    figure_png(figure, dpi=30)


def test_a_panel_a_model():
    figure = draw_confidence({"final": CURVE, "baseline": CURVE})
    assert [axes.texts[0].get_text() for axes in figure.axes] == ["final", "baseline"]
    assert len(figure.legends) == 1
