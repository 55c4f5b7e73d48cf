"""Encodings of numbers that make multilayer perceptrons strong on tables, as Keras layers.

Each encoding is learned from rows, and is then a small Keras model of stock layers and operations
with nothing to train. It changes the numbers among the features and passes on the others. Where
values lie in their column is worked out by a subtraction and a division of each value, not by a
matrix: so the result does not depend on the size of batches, and hardly on the processor.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from trialstack.datasets.chosen_rows import ChosenRows
from trialstack.preprocessing.curves import (
    Knots,
    Spread,
    knots_of,
    normal_heights,
    uniform_heights,
)
from trialstack.preprocessing.prepared import Matrix

if TYPE_CHECKING:
    import keras

SKEWED = 1.0
"""Skewness (third standardised moment) from which on a column's long tail is drawn in."""

MOST_BINS = 16
"""Of the piecewise-linear encoding, a column."""

ROWS_OF_A_BIN = 10
"""Training rows in a bin at least, so that its weight can be learned."""

MOST_BIN_FEATURES = 2048
"""That all columns together become by the piecewise-linear encoding."""

MOST_ROWS = 100_000
"""That an encoding is learned from; of more, a sample tells quantiles as well."""

MOST_PIECES = 64
"""Of a quantile curve."""


def make_encoding(name: str, X: Matrix | ChosenRows, n_numeric: int) -> keras.Model:
    """Learns an encoding.

    Encodings:
        `standard`: Mean 0 and variance 1, after the inverse hyperbolic sine of columns with a long
            tail.
        `robust`: Median 0 and distance of the quartiles 1, outliers bent towards 3.
        `quantile`: Quantiles of the training rows become those of a normal variable.
        `uniform`: Quantiles become evenly spaced.
        `ple`: Piecewise-linear encoding: a column becomes one feature for each of up to 16 bins of
            equally many rows, which rises from 0 to 1 within the bin.

    Shapes:
        Input `(rows, features)`, output the same; with `ple`, `(rows, bins + other features)`.

    Args:
        name: See above.
        X: Training rows, shape `(rows, features)`.
        n_numeric: How many of the first features are numbers, which alone are encoded.

    Reference:
        Gorishniy, Rubachev and Babenko (2022), "On embeddings for numerical features in tabular
        deep learning", NeurIPS, equation 1, with all bins closed on both sides: `ple`.
        Holzmüller, Grinsztajn and Steinwart (2024), "Better by default: strong pre-tuned MLPs and
        boosted trees on tabular data", NeurIPS, section 3: `robust`.
    """
    import keras

    few: Any = slice(None)
    if len(X) > MOST_ROWS:
        few = np.sort(np.random.default_rng(0).choice(len(X), MOST_ROWS, replace=False))
    X = X[few]
    inputs = keras.Input((X.shape[1],), name="features")
    encoded = keras.layers.Identity()(inputs)
    if n_numeric:
        encoded = _MAKERS[name](X[:, :n_numeric], inputs[:, :n_numeric])
    if 0 < n_numeric < X.shape[1]:
        encoded = keras.layers.Concatenate()([encoded, inputs[:, n_numeric:]])
    model = keras.Model(inputs, encoded, name=f"{name}_encoding")
    _made.add(model)
    return model


def is_encoding(layer: Any) -> bool:
    """Whether a layer was made by `make_encoding`.

    Such a layer treats every row by itself and has nothing to learn, so what it makes of the rows
    of a search need be worked out only once.
    """
    return layer in _made


_made: weakref.WeakSet[Any] = weakref.WeakSet()


def _standard(X: Matrix, values: Any) -> Any:
    from keras import ops
    from scipy.stats import skew

    spread = Spread.of(X)
    changing = X.max(axis=0) > X.min(axis=0)
    skewness = np.zeros(X.shape[1])
    skewness[changing] = skew(X[:, changing].astype(np.float64), axis=0)
    skewed = np.abs(skewness) > SKEWED
    if skewed.any():
        bent = np.arcsinh((X - spread.middle) / spread.width)
        X = np.where(skewed, bent, X).astype(np.float32)
        drawn_in = ops.arcsinh(_scaled(values, spread.middle, spread.width))
        values = ops.where(skewed[np.newaxis], drawn_in, values)
    scale = X.std(axis=0, dtype=np.float64)
    return _scaled(values, X.mean(axis=0, dtype=np.float64), np.where(scale > 0, scale, 1.0))


def _robust(X: Matrix, values: Any) -> Any:
    from keras import ops

    spread = Spread.of(X)
    scaled = _scaled(values, spread.middle, spread.width)
    return scaled / ops.sqrt(1.0 + ops.square(scaled / 3.0))


def _quantile(X: Matrix, values: Any) -> Any:
    return _curves(X, values, normal_heights)


def _uniform(X: Matrix, values: Any) -> Any:
    return _curves(X, values, uniform_heights)


def _curves(X: Matrix, values: Any, heights: Callable[[Knots, int], NDArray[np.float64]]) -> Any:
    """The sum of ramps, each as high as the curve rises along its piece."""
    import keras

    pieces = min(MOST_PIECES, max(1, len(X) - 1))
    knots = [knots_of(column, pieces) for column in X.T]
    most = max(len(own.widths) for own in knots)
    levels = [heights(own, pieces) for own in knots]
    steps = [np.pad(np.diff(level), (0, most - len(level) + 1)) for level in levels]
    lowest = np.array([level[0] for level in levels])
    if not most:
        return _constant(values, lowest)
    ramps = _ramps(values, [own.padded(most) for own in knots])
    weighted = keras.layers.Rescaling(np.concatenate(steps).astype(np.float32).tolist())(ramps)
    of_columns = keras.layers.Reshape((X.shape[1], most))(weighted)
    return keras.ops.sum(of_columns, axis=2) + lowest[np.newaxis].astype(np.float32)


def _ple(X: Matrix, values: Any) -> Any:
    bins = min(MOST_BINS, len(X) // ROWS_OF_A_BIN, MOST_BIN_FEATURES // X.shape[1])
    knots = [knots_of(column, max(1, bins)) for column in X.T]
    if not any(len(own.widths) for own in knots):
        return _constant(values, np.zeros(X.shape[1]))
    return _ramps(values, knots)


def _ramps(values: Any, knots: Sequence[Knots]) -> Any:
    """For each piece of each column a feature that rises from 0 to 1 along it."""
    import keras

    column = np.repeat(np.arange(len(knots)), [len(own.widths) for own in knots])
    starts = np.concatenate([own.starts for own in knots])
    widths = np.concatenate([own.widths for own in knots])
    repeated = keras.ops.take(values, column.astype(np.int32), axis=1)
    return keras.layers.ReLU(max_value=1.0)(_scaled(repeated, starts, widths))


def _scaled(values: Any, middle: NDArray[np.float64], width: NDArray[np.float64]) -> Any:
    """As `keras.layers.Normalization`, which takes no width below 1e-7 for what it is."""
    centred = values - middle[np.newaxis].astype(np.float32)
    return centred / width[np.newaxis].astype(np.float32)


def _constant(values: Any, constants: NDArray[np.float64]) -> Any:
    """The same numbers in each row: what becomes of columns that never change."""
    return values * 0.0 + constants[np.newaxis].astype(np.float32)


_MAKERS: dict[str, Callable[[Matrix, Any], Any]] = {
    "standard": _standard,
    "robust": _robust,
    "quantile": _quantile,
    "uniform": _uniform,
    "ple": _ple,
}
"""Name -> a function of training rows and symbolic values. A new encoding is one and a line."""

ENCODINGS = tuple(_MAKERS)
