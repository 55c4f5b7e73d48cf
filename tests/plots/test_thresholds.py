from __future__ import annotations

from trialstack.evaluation.thresholds import threshold_curve
from trialstack.plots.style import figure_png
from trialstack.plots.thresholds import draw_thresholds

Y = [0, 0, 1, 1]
P = [[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]]


def test_four_lines_and_the_largest_f1():
    curve = threshold_curve(Y, P, ["no", "yes"])
    figure = draw_thresholds({"": curve}, "four rows")
    (axes,) = figure.axes
    half, *lines, point = axes.lines
    assert list(half.get_xdata()) == [0.5, 0.5]
    assert [line.get_ydata().tolist() for line in lines[1:]] == [
        curve.recall.tolist(),
        curve.f1.tolist(),
        curve.accuracy.tolist(),
    ]
    assert {line.get_drawstyle() for line in lines} == {"steps-pre"}
    assert len({line.get_linestyle() for line in lines}) == 4
    assert (point.get_xdata()[0], point.get_ydata()[0]) == curve.best_f1
    assert axes.texts[-1].get_text() == "largest F1 0.800 at 0.30"
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["Precision", "Recall", "F1", "Accuracy"]
    figure_png(figure, dpi=30)


def test_a_panel_a_model():
    curve = threshold_curve(Y, P, ["no", "yes"])
    figure = draw_thresholds({"final": curve, "baseline": curve})
    assert [axes.texts[0].get_text() for axes in figure.axes] == ["final", "baseline"]
    assert len(figure.legends) == 1
