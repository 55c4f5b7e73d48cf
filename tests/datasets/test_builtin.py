"""Every built-in data set keeps the same contract."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.datasets import load_breast_cancer, make_circles

from trialstack.datasets.builtin import BUILTIN, parameters_of
from trialstack.datasets.checks import check_rows
from trialstack.datasets.load import load_dataset
from trialstack.errors import DataError
from trialstack.experiment import DatasetSettings

SHAPES = {
    "breast_cancer": ((569, 30), 2),
    "wine": ((178, 13), 3),
    "iris": ((150, 4), 3),
    "digits": ((1797, 64), 10),
    "circles": ((1000, 2), 2),
    "moons": ((1000, 2), 2),
    "blobs": ((1000, 2), 3),
}


def settings(source: str, **params: float) -> DatasetSettings:
    return DatasetSettings.model_validate({"source": source, "params": params})


@pytest.mark.parametrize("name", BUILTIN)
def test_contract(name: str) -> None:
    data = load_dataset(settings(name))
    shape, n_classes = SHAPES[name]
    assert data.name == name
    assert data.source.startswith("sklearn.datasets.")
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
