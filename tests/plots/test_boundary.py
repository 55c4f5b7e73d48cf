"""Boundary figures, and the public function for any Keras model."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from trialstack.errors import DataError
from trialstack.plots.boundary import (
    boundary_tile,
    decision_boundary,
    draw_boundary,
    draw_boundary_parts,
)
from trialstack.plots.model_outputs import model_outputs
from trialstack.plots.plane import plane_of
from trialstack.plots.regions import class_regions
from trialstack.plots.style import figure_png

X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
Y = np.array([0, 1, 0, 1])


@dataclass
class Model:
    """Stands in for a Keras model: `output` of the rows, whatever they are."""

    input_shape: Any = (None, 2)
    classes: int = 1

    def __call__(self, rows: np.ndarray, training: bool) -> np.ndarray:
        assert rows.dtype == np.float32
        assert not training
        return np.tile(rows[:, :1], (1, self.classes))


def dense(kernel: list[list[float]], bias: list[float], activation: str) -> Any:
    """A Keras model of one layer with the given weights."""
    import keras

    model = keras.Sequential(
        [keras.Input((len(kernel),)), keras.layers.Dense(len(bias), activation)]
    )
    model.set_weights([np.array(kernel), np.array(bias)])
    return model


def legend_texts(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_axes_legend_caption_and_points() -> None:
    plane = plane_of(X, ["width", "height"])
    figure = draw_boundary(plane, plane.points[:, :1], X, Y, ["no", "yes"], title="final")
    [axes] = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("width", "height")
    assert axes.get_title(loc="left") == "final"
    assert legend_texts(figure) == ["no", "yes"]
    assert figure.get_supxlabel().startswith("plane of the two features\n")
    drawn = {tuple(row) for row in axes.collections[0].get_offsets().tolist()}
    assert drawn == {tuple(row) for row in X.tolist()}
    assert axes.get_xlim() == pytest.approx((-0.1, 1.1))
    assert figure_png(figure)[1:4] == b"PNG"


def test_the_plane_of_components_says_so_in_the_caption() -> None:
    rows = np.random.default_rng(0).normal(size=(30, 5))
    plane = plane_of(rows)
    figure = draw_boundary(plane, plane.points[:, 0], rows, np.zeros(30, int), ["a", "b"])
    caption = figure.get_supxlabel().replace("\n", " ")
    assert "first two principal components" in caption
    assert "model evaluated on the points of that plane" in caption


def test_train_and_test_side_by_side() -> None:
    plane = plane_of(X)
    parts = {"train": (X[:3], Y[:3]), "test": (X[3:], Y[3:])}
    figure = draw_boundary_parts(plane, plane.points[:, :1], parts, ["no", "yes"])
    left, right = figure.axes
    assert [axes.get_title(loc="left") for axes in (left, right)] == ["train", "test"]
    assert [len(axes.collections[0].get_offsets()) for axes in (left, right)] == [3, 1]
    assert left.get_xlim() == right.get_xlim()


def test_a_tile_knows_its_classes_from_the_output() -> None:
    plane = plane_of(X, resolution=10)
    for outputs in (plane.points[:, :1], np.ones((100, 3))):
        image = Image.open(BytesIO(boundary_tile(plane, outputs, X, Y, size=64)))
        assert image.size == (64, 64)


@pytest.mark.parametrize(
    ("labels", "classes", "names"),
    [
        (Y, None, ["0", "1"]),
        (Y, ["no", "yes"], ["no", "yes"]),
        (np.array(["no", "yes", "no", "yes"]), None, ["no", "yes"]),
        (np.array(["b", "a", "b", "a"]), ["b", "a"], ["b", "a"]),
        (np.array([1, 2, 1, 2]), None, ["1", "2"]),
        (np.eye(2)[Y], None, ["0", "1"]),
        (Y[:, None].astype(float), None, ["0", "1"]),
    ],
)
def test_labels_of_every_usual_form(labels: np.ndarray, classes: Any, names: list[str]) -> None:
    model = Model(classes=2 if labels.ndim == 2 and labels.shape[1] == 2 else 1)
    figure = decision_boundary(model, X, labels, classes=classes)
    assert legend_texts(figure) == names
    drawn = figure.axes[0].collections[0]
    colours = {
        tuple(place): tuple(colour)
        for place, colour in zip(
            drawn.get_offsets().tolist(), drawn.get_facecolors().tolist(), strict=True
        )
    }
    assert colours[0.0, 0.0] == colours[0.0, 1.0] != colours[1.0, 0.0]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Model(input_shape=(None, 5)), "the model takes 5 features, but the rows have 2"),
        (Model(input_shape=[(None, 2), (None, 2)]), "only models of one input"),
        (Model(input_shape=(None, 28, 28)), "only models of one input"),
        (Model(classes=3), "got 2 classes for a model that tells 3 apart"),
    ],
)
def test_models_that_do_not_fit_the_rows_are_refused(model: Model, message: str) -> None:
    with pytest.raises(DataError, match=message):
        decision_boundary(model, X, np.array(["no", "yes", "no", "yes"]))


def test_an_unknown_label_is_named() -> None:
    with pytest.raises(DataError, match="label maybe is none of the classes no, yes"):
        decision_boundary(Model(), X, ["no", "yes", "maybe", "no"], classes=["no", "yes"])


def test_several_outputs_are_refused() -> None:
    class TwoHeads(Model):
        def __call__(self, rows: np.ndarray, training: bool) -> Any:
            return {"a": rows, "b": rows}

    with pytest.raises(DataError, match="got a model of 2 outputs; one output of shape"):
        decision_boundary(TwoHeads(), X, Y)


def test_rows_and_labels_that_do_not_fit_are_refused() -> None:
    nan = float("nan")
    cases: list[tuple[Any, Any, str]] = [
        (X, Y[:3], r"got labels of shape \(3,\) for 4 rows; give one a row"),
        (X, [0, 1, nan, 1], "1 of 4 labels are missing; leave out those rows"),
        (X, ["no", "yes", None, "no"], "1 of 4 labels are missing"),
        (X, ["yes"] * 4, "got 1 classes for a model that tells 2 apart; give classes="),
        (X, [], r"got labels of shape \(0,\)"),
        (X[:, 0], Y, r"got an array of shape \(4,\)"),
        ([["a", "b"]], [0], "something other than numbers"),
        ([[nan, 1.0], [0.0, nan]], [0, 1], "each of the 2 rows has a value that is missing"),
    ]
    for rows, labels, message in cases:
        with pytest.raises(DataError, match=message):
            decision_boundary(Model(), rows, labels)


def test_one_class_given_by_its_index_can_be_drawn() -> None:
    assert legend_texts(decision_boundary(Model(), X, [1, 1, 1, 1])) == ["0", "1"]


def test_a_model_that_diverged_is_refused() -> None:
    model = dense([[np.nan], [0.0]], [0.0], "sigmoid")
    with pytest.raises(DataError, match="output is NaN or infinite everywhere; it diverged"):
        decision_boundary(model, X, Y)


def test_what_is_no_keras_model_is_refused() -> None:
    from sklearn.linear_model import LogisticRegression

    with pytest.raises(DataError, match="got a LogisticRegression; give a Keras model"):
        decision_boundary(LogisticRegression(), X, Y)


@pytest.mark.parametrize(
    ("kernel", "bias", "activation"),
    [
        ([[20.0], [0.0]], [-10.0], "sigmoid"),
        ([[2.0], [0.0]], [-0.5], "linear"),  # -0.7 to 1.7, which is rounded
        ([[-10.0, 10.0], [0.0, 0.0]], [5.0, -5.0], "softmax"),
        ([[-10.0, 10.0], [0.0, 0.0]], [5.0, -5.0], "linear"),  # logits
    ],
)
def test_regions_of_a_known_model(
    kernel: list[list[float]], bias: list[float], activation: str
) -> None:
    """The class changes at x = 0.5, in the middle of the picture, whatever the output is."""
    figure = decision_boundary(dense(kernel, bias, activation), X, Y)
    (image,) = figure.axes[0].images
    row = np.asarray(image.get_array()).astype(int)[300]
    (line,) = np.nonzero((row < 60).all(axis=1))
    assert line.tolist() == [511, 512]
    red, _, blue = row.T
    assert (blue[:500] > red[:500]).all()
    assert (red[524:] > blue[524:]).all()
    surer = np.abs(red - blue)
    assert surer[10] > surer[480]
    assert surer[1010] > surer[540]


def test_regions_of_three_classes() -> None:
    """Logits 0, 10 x - 3 and 20 x - 11 change places at x = 0.3 and x = 0.8."""
    model = dense([[0.0, 10.0, 20.0], [0.0, 0.0, 0.0]], [0.0, -3.0, -11.0], "softmax")
    plane = plane_of(X, margin=0.0)
    regions = class_regions(plane, model_outputs(model, plane.points), 3, size=100)
    starts = [int(np.argmax(regions.winner[50] == k)) for k in range(3)]
    assert starts == [0, 30, 80]


def test_train_and_test_of_a_model_side_by_side() -> None:
    labels = np.array(["no", "yes"])[Y]
    figure = decision_boundary(Model(), X[:3], labels[:3], test=(X[3:], labels[3:]), title="net")
    left, right = figure.axes
    assert [axes.get_title(loc="left") for axes in (left, right)] == ["train", "test"]
    assert figure.get_suptitle() == "net"
    assert [len(axes.collections[0].get_offsets()) for axes in (left, right)] == [3, 1]
    assert (
        left.collections[0].get_facecolors()[0] != right.collections[0].get_facecolors()[0]
    ).any()


def test_more_rows_than_are_drawn_are_told() -> None:
    rows = np.random.default_rng(0).normal(size=(501, 2))
    figure = decision_boundary(Model(), rows, np.arange(501) % 2)
    assert figure.get_supxlabel().endswith("of more than 500 rows, 500 are drawn")
    assert len(figure.axes[0].collections[0].get_offsets()) == 500


def test_a_real_keras_model() -> None:
    import keras

    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(3, "softmax")]
    )
    rows = np.random.default_rng(0).normal(size=(20, 3))
    figure = decision_boundary(model, rows, np.arange(20) % 3)
    assert legend_texts(figure) == ["0", "1", "2"]
