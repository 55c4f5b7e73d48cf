"""The elastic net: a penalty on the absolute values and on the squares of the weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras


def elastic_net_penalty(weights: Iterable[NDArray[Any]], l1: float, l2: float) -> float:
    """What the elastic net adds to the loss.

    ``l1 * sum(|w|) + l2 * sum(w ** 2)`` over all entries ``w`` of all arrays. As in Keras, the
    squares are not halved.

    Args:
        weights: Kernels and biases, of any shapes.
        l1: Factor of the absolute values, from 0.
        l2: Factor of the squares, from 0.

    Reference:
        Zou and Hastie (2005), "Regularization and variable selection via the elastic net",
        Journal of the Royal Statistical Society B 67(2), equation 3.

    >>> elastic_net_penalty([np.array([3.0, -4.0])], l1=0.5, l2=0.25)
    9.75
    """
    arrays = [np.asarray(array, dtype=np.float64) for array in weights]
    absolute = sum(float(np.abs(array).sum()) for array in arrays)
    squares = sum(float(np.square(array).sum()) for array in arrays)
    return l1 * absolute + l2 * squares


def regularizers(l1: float | None, l2: float | None) -> dict[str, keras.regularizers.L1L2]:
    """The keyword arguments of a `Dense` layer that put the penalty on its kernel and its bias.

    Args:
        l1: Factor of the absolute values; None = this part is not wanted.
        l2: Factor of the squares; None = this part is not wanted.

    Returns:
        Nothing where both are None. A factor of 0 makes a penalty that is 0, so that trials of one
        search differ in numbers alone and not in how their models are made.
    """
    if l1 is None and l2 is None:
        return {}
    import keras

    return {
        place: keras.regularizers.L1L2(l1=l1 or 0.0, l2=l2 or 0.0)
        for place in ("kernel_regularizer", "bias_regularizer")
    }
