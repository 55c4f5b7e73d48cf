"""The built-in data sets: one function each, and one line in `BUILTIN`.

The parameters of a function, with their defaults, are what `[dataset.params]` may set. Nothing is
imported before a data set is asked for, so names and parameters can be checked at no cost.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from trialstack.datasets.base import Dataset, tabulate


def breast_cancer() -> Dataset:
    """569 tumours by 30 measurements of their cell nuclei: 0 = malignant, 1 = benign."""
    return _bundled("breast_cancer")


def wine() -> Dataset:
    """178 wines of three growers by 13 chemical measurements."""
    return _bundled("wine")


def iris() -> Dataset:
    """150 irises of three species by 4 lengths and widths."""
    return _bundled("iris")


def digits() -> Dataset:
    """1,797 handwritten digits, 8 x 8 pixels each."""
    return _bundled("digits")


def circles(
    n_samples: int = 1000, noise: float = 0.03, factor: float = 0.8, seed: int = 42
) -> Dataset:
    """Two rings, one inside the other; `factor` (0 to below 1) is the ratio of their radii."""
    from sklearn.datasets import make_circles

    X, y = make_circles(n_samples, noise=noise, factor=factor, random_state=seed)
    return _generated("circles", "make_circles", X, y)


def moons(n_samples: int = 1000, noise: float = 0.2, seed: int = 42) -> Dataset:
    """Two interlocking half circles."""
    from sklearn.datasets import make_moons

    X, y = make_moons(n_samples, noise=noise, random_state=seed)
    return _generated("moons", "make_moons", X, y)


def blobs(
    n_samples: int = 1000,
    n_features: int = 2,
    centers: int = 3,
    cluster_std: float = 1.0,
    seed: int = 42,
) -> Dataset:
    """Round clouds of points, one a class."""
    from sklearn.datasets import make_blobs

    X, y = make_blobs(
        n_samples, n_features, centers=centers, cluster_std=cluster_std, random_state=seed
    )
    return _generated("blobs", "make_blobs", X, y)


BUILTIN: dict[str, Callable[..., Dataset]] = {
    "breast_cancer": breast_cancer,
    "wine": wine,
    "iris": iris,
    "digits": digits,
    "circles": circles,
    "moons": moons,
    "blobs": blobs,
}


def parameters_of(name: str) -> dict[str, Any]:
    """The parameters of a built-in data set with their defaults.

    >>> parameters_of("circles")
    {'n_samples': 1000, 'noise': 0.03, 'factor': 0.8, 'seed': 42}
    """
    return {p.name: p.default for p in inspect.signature(BUILTIN[name]).parameters.values()}


def _bundled(name: str) -> Dataset:
    """A data set that comes with scikit-learn."""
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    return tabulate(
        name=name,
        source=f"sklearn.datasets.load_{name}",
        X=bunch.data,
        labels=bunch.target,
        feature_names=bunch.feature_names,
        target_name="target",
    )


def _generated(name: str, function: str, X: Any, labels: Sequence[int]) -> Dataset:
    """A data set that scikit-learn draws; its features are named as in the circles tutorial."""
    return tabulate(
        name=name,
        source=f"sklearn.datasets.{function}",
        X=X,
        labels=labels,
        feature_names=[f"X{i}" for i in range(X.shape[1])],
        target_name="label",
    )
