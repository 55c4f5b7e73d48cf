"""The order of rows: one order an epoch for all trials of a search.

Differences between trials then come from their hyperparameters alone, and trials that are trained
together can share one pass over the data.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.executors.batches import (
    Orders,
    batches_of,
    can_be_cut,
    number_of_rows,
    rows_from,
    tensors_of,
)

BATCH_SIZE = 32
"""Keras' own default."""


def epoch_order(search_seed: int, epoch: int, rows: int) -> NDArray[np.int64]:
    """Positions of the rows in the order in which an epoch visits them.

    Args:
        search_seed: Seed of the search.
        epoch: The trial's own epoch, from 0.
        rows: Number of training rows.

    Returns:
        A permutation of `0 .. rows - 1`, shape `(rows,)`.

    Example:
        >>> epoch_order(42, 0, 5).tolist() == epoch_order(42, 0, 5).tolist()
        True
        >>> sorted(epoch_order(42, 1, 5).tolist())
        [0, 1, 2, 3, 4]
    """
    return np.random.default_rng([search_seed, epoch]).permutation(rows)


class OrderedFit:
    """Stands in for `model.fit` and feeds it the rows in the search's order.

    Arrays and pandas tables are cut into batches here, by `epoch_order`; everything else about the
    training stays Keras' own. What has an order of its own already (a `tf.data.Dataset`, a
    `PyDataset`, a generator), `steps_per_epoch`, and what Keras refuses are handed on as they came.

    The batches depend on the data, the batch size and the seed only, so they are made once and
    shared by all trials that an object of this class feeds, until it is given other data.

    Args:
        search_seed: Seed of the search.
    """

    def __init__(self, search_seed: int) -> None:
        self._search_seed = search_seed
        self._data: tuple[Any, ...] = ()
        self._tensors: Any = None  # of that data
        self._batches: dict[tuple[Any, ...], Any] = {}  # of those tensors

    def attach(self, model: Any) -> None:
        """Makes `model.fit` feed rows in order, unless its class has a `fit` of its own."""
        import keras

        if type(model).fit is keras.Model.fit:
            # Past `Layer.__setattr__`, which would track the function as part of the model.
            object.__setattr__(model, "fit", self._bound(model))

    @staticmethod
    def detach(model: Any) -> None:
        """Gives a model its own `fit` back."""
        vars(model).pop("fit", None)

    def _bound(self, model: Any) -> Callable[..., Any]:
        def fit(x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
            arguments = dict(zip(_FIT_ARGUMENTS[2:], args, strict=False)) | kwargs
            return self._fit(model, x, y, arguments)

        return fit

    def _fit(self, model: Any, x: Any, y: Any, arguments: dict[str, Any]) -> Any:
        original = type(model).fit
        if arguments.get("steps_per_epoch") is not None or not can_be_cut(x, y, arguments):
            return original(model, x, y, **arguments)
        rows = number_of_rows(x)
        sample_weight = arguments.pop("sample_weight", None)
        class_weight = arguments.pop("class_weight", None)
        split = arguments.pop("validation_split", 0.0)
        if split and arguments.get("validation_data") is None:
            rows = validation_border(rows, split)
            arguments["validation_data"] = tuple(
                rows_from(part, rows) for part in (x, y, sample_weight) if part is not None
            )
        # Keras defaults the validation's batch size to the training's, which is None from here on.
        batch_size = arguments.pop("batch_size", None) or BATCH_SIZE
        if arguments.get("validation_data") is not None:
            arguments["validation_batch_size"] = (
                arguments.get("validation_batch_size") or batch_size
            )
        shuffle = bool(arguments.pop("shuffle", True))
        first_epoch = arguments.get("initial_epoch", 0)
        self._take(x, y, sample_weight, class_weight)
        batches = self._dataset(rows, batch_size, shuffle, first_epoch)
        steps = -(-rows // batch_size)
        return original(model, batches, steps_per_epoch=steps, shuffle=False, **arguments)

    def _take(self, *data: Any) -> None:
        """Makes tensors of data, unless they are the same as before."""
        if len(self._data) == len(data) and all(map(operator.is_, self._data, data)):
            return
        self._data, self._batches = data, {}
        self._tensors = tensors_of(*data)

    def _dataset(self, rows: int, batch_size: int, shuffle: bool, first: int) -> Any:
        key = (rows, batch_size, shuffle, first)
        if key not in self._batches:
            order = self._order(rows, first, shuffle)
            self._batches[key] = batches_of(self._tensors, rows, batch_size, order)
        return self._batches[key]

    def _order(self, rows: int, first_epoch: int, shuffle: bool) -> Orders:
        seed = self._search_seed  # TensorFlow keeps the function, which must not keep the rows

        def orders() -> Iterator[NDArray[np.int64]]:
            epoch = first_epoch
            while True:
                yield epoch_order(seed, epoch, rows) if shuffle else np.arange(rows)
                epoch += 1

        return orders


def validation_border(rows: int, validation_split: float) -> int:
    """Index of the first validation row, as Keras' `validation_split` chooses it.

    Example:
        >>> validation_border(426, 0.25)
        319
    """
    border = int(np.floor(rows * (1.0 - validation_split)))
    if border in {0, rows}:
        raise ValueError(
            f"validation_split={validation_split} of {rows} rows leaves no row on one side; "
            "give more rows or another share"
        )
    return border


_FIT_ARGUMENTS = (
    "x",
    "y",
    "batch_size",
    "epochs",
    "verbose",
    "callbacks",
    "validation_split",
    "validation_data",
    "shuffle",
    "class_weight",
    "sample_weight",
    "initial_epoch",
    "steps_per_epoch",
    "validation_steps",
    "validation_batch_size",
    "validation_freq",
)
"""Parameters of `keras.Model.fit` in their order."""


def bind_fit_arguments(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Names the arguments of a `model.fit` call.

    Example:
        >>> bind_fit_arguments(("x", "y", 96), {"epochs": 5})
        {'x': 'x', 'y': 'y', 'batch_size': 96, 'epochs': 5}
    """
    return dict(zip(_FIT_ARGUMENTS, args, strict=False)) | dict(kwargs)
