from __future__ import annotations

import subprocess
import sys
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from trialstack.errors import DataError
from trialstack.plots.evaluation import evaluation_figures
from trialstack.plots.style import figure_png

KEYS = ["roc", "precision_recall", "calibration", "confusion_matrix", "score_histogram"]


def predictions(classes, rows=120, seed=0, strength=2.0):
    rng = np.random.default_rng(seed)
    y = np.arange(rows) % classes
    weights = np.exp(rng.normal(size=(rows, classes)) + strength * np.eye(classes)[y])
    return y, (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def labels(axes):
    legend = axes.get_legend() or axes.figure.legends[0]
    return [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize("classes", [2, 3, 10, 25])
@pytest.mark.parametrize("models", [1, 2])
def test_figures_of_all_sizes_become_pictures(classes, models):
    y, p = predictions(classes)
    given = p if models == 1 else {"final": p, "baseline": predictions(classes, seed=1)[1]}
    names = [f"class {k}" for k in range(classes)]
    figures = evaluation_figures(y, given, names, "numbers, 120 test rows")
    assert list(figures) == [*KEYS, "thresholds"]
    for figure in figures.values():
        picture = Image.open(BytesIO(figure_png(figure, dpi=40)))
        assert picture.size == tuple(int(40 * inches) for inches in figure.get_size_inches())
        colours = picture.convert("RGB").getcolors(maxcolors=2**24)
        assert len(colours) > 20


def test_binary_plots_show_the_positive_class_and_its_scores():
    figures = evaluation_figures(
        [0, 0, 1, 1], [[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]], ["no", "yes"], "four rows"
    )
    (roc,) = figures["roc"].axes
    assert labels(roc) == ["yes (AUC 0.750)"]
    assert roc.lines[-1].get_xydata().tolist() == [[0, 0], [0, 0.5], [0.5, 0.5], [0.5, 1], [1, 1]]
    assert labels(figures["precision_recall"].axes[0]) == ["yes (AP 0.833)"]
    upper, lower = figures["calibration"].axes
    # Each probability is alone in its bin: 0.1 + 0.4 + 0.7 + 0.2 over four rows.
    assert labels(upper) == ["expected calibration error 0.350"]
    assert "yes" in lower.get_xlabel()
    (matrix,) = figures["confusion_matrix"].axes
    assert [text.get_text() for text in matrix.texts[1:]] == [
        "2\n100.0%",
        "0\n0.0%",
        "1\n50.0%",
        "1\n50.0%",
    ]
    assert matrix.texts[0].get_text() == "four rows · accuracy 0.750"


def test_two_models_share_the_axes():
    y, p = predictions(2)
    other = predictions(2, seed=1, strength=0.5)[1]
    figures = evaluation_figures(y, {"final": p, "baseline": other}, ["no", "yes"])
    legend = labels(figures["roc"].axes[0])
    assert [label.split(" (")[0] for label in legend] == ["final", "baseline"]
    first, second = figures["roc"].axes[0].lines[-2:]
    assert first.get_color() != second.get_color()
    assert first.get_linestyle() != second.get_linestyle()
    assert len(figures["confusion_matrix"].axes) == 2


def test_classes_have_colours_and_models_have_line_styles():
    y, p = predictions(3)
    other = predictions(3, seed=1)[1]
    figure = evaluation_figures(y, {"final": p, "baseline": other}, list("abc"))["roc"]
    lines = figure.axes[0].lines[-6:]
    assert [line.get_color() for line in lines[:3]] == [line.get_color() for line in lines[3:]]
    assert len({line.get_color() for line in lines}) == 3
    assert {line.get_linestyle() for line in lines[:3]} == {"-"}
    assert {line.get_linestyle() for line in lines[3:]} == {"--"}
    # Six names would hide the curves, so they stand below the axes.
    assert figure.axes[0].get_legend() is None
    assert len(figure.legends[0].get_texts()) == 6


def test_names_are_drawn_as_they_stand():
    y, p = predictions(2)
    names = ["_under $5", "a very long name of a class $ with signs ^_{"]
    figures = evaluation_figures(y, {"_model $1$": p}, names, "$prices$ & more")
    for figure in figures.values():
        figure_png(figure, dpi=30)
    assert labels(figures["roc"].axes[0])[0].startswith(r"_model \$1\$")


def test_diverged_models_are_refused():
    y, p = predictions(2)
    p[3] = np.nan
    with pytest.raises(DataError, match="NaN or infinite in 1 of 120 rows"):
        evaluation_figures(y, p, ["no", "yes"])


def test_heavy_libraries_are_imported_late_and_pyplot_never():
    code = """
import sys
import trialstack.evaluation.comparison, trialstack.evaluation.scores
from trialstack.plots.evaluation import evaluation_figures
from trialstack.plots.style import figure_png
print(*{"matplotlib", "sklearn", "scipy", "pandas", "tensorflow"} & set(sys.modules))
for figure in evaluation_figures([0, 1], [[0.9, 0.1], [0.2, 0.8]], "ab").values():
    figure_png(figure, dpi=20)
print("matplotlib.pyplot" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["", "False"]
