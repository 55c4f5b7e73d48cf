"""The built-in data sets: one function each, and one line in `BUILTIN`.

The parameters of a function, with their defaults, are what `[dataset.params]` may set. Nothing is
imported before a data set is asked for, so names and parameters can be checked at no cost.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def gaussian_quantiles(
    n_samples: int = 1000,
    n_features: int = 2,
    classes: int = 3,
    noise: float = 0.1,
    seed: int = 42,
) -> Dataset:
    """One round cloud, cut into nested shells of equally many rows, one a class."""
    from sklearn.datasets import make_gaussian_quantiles

    X, y = make_gaussian_quantiles(
        n_samples=n_samples, n_features=n_features, n_classes=classes, random_state=seed
    )
    # A stream apart from that of the rows, which `seed` alone has drawn.
    X = X + np.random.default_rng([seed, 1]).normal(scale=noise, size=X.shape)
    return _generated("gaussian_quantiles", "make_gaussian_quantiles", X, y)


def spirals(
    n_samples: int = 1000,
    classes: int = 2,
    turns: float = 1.25,
    noise: float = 0.05,
    seed: int = 42,
) -> Dataset:
    """Arms that wind around one another, one a class, out to a radius of 1 in so many `turns`."""
    labels = np.arange(n_samples) % classes
    # Evenly along the arm, whose length grows with the square of the radius.
    radius = np.sqrt((np.arange(n_samples) // classes + 1) / -(-n_samples // classes))
    angle = 2 * np.pi * (turns * radius + labels / classes)
    return _drawn("spirals", radius * np.array([np.cos(angle), np.sin(angle)]), labels, noise, seed)


def xor(n_samples: int = 1000, noise: float = 0.1, seed: int = 42) -> Dataset:
    """Four squares around the origin: class 1 where the two features differ in sign."""
    quadrant = np.arange(n_samples) % 4
    signs = np.array([[1, -1, -1, 1], [1, 1, -1, -1]])[:, quadrant]
    sizes = np.random.default_rng([seed, 1]).uniform(0.1, 1, size=signs.shape)  # none on an axis
    return _drawn("xor", signs * sizes, quadrant % 2, noise, seed)


BUILTIN: dict[str, Callable[..., Dataset]] = {
    "breast_cancer": breast_cancer,
    "wine": wine,
    "iris": iris,
    "digits": digits,
    "circles": circles,
    "moons": moons,
    "blobs": blobs,
    "gaussian_quantiles": gaussian_quantiles,
    "spirals": spirals,
    "xor": xor,
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


def _generated(name: str, function: str, X: NDArray[Any], labels: NDArray[Any]) -> Dataset:
    """A data set that scikit-learn draws."""
    return _named(name, f"sklearn.datasets.{function}", X, labels)


def _drawn(
    name: str, points: NDArray[np.float64], labels: NDArray[np.int64], noise: float, seed: int
) -> Dataset:
    """Points of a shape of our own, each moved by normal noise, in shuffled order.

    Args:
        name: Of the data set.
        points: On the shape, shape `(2, rows)`.
        labels: Class of each point, shape `(rows,)`.
        noise: Standard deviation of what is added to each coordinate.
        seed: Of noise and order.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    X = points.T[order] + rng.normal(scale=noise, size=(len(labels), 2))
    return _named(name, f"trialstack.datasets.builtin.{name}", X, labels[order])


def _named(name: str, source: str, X: NDArray[Any], labels: NDArray[Any]) -> Dataset:
    """A generated data set; its columns are named as in the circles tutorial."""
    return tabulate(
        name=name,
        source=source,
        X=X,
        labels=labels,
        feature_names=[f"X{i}" for i in range(X.shape[1])],
        target_name="label",
    )
