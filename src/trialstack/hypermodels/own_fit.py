"""Hypermodels that override `HyperModel.fit`, and the batch size that they may choose."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator
from typing import Any

import keras_tuner


def has_own_fit(hypermodel: Any) -> bool:
    """Whether a hypermodel trains in its own way."""
    return type(hypermodel).fit is not keras_tuner.HyperModel.fit


def offer_batch_size(hypermodel: Any) -> None:
    """Lets a `fit` of its own choose a batch size although it is called with one.

    Keras Tuner's guide tunes it by `model.fit(*args, batch_size=hp.Choice(...), **kwargs)`, which
    Python refuses when `kwargs` has a batch size too. So it is taken out of them, and `model.fit`
    uses it where it is called without. A `fit` that names the argument is given it as it came.
    """
    own_fit = hypermodel.fit
    if not has_own_fit(hypermodel) or "batch_size" in inspect.signature(own_fit).parameters:
        return

    def fit(hp: Any, model: Any, *args: Any, batch_size: int | None = None, **kwargs: Any) -> Any:
        with _used_by_default(model, batch_size):
            return own_fit(hp, model, *args, **kwargs)

    hypermodel.fit = fit


@contextlib.contextmanager
def _used_by_default(model: Any, batch_size: int | None) -> Iterator[None]:
    """Makes `model.fit` take a batch size, unless it is called with one."""
    given_fit, replaced = model.fit, vars(model).get("fit")

    def fit(x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        if not args and _are_arrays(x):
            kwargs.setdefault("batch_size", batch_size)
        return given_fit(x, y, *args, **kwargs)

    object.__setattr__(model, "fit", fit)  # past Keras, which would track it
    try:
        yield
    finally:
        vars(model).pop("fit", None)
        if replaced is not None:
            object.__setattr__(model, "fit", replaced)


def _are_arrays(x: Any) -> bool:
    """Whether they can be cut into batches: a `tf.data.Dataset` has batches of its own."""
    import keras

    leaves = keras.tree.flatten(x)
    return bool(leaves) and all(hasattr(leaf, "shape") for leaf in leaves)
