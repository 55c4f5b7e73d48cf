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


def test_certainty_is_linear_between_grid_points_up_to_the_borders(plane: Plane) -> None:
    regions = class_regions(plane, plane.points[:, 0], 2, size=100)
    middles = (np.arange(100) + 0.5) / 100  # of pixels; the probability equals x
    np.testing.assert_allclose(regions.certainty[50], np.abs(2 * middles - 1), atol=1e-6)
    assert regions.winner[50].tolist() == [0] * 50 + [1] * 50


def test_three_classes_in_three_stripes(plane: Plane) -> None:
    x = plane.points[:, 0]
    outputs = np.column_stack(
        [np.clip(1 - 2 * x, 0, 1), 1 - np.abs(1 - 2 * x), (2 * x - 1).clip(0)]
    )
    regions = class_regions(plane, outputs, 3, size=60)
    assert regions.winner[30].tolist() == [0] * 15 + [1] * 30 + [2] * 15
    # Between two equal classes the top probability is 1/2: a certainty of (3/2 - 1) / 2.
    assert regions.certainty[30, 14:16] == pytest.approx(0.25, abs=0.03)


def test_a_model_that_says_one_half_everywhere_is_class_0_and_undecided(plane: Plane) -> None:
    regions = class_regions(plane, np.full(25, 0.5), 2, size=8)
    assert not regions.winner.any()
    assert not regions.certainty.any()


def test_too_many_classes_are_refused(plane: Plane) -> None:
    with pytest.raises(DataError, match="2 to 255 can be drawn"):
        class_regions(plane, np.zeros((25, 256)), 256)
