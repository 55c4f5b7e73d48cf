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
        if arguments.get("steps_per_epoch") is not None or not _can_be_cut(x, y, arguments):
            return original(model, x, y, **arguments)
        rows = _rows(x)
        sample_weight = arguments.pop("sample_weight", None)
        class_weight = arguments.pop("class_weight", None)
        split = arguments.pop("validation_split", 0.0)
        if split and arguments.get("validation_data") is None:
            rows = validation_border(rows, split)
            arguments["validation_data"] = tuple(
                _cut(part, rows) for part in (x, y, sample_weight) if part is not None
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
        self._tensors = _tensors(*data)

    def _dataset(self, rows: int, batch_size: int, shuffle: bool, first: int) -> Any:
        key = (rows, batch_size, shuffle, first)
        if key not in self._batches:
            order = self._order(rows, first, shuffle)
            self._batches[key] = _batches(self._tensors, rows, batch_size, order)
        return self._batches[key]

    def _order(
        self, rows: int, first_epoch: int, shuffle: bool
    ) -> Callable[[], Iterator[NDArray[np.int64]]]:
        def orders() -> Iterator[NDArray[np.int64]]:
            epoch = first_epoch
            while True:
                yield epoch_order(self._search_seed, epoch, rows) if shuffle else np.arange(rows)
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


def _leaves(part: Any) -> list[Any]:
    import keras

    return list(keras.tree.flatten(part))


def _can_be_cut(x: Any, y: Any, arguments: Mapping[str, Any]) -> bool:
    """Whether these are tables of as many rows each, and weights that Keras takes."""
    import keras
    import pandas as pd
    import tensorflow as tf

    kinds = (np.ndarray, tf.Tensor, pd.DataFrame, pd.Series)
    weight = arguments.get("sample_weight")
    leaves = [leaf for part in (x, y, weight) if part is not None for leaf in _leaves(part)]
    if x is None or not all(isinstance(leaf, kinds) and len(leaf.shape) for leaf in leaves):
        return False
    if len({leaf.shape[0] for leaf in leaves}) != 1:
        return False
    nested = y is None or keras.tree.is_nested(y)
    return arguments.get("class_weight") is None or (weight is None and not nested)


def _rows(x: Any) -> int:
    return int(_leaves(x)[0].shape[0])


def _cut(part: Any, first: int) -> Any:
    """Rows from `first` on."""
    import keras

    def cut(leaf: Any) -> Any:
        return leaf.iloc[first:] if hasattr(leaf, "iloc") else leaf[first:]

    return keras.tree.map_structure(cut, part)


def _class_weights(y: Any, class_weight: Mapping[int, float]) -> NDArray[np.float32]:
    """One weight a row; a class that is not named counts 1, as in Keras."""
    classes = np.asarray(y)
    if classes.ndim > 1:
        one_hot = classes.shape[-1] > 1
        classes = classes.argmax(axis=-1) if one_hot else classes[..., 0]
    named, inverse = np.unique(np.round(classes).astype(int), return_inverse=True)
    weights = np.array([class_weight.get(int(name), 1.0) for name in named], np.float32)
    return weights[inverse]


def _tensors(x: Any, y: Any, sample_weight: Any, class_weight: Mapping[int, float] | None) -> Any:
    """What an element of the batches has, as whole tensors: `x`, `(x, y)` or with weights."""
    import keras

    if class_weight is not None:
        sample_weight = _class_weights(y, class_weight)
    if sample_weight is not None and keras.tree.is_nested(y) and len(_leaves(sample_weight)) == 1:
        (weight,) = _leaves(sample_weight)
        sample_weight = keras.tree.map_structure(lambda _: weight, y)
    parts = keras.utils.pack_x_y_sample_weight(x, y, sample_weight)
    # Of a list, tf.data would make one tensor.
    return keras.tree.map_structure(_tensor, keras.tree.lists_to_tuples(parts))


def _batches(
    tensors: Any,
    rows: int,
    batch_size: int,
    orders: Callable[[], Iterator[NDArray[np.int64]]],
) -> Any:
    """An endless `tf.data.Dataset` of batches, epoch after epoch, each epoch in its own order."""
    import keras
    import tensorflow as tf

    order = tf.data.Dataset.from_generator(
        orders, output_signature=tf.TensorSpec((rows,), tf.int64)
    ).prefetch(1)
    positions = order.flat_map(
        lambda epoch: tf.data.Dataset.from_tensor_slices(epoch).batch(batch_size)
    )
    gather = positions.map(
        lambda batch: keras.tree.map_structure(lambda leaf: tf.gather(leaf, batch), tensors)
    )
    return gather.prefetch(tf.data.AUTOTUNE)


def _tensor(leaf: Any) -> Any:
    import keras
    import pandas as pd
    import tensorflow as tf

    if isinstance(leaf, pd.DataFrame) and any(dtype.kind == "f" for dtype in leaf.dtypes):
        leaf = leaf.astype(keras.config.floatx())  # also its columns of booleans
    if isinstance(leaf, pd.DataFrame | pd.Series):
        leaf = leaf.to_numpy().reshape(len(leaf), -1)  # a column becomes (rows, 1)
    # Float inputs are computed in Keras' float type anyway; converting once beats once a batch.
    tensor = tf.convert_to_tensor(leaf)
    return tf.cast(tensor, keras.config.floatx()) if tensor.dtype.is_floating else tensor
