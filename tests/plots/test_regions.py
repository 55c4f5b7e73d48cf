"""Model outputs as probabilities, and probabilities as class regions."""

from __future__ import annotations

import numpy as np
import pytest

from trialstack.errors import DataError
from trialstack.plots.plane import Plane, plane_of
from trialstack.plots.regions import class_probabilities, class_regions


@pytest.fixture
def plane() -> Plane:
    return plane_of([[0.0, 0.0], [1.0, 1.0]], resolution=5, margin=0.0)


def test_binary_outputs_are_clipped_and_nan_is_undecided() -> None:
    probabilities = class_probabilities([[-3.0], [0.25], [7.0], [np.nan], [np.inf]], 5, 2)
    assert probabilities[:, 1].tolist() == [0.0, 0.25, 1.0, 0.5, 0.5]


def test_flat_and_two_column_outputs_of_binary_models() -> None:
    flat = class_probabilities([0.25, 1.0], 2, 2)
    columns = class_probabilities([[0.75, 0.25], [0.0, 1.0]], 2, 2)
    np.testing.assert_array_equal(flat, columns)


def test_one_vs_rest_outputs_are_divided_by_their_sum() -> None:
    assert class_probabilities([[0.5, 0.5, 1.0]], 1, 3).tolist() == [[0.25, 0.25, 0.5]]


def test_logits_go_through_softmax() -> None:
    logits = np.log([[1.0, 2.0, 5.0]]) + 3.0
    np.testing.assert_allclose(
        class_probabilities(logits, 1, 3), [[1 / 8, 2 / 8, 5 / 8]], rtol=1e-6
    )


def test_all_zero_and_nan_rows_are_undecided() -> None:
    probabilities = class_probabilities([[0.0, 0.0, 0.0], [np.nan, 1.0, 0.0]], 2, 3)
    np.testing.assert_allclose(probabilities, np.full((2, 3), 1 / 3), rtol=1e-6)


@pytest.mark.parametrize(
    ("outputs", "n_classes"),
    [(np.zeros((4, 1)), 3), (np.zeros((3, 1)), 2), (np.zeros((4, 3)), 2), (np.zeros((4, 1, 1)), 2)],
)
def test_outputs_of_another_shape_are_refused(outputs: np.ndarray, n_classes: int) -> None:
    with pytest.raises(DataError, match="the model's output has shape"):
        class_probabilities(outputs, 4, n_classes)


def test_the_top_row_of_the_picture_is_the_largest_y(plane: Plane) -> None:
    regions = class_regions(plane, plane.points[:, 1], 2, size=64)
    assert regions.winner[0].tolist() == [1] * 64
    assert regions.winner[-1].tolist() == [0] * 64


MIDDLES = (np.arange(100) + 0.5) / 100  # of pixels


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-logits)))


@pytest.mark.parametrize(("slope", "steps"), [(1, 256), (4, 256), (20, 32)])
def test_logits_are_interpolated_up_to_the_borders(plane: Plane, slope: int, steps: int) -> None:
    """Four cells are enough for a sigmoid of a linear function, however steep it is."""
    x, y = plane.points.T
    regions = class_regions(plane, sigmoid(slope * (x - 0.2 - y / 2)), 2, size=100, steps=steps)
    logits = slope * (MIDDLES - 0.2 - MIDDLES[::-1, None] / 2)
    certainty = np.abs(2 * sigmoid(logits) - 1) * (steps - 1)
    assert np.abs(regions.certainty - certainty).max() < 0.51, "rounded to the nearest step"
    np.testing.assert_array_equal(regions.winner, logits > 1e-9)


def test_a_linear_output_is_interpolated_itself(plane: Plane) -> None:
    """Its probability has a bend between two grid points, where the output passes 1."""
    outputs = 2 * plane.points[:, 0] - 0.25
    regions = class_regions(plane, outputs, 2, size=100)
    certainty = 255 * np.abs(2 * (2 * MIDDLES - 0.25) - 1).clip(0, 1)
    assert np.abs(regions.certainty[50] - certainty).max() < 0.51
    assert regions.winner[50].tolist() == [0] * 38 + [1] * 62  # 0.5 at x = 0.375, a middle


def test_missing_values_of_a_linear_output_are_undecided(plane: Plane) -> None:
    outputs = np.where(plane.points[:, 0] == 1.0, np.nan, 1.5)
    regions = class_regions(plane, outputs, 2, size=100)
    assert regions.certainty[50, 0] == 255
    assert regions.certainty[50, 99] == 10  # 0.02 of a cell before it: 0.04 of 255


def test_a_picture_taller_than_a_band_has_no_seams() -> None:
    """Three classes around a point, on 150 rows of pixels."""
    plane = plane_of([[0.0, 0.0], [1.0, 1.0]], resolution=33, margin=0.0)
    x, y = plane.points.T
    logits = 8 * np.column_stack([x - 0.5, y - 0.6, 0.4 - x - y / 3])
    regions = class_regions(plane, logits, 3, size=150)
    across = (np.arange(150) + 0.5) / 150
    column, row = np.meshgrid(across, across[::-1])
    exact = np.stack([column - 0.5, row - 0.6, 0.4 - column - row / 3])
    sharp = np.sort(exact, axis=0)
    clear = sharp[2] - sharp[1] > 0.02  # of three, one logit against the rest bends a little
    assert clear.mean() > 0.9
    np.testing.assert_array_equal(regions.winner[clear], exact.argmax(axis=0)[clear])


def test_three_classes_in_three_stripes(plane: Plane) -> None:
    x = plane.points[:, 0]
    outputs = np.column_stack([-20 * x, -20 * np.abs(x - 0.5), -20 * (1 - x)])
    regions = class_regions(plane, outputs, 3, size=60)
    assert regions.winner[30].tolist() == [0] * 15 + [1] * 30 + [2] * 15
    # Between two equal classes the top probability is 1/2: a certainty of (3/2 - 1) / 2, and the
    # pixels beside, 1/120 away, are a third of a logit away: a probability of 0.58.
    assert regions.certainty[30, 14:16] / 255 == pytest.approx(0.37, abs=0.01)
    assert regions.certainty[30, [0, 30, 59]].min() > 250


def test_classes_that_win_nowhere_do_not_appear(plane: Plane) -> None:
    outputs = np.tile([0.0, 0.1, 0.7, 0.2], (25, 1))
    regions = class_regions(plane, outputs, 4, size=8)
    assert np.unique(regions.winner).tolist() == [2]
    assert np.unique(regions.certainty).tolist() == [153]  # (4 * 0.7 - 1) / 3 of 255


def test_a_model_that_says_one_half_everywhere_is_class_0_and_undecided(plane: Plane) -> None:
    regions = class_regions(plane, np.full(25, 0.5), 2, size=8)
    assert not regions.winner.any()
    assert not regions.certainty.any()


def test_too_many_classes_are_refused(plane: Plane) -> None:
    with pytest.raises(DataError, match="2 to 255 can be drawn"):
        class_regions(plane, np.zeros((25, 256)), 256)
