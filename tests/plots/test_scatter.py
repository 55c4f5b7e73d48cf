"""Rows as points in the colour of their class."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from trialstack.errors import DataError
from trialstack.plots.plane import plane_of
from trialstack.plots.scatter import data_scatter, draw_scatter_parts
from trialstack.plots.style import PALETTE, figure_png

SQUARE = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])


def test_each_row_is_a_point_in_the_colour_of_its_class() -> None:
    frame = pd.DataFrame(SQUARE, columns=["width", "height"])
    figure = data_scatter(frame, ["no", "yes", "no", "yes"], title="pets")
    [axes] = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("width", "height")
    assert axes.get_title(loc="left") == "pets"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["no", "yes"]
    points = axes.collections[0]
    drawn = {
        tuple(place): tuple(ink)
        for place, ink in zip(
            points.get_offsets().tolist(), points.get_facecolors().tolist(), strict=True
        )
    }
    assert drawn == {tuple(row): to_rgba(PALETTE[int(row[0])]) for row in SQUARE.tolist()}


def test_more_features_are_brought_to_a_plane() -> None:
    rows = np.random.default_rng(0).normal(size=(30, 4))
    figure = data_scatter(rows, np.arange(30) % 3)
    assert figure.axes[0].get_xlabel().startswith("principal component 1 (")
    assert figure.get_supxlabel().startswith("plane of the first two principal components")
    assert "model" not in figure.get_supxlabel()


def test_more_than_two_classes_have_shapes_too() -> None:
    rows = np.random.default_rng(0).normal(size=(30, 2))
    figure = data_scatter(rows, np.arange(30) % 10)
    paths = figure.axes[0].collections[0].get_paths()
    assert len({path.vertices.tobytes() for path in paths}) == 10
    handles = figure.legends[0].legend_handles
    assert len({handle.get_marker() for handle in handles}) == 10
    assert figure_png(figure)[1:4] == b"PNG"


def test_parts_share_their_axes_and_many_rows_are_thinned() -> None:
    rows = np.random.default_rng(0).normal(size=(2100, 2))
    parts = {"train": (rows, np.zeros(2100, int)), "test": (rows[:5], np.ones(5, int))}
    figure = draw_scatter_parts(plane_of(rows), parts, ["no", "yes"])
    assert [len(axes.collections[0].get_offsets()) for axes in figure.axes] == [2000, 5]
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()
    assert figure.get_supxlabel().endswith("of more than 2000 rows, 2000 are drawn")


@pytest.mark.parametrize(
    ("rows", "labels", "message"),
    [
        (SQUARE, [0, 1], r"got labels of shape \(2,\) for 4 rows"),
        ([["a", "b"]], [0], "something other than numbers"),
        ([[np.nan, 0.0]], [0], "each of the 1 rows has a value that is missing or infinite"),
    ],
)
def test_what_is_refused(rows: object, labels: list[int], message: str) -> None:
    with pytest.raises(DataError, match=message):
        data_scatter(rows, labels)  # type: ignore[arg-type]


def test_rows_without_a_value_are_left_out() -> None:
    figure = data_scatter([[0.0, 1.0], [np.nan, 1.0], [1.0, 0.0]], [0, 1, 1])
    assert len(figure.axes[0].collections[0].get_offsets()) == 2
