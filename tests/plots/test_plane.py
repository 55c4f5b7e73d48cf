"""Planes: axes of two features, principal components of more, and the way back to raw rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trialstack.errors import DataError
from trialstack.plots.plane import plane_of

SQUARE = np.array([[-1.0, -1.0], [1.0, 0.5]])


def test_unit_scale_data_get_the_tutorials_margin() -> None:
    plane = plane_of(SQUARE, resolution=100)
    assert (plane.xs[0], plane.xs[-1]) == pytest.approx((-1.1, 1.1))
    assert (plane.ys[0], plane.ys[-1]) == pytest.approx((-1.1, 0.6))
    assert plane.points.shape == (10_000, 2)
    assert plane.points.dtype == np.float32


def test_points_run_along_the_first_axis_from_the_lower_left_corner() -> None:
    plane = plane_of(SQUARE, resolution=2, margin=0.0)
    assert plane.points.tolist() == [[-1, -1], [1, -1], [-1, 0.5], [1, 0.5]]


@pytest.mark.parametrize(
    ("column", "low", "high"),
    [
        ([0.0, 1000.0], -50.0, 1050.0),
        ([0.0, 0.001], -0.00005, 0.00105),
        ([3.0, 3.0], 2.85, 3.15),
        ([0.0, 0.0], -0.1, 0.1),
    ],
)
def test_other_scales_get_a_margin_of_their_own(
    column: list[float], low: float, high: float
) -> None:
    plane = plane_of(np.column_stack([column, [0.0, 1.0]]))
    assert (plane.xs[0], plane.xs[-1]) == pytest.approx((low, high))


def test_the_same_plane_with_fewer_points() -> None:
    fine = plane_of(np.column_stack([SQUARE, [[3.0], [1.0]], [[0.0], [5.0]]]), resolution=9)
    coarse = fine.at_resolution(5)
    assert coarse.resolution == 5
    np.testing.assert_allclose(coarse.xs, fine.xs[::2])
    np.testing.assert_allclose(coarse.ys, fine.ys[::2])
    every_second = fine.points.reshape(9, 9, 4)[::2, ::2].reshape(25, 4)
    np.testing.assert_allclose(coarse.points, every_second, rtol=1e-6, atol=1e-6)
    assert coarse.points.dtype == np.float32
    assert (coarse.caption, coarse.axis_names) == (fine.caption, fine.axis_names)


def test_two_features_are_projected_onto_themselves() -> None:
    plane = plane_of(SQUARE, ["width", "height"])
    assert plane.axis_names == ("width", "height")
    np.testing.assert_array_equal(plane.project(SQUARE), SQUARE)


def diagonal_rows() -> np.ndarray:
    """Three columns: x, its double, and a constant; one direction holds all variance."""
    x = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    return np.column_stack([x + 10.0, 2.0 * x, np.full(5, 7.7)])


def test_principal_components_by_hand() -> None:
    # Standardized, both columns are z = x / sqrt(2), so the first axis is (1, 1, 0) / sqrt(2) and
    # the coordinate sqrt(2) z = x.
    plane = plane_of(diagonal_rows())
    projected = plane.project(diagonal_rows())
    np.testing.assert_allclose(projected[:, 0], [-2, -1, 0, 1, 2], atol=1e-9)
    np.testing.assert_allclose(projected[:, 1], 0.0, atol=1e-9)
    assert plane.caption == "plane of the first two principal components (100 % of variance)"
    assert plane.model_caption == (
        "plane of the first two principal components (100 % of variance); "
        "model evaluated on the points of that plane"
    )
    assert plane.axis_names == ("principal component 1 (100 %)", "principal component 2 (0 %)")


def test_constant_columns_keep_their_value_on_the_plane() -> None:
    plane = plane_of(diagonal_rows())
    np.testing.assert_allclose(plane.points[:, 2], 7.7, rtol=1e-6)


def test_grid_points_project_back_onto_the_grid() -> None:
    rows = np.random.default_rng(0).normal([5, -100, 1e4, 0], [1, 20, 3e3, 1e-3], (60, 4))
    plane = plane_of(rows, resolution=11)
    expected = np.stack(np.meshgrid(plane.xs, plane.ys), axis=-1).reshape(-1, 2)
    np.testing.assert_allclose(plane.project(plane.points), expected, atol=1e-3)


def test_components_agree_with_scikit_learn_and_have_a_fixed_sign() -> None:
    from sklearn.datasets import load_breast_cancer
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    rows = load_breast_cancer().data
    pca = PCA(n_components=2).fit(StandardScaler().fit_transform(rows))
    plane = plane_of(rows)
    directions = plane.projection.directions
    agreement = np.abs(np.sum(directions * pca.components_, axis=1))
    np.testing.assert_allclose(agreement, 1.0, atol=1e-9)
    assert f"{100 * pca.explained_variance_ratio_.sum():.0f} %" in plane.caption
    assert (directions[[0, 1], np.abs(directions).argmax(axis=1)] > 0).all()


def test_more_features_than_rows() -> None:
    rows = np.random.default_rng(1).normal(size=(5, 40))
    directions = plane_of(rows).projection.directions
    np.testing.assert_allclose(directions @ directions.T, np.eye(2), atol=1e-9)


@pytest.mark.parametrize("features", [1, 2, 3, 5])
def test_a_single_row_has_a_plane(features: int) -> None:
    row = np.arange(1.0, features + 1)[None]
    plane = plane_of(row, resolution=3)
    assert np.isfinite(plane.points).all()
    np.testing.assert_allclose(plane.points[4, 0], row[0, 0])  # the middle of the grid


def test_one_feature_spreads_rows_along_a_second_axis_without_a_name() -> None:
    plane = plane_of([[0.0], [1.0], [2.0]], ["dose"], resolution=5)
    assert plane.axis_names == ("dose", "")
    assert plane.points.shape == (25, 1)
    np.testing.assert_allclose(plane.points[:5, 0], plane.xs)
    projected = plane.project([[0.0], [1.0], [2.0]])
    assert projected[:, 0].tolist() == [0.0, 1.0, 2.0]
    assert len(set(projected[:, 1])) == 3


def test_missing_values_count_as_the_middle_of_their_column() -> None:
    rows = diagonal_rows()
    rows = np.vstack([rows, [10.0, np.nan, np.nan]])
    projected = plane_of(rows).project(rows)
    assert np.isfinite(projected).all()
    np.testing.assert_allclose(projected[-1], projected[2], atol=1e-9)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([["a", "b"]], "something other than numbers"),
        ([1.0, 2.0], r"shape \(2,\)"),
        (np.empty((0, 3)), r"shape \(0, 3\)"),
    ],
)
def test_what_is_no_table_of_numbers_is_refused(rows: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        plane_of(rows)  # type: ignore[arg-type]


def test_a_data_frame_names_its_columns() -> None:
    frame = pd.DataFrame(SQUARE, columns=["width", "height"])
    assert plane_of(frame).axis_names == ("width", "height")
    assert plane_of(frame, ["a", "b"]).axis_names == ("a", "b")


def test_rows_of_other_width_are_refused() -> None:
    with pytest.raises(DataError, match="rows have 3 features, but the plane was made of 2"):
        plane_of(SQUARE).project(np.zeros((4, 3)))
    with pytest.raises(DataError, match="got 1 feature names for 2 columns"):
        plane_of(SQUARE, ["width"])


def test_very_many_rows_are_represented_by_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    from trialstack.plots.rows import drawn_rows

    X = np.random.default_rng(0).normal(size=(4000, 4)) * [5.0, 2.0, 1.0, 1.0]
    y = np.arange(4000) % 2
    whole = plane_of(X, resolution=5)
    monkeypatch.setattr("trialstack.plots.plane.MOST_ROWS", 2000)
    monkeypatch.setattr("trialstack.plots.rows.MOST_PROJECTED", 1000)
    plane = plane_of(X, resolution=5)
    assert not np.array_equal(plane.xs, whole.xs), "another plane, of fewer rows"
    np.testing.assert_allclose(plane.projection.scale, whole.projection.scale, rtol=0.1)
    coordinates, labels = drawn_rows(plane, X, y, 2)
    assert len(coordinates) == len(labels) == 500
    np.testing.assert_array_equal(coordinates, drawn_rows(plane, X, y, 2)[0])
    rows = {tuple(row): label for row, label in zip(plane.project(X).round(9), y, strict=True)}
    found = [rows[tuple(row)] for row in coordinates.round(9)]
    assert found == labels.tolist(), "each keeps its own label"
