"""Every built-in data set keeps the same contract."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.datasets import load_breast_cancer, make_circles

from trialstack.datasets.builtin import BUILTIN, parameters_of
from trialstack.datasets.checks import check_rows
from trialstack.datasets.load import load_dataset
from trialstack.errors import DataError, ExperimentError
from trialstack.experiment import DatasetSettings, Experiment

SHAPES = {
    "breast_cancer": ((569, 30), 2),
    "wine": ((178, 13), 3),
    "iris": ((150, 4), 3),
    "digits": ((1797, 64), 10),
    "circles": ((1000, 2), 2),
    "moons": ((1000, 2), 2),
    "blobs": ((1000, 2), 3),
    "gaussian_quantiles": ((1000, 2), 3),
    "spirals": ((1000, 2), 2),
    "xor": ((1000, 2), 2),
}


def settings(source: str, **params: float) -> DatasetSettings:
    return DatasetSettings.model_validate({"source": source, "params": params})


@pytest.mark.parametrize("name", BUILTIN)
def test_contract(name: str) -> None:
    data = load_dataset(settings(name))
    shape, n_classes = SHAPES[name]
    assert data.name == name
    assert data.source.startswith(("sklearn.datasets.", f"trialstack.datasets.builtin.{name}"))
    assert data.X.shape == shape
    assert data.X.dtype == np.float32
    assert data.y.shape == shape[:1]
    assert data.y.dtype == np.int64
    assert data.classes == tuple(range(n_classes))
    assert (data.n_features, data.n_classes) == (shape[1], n_classes)
    assert len(set(data.feature_names)) == shape[1]
    assert all(type(column) is str for column in data.feature_names)
    assert set(np.unique(data.y)) == set(range(n_classes))
    again = load_dataset(settings(name))
    assert np.array_equal(data.X, again.X)
    assert all("tells nothing" in warning for warning in check_rows(data))


def test_breast_cancer_is_scikit_learns() -> None:
    data = load_dataset(settings("breast_cancer"))
    X, y = load_breast_cancer(return_X_y=True)
    assert np.array_equal(data.X, X.astype(np.float32))
    assert np.array_equal(data.y, y)
    assert data.feature_names[:2] == ("mean radius", "mean texture")


def test_circles_are_the_tutorials() -> None:
    data = load_dataset(settings("circles"))
    X, y = make_circles(n_samples=1000, noise=0.03, random_state=42)
    assert np.array_equal(data.X, X.astype(np.float32))
    assert np.array_equal(data.y, y)
    assert data.feature_names == ("X0", "X1")
    assert np.bincount(data.y).tolist() == [500, 500]


def test_parameters_reach_the_generator() -> None:
    small = load_dataset(settings("circles", n_samples=50, noise=0, factor=0.5))
    radii = np.unique(np.round(np.hypot(*small.X.T), 5))
    assert radii.tolist() == [0.5, 1.0]
    other_seed = load_dataset(settings("moons", seed=1))
    assert not np.array_equal(other_seed.X, load_dataset(settings("moons")).X)
    assert load_dataset(settings("blobs", centers=4, n_features=3)).X.shape == (1000, 3)


@pytest.mark.parametrize(
    ("name", "params", "counts"),
    [
        ("moons", {"n_samples": 100}, [50, 50]),
        ("blobs", {"n_samples": 100, "centers": 4}, [25] * 4),
        ("gaussian_quantiles", {"n_samples": 100, "classes": 4}, [25] * 4),
        ("spirals", {"n_samples": 100, "classes": 3}, [34, 33, 33]),
        ("xor", {"n_samples": 102}, [51, 51]),
    ],
)
def test_generated_rows(name: str, params: dict[str, float], counts: list[int]) -> None:
    data = load_dataset(settings(name, **params))
    assert np.bincount(data.y).tolist() == counts
    assert not np.array_equal(data.y, np.sort(data.y))  # the last rows are of all classes
    again = load_dataset(settings(name, **params))
    assert np.array_equal(data.X, again.X)
    assert np.array_equal(data.y, again.y)
    other = load_dataset(settings(name, **params, seed=43))
    assert not np.array_equal(data.X, other.X)


def test_moons_without_noise_are_half_circles() -> None:
    data = load_dataset(settings("moons", noise=0))
    upper, lower = data.X[data.y == 0], data.X[data.y == 1]
    assert np.hypot(*upper.T) == pytest.approx(1, abs=1e-6)
    assert np.hypot(*(lower - [1, 0.5]).T) == pytest.approx(1, abs=1e-6)
    assert upper[:, 1].min() >= -1e-6
    assert lower[:, 1].max() <= 0.5 + 1e-6


def test_blobs_without_noise_are_points() -> None:
    data = load_dataset(settings("blobs", cluster_std=0, centers=4))
    assert len(np.unique(data.X, axis=0)) == 4


def test_gaussian_quantiles_without_noise_are_nested_shells() -> None:
    data = load_dataset(settings("gaussian_quantiles", noise=0, classes=4))
    radii = np.linalg.norm(data.X, axis=1)
    for inner in range(3):
        assert radii[data.y == inner].max() <= radii[data.y == inner + 1].min()
    # Half of a round cloud in two dimensions lies within a radius of sqrt(2 ln 2).
    assert radii[data.y == 1].max() == pytest.approx(np.sqrt(2 * np.log(2)), abs=0.1)


@pytest.mark.parametrize("classes", [2, 3])
def test_spirals_without_noise_turn_with_their_radius(classes: int) -> None:
    data = load_dataset(settings("spirals", n_samples=300, classes=classes, turns=1.5, noise=0))
    radii, angles = np.hypot(*data.X.T), np.arctan2(*data.X.T[::-1])
    assert radii.max() == pytest.approx(1, abs=1e-6)
    # What the radius does not explain of the angle, in whole arms: each class is one arm.
    arms = (angles / (2 * np.pi) - 1.5 * radii) * classes
    assert np.abs((arms - data.y + classes / 2) % classes - classes / 2).max() < 1e-4
    # Evenly along the arm: half of an arm's rows are beyond a radius of sqrt(1 / 2).
    assert np.mean(radii**2 > 0.5) == pytest.approx(0.5, abs=0.01)


def test_xor_without_noise_is_the_difference_of_signs() -> None:
    data = load_dataset(settings("xor", noise=0))
    assert np.array_equal(data.y, (data.X[:, 0] > 0) != (data.X[:, 1] > 0))
    assert np.abs(data.X).min() >= 0.1
    assert np.abs(data.X).max() <= 1
    quadrants = 2 * (data.X[:, 0] > 0) + (data.X[:, 1] > 0)
    assert np.bincount(quadrants).tolist() == [250] * 4


@pytest.mark.parametrize("name", ["moons", "gaussian_quantiles", "spirals", "xor"])
def test_noise_is_the_standard_deviation_of_what_is_added(name: str) -> None:
    still, moved = (load_dataset(settings(name, noise=noise)) for noise in (0, 0.25))
    assert np.array_equal(still.y, moved.y)
    assert (moved.X - still.X).std() == pytest.approx(0.25, rel=0.05)


@pytest.mark.parametrize(
    ("name", "key", "value", "said"),
    [
        ("moons", "noise", -0.1, "-0.1 came; allowed: a number from 0"),
        ("xor", "n_samples", 0, "0 came; allowed: an integer from 1 to "),
        ("xor", "noise", float("inf"), "{noise = inf} came; allowed: a table without nan and inf"),
        ("spirals", "classes", 1, "1 came; allowed: an integer from 2 to 20"),
        ("spirals", "turns", 0, "0 came; allowed: a number from 0.1 to 10"),
        ("spirals", "n_features", 3, "no such parameter; allowed: n_samples, classes, turns, "),
        ("gaussian_quantiles", "seed", -1, "-1 came; allowed: an integer from 0 to "),
        ("gaussian_quantiles", "n_samples", 2, "2 came; allowed: an integer from 3, one row for "),
        ("gaussian_quantiles", "n_features", 10**5, "100000 came; allowed: rows x (features + "),
        ("wine", "n_samples", 10, "no such parameter; allowed: none: 'wine' has no parameters"),
    ],
)
def test_a_bad_parameter_is_one_line_that_names_the_key(
    name: str, key: str, value: float, said: str
) -> None:
    tables = {"name": "a", "dataset": {"source": name, "params": {key: value}}}
    with pytest.raises(ExperimentError) as caught:
        Experiment.from_dict(tables | {"hypermodel": {"units": [4]}})
    line = str(caught.value)
    assert "\n" not in line
    assert f"'dataset.params.{key}'" in line or "'dataset.params'" in line
    assert said in line


VALUES = [-1, 0, 1, 2, 1000, 0.0, 1e-300, 1 - 1e-9, 1.0, 1.5, 1e299]


@pytest.mark.parametrize(
    ("name", "parameter"), [(name, key) for name in BUILTIN for key in parameters_of(name)]
)
def test_what_is_allowed_can_be_generated(name: str, parameter: str) -> None:
    """The limits of every parameter are at least as narrow as scikit-learn's own."""
    taken = 0
    for value in VALUES:
        try:
            chosen = settings(name, **{"n_samples": 50, parameter: value})
        except ValidationError:
            continue
        load_dataset(chosen)
        taken += 1
    assert 0 < taken < len(VALUES)


def test_what_a_generator_refuses_is_told_with_the_key() -> None:
    chosen = settings("circles")
    chosen.params["factor"] = 1.5
    with pytest.raises(DataError) as caught:
        load_dataset(chosen, lambda key: f"where {key} stands")
    line = str(caught.value)
    start = "where dataset.params.factor stands: key 'dataset.params.factor': 1.5 came; "
    assert line.startswith(start)
    assert "[0.0, 1.0)" in line
    chosen = settings("circles")
    chosen.params["seed"] = -1
    with pytest.raises(DataError, match=r"^experiment: key 'dataset\.params\.seed': -1 came; "):
        load_dataset(chosen)


def test_bundled_data_has_no_parameters() -> None:
    assert parameters_of("iris") == {}
