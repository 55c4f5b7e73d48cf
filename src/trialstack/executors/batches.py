"""Arrays and tables cut into batches whose rows come in a given order.

Tables that are not large become tensors, of which batches are gathered. Of a larger one nothing is
copied but the rows of the next training steps.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.datasets.chosen_rows import MOST_COPIED, NUMBERS_OF_A_PIECE, ChosenRows

Orders = Callable[[], Iterator[NDArray[np.int64]]]
"""Makes an iterator of the positions of all rows, epoch after epoch."""


@dataclass(frozen=True, eq=False)
class LargeTables:
    """Arrays that no tensors are made of.

    Attributes:
        parts: Nested as an element of their batches.
    """

    parts: Any

    def rows(self, at: Any) -> Any:
        """Some rows of each, in Keras' float type."""
        import keras

        return keras.tree.map_structure(lambda leaf: _as_keras_floats(leaf[at]), self.parts)


def can_be_cut(x: Any, y: Any, arguments: Mapping[str, Any]) -> bool:
    """Whether these are tables of as many rows each, and weights that Keras takes."""
    import keras
    import pandas as pd
    import tensorflow as tf

    kinds = (np.ndarray, tf.Tensor, pd.DataFrame, pd.Series, ChosenRows)
    weight = arguments.get("sample_weight")
    leaves = [leaf for part in (x, y, weight) if part is not None for leaf in _leaves(part)]
    if x is None or not all(isinstance(leaf, kinds) and len(leaf.shape) for leaf in leaves):
        return False
    if len({leaf.shape[0] for leaf in leaves}) != 1:
        return False
    nested = y is None or keras.tree.is_nested(y)
    return arguments.get("class_weight") is None or (weight is None and not nested)


def number_of_rows(x: Any) -> int:
    """Of a table, or of several side by side."""
    return int(_leaves(x)[0].shape[0])


def rows_from(part: Any, first: int) -> Any:
    """Rows from `first` on."""
    import keras

    def cut(leaf: Any) -> Any:
        return leaf.iloc[first:] if hasattr(leaf, "iloc") else leaf[first:]

    return keras.tree.map_structure(cut, part)


def tensors_of(x: Any, y: Any, sample_weight: Any, class_weight: Mapping[int, float] | None) -> Any:
    """What an element of the batches has, as whole tables: `x`, `(x, y)` or with weights.

    Returns:
        Tensors; of large tables `LargeTables`, which whoever reads batches of them has to keep.
    """
    import keras

    if class_weight is not None:
        sample_weight = _class_weights(y, class_weight)
    if sample_weight is not None and keras.tree.is_nested(y) and len(_leaves(sample_weight)) == 1:
        (weight,) = _leaves(sample_weight)
        sample_weight = keras.tree.map_structure(lambda _: weight, y)
    parts = keras.utils.pack_x_y_sample_weight(x, y, sample_weight)
    parts = keras.tree.lists_to_tuples(parts)  # of a list, tf.data would make one tensor
    if _are_large_arrays(parts):
        return LargeTables(parts)
    return keras.tree.map_structure(_tensor, parts)


def batches_of(tables: Any, rows: int, batch_size: int, orders: Orders) -> Any:
    """An endless `tf.data.Dataset` of batches, epoch after epoch, each epoch in its own order.

    Args:
        tables: As `tensors_of` gives them.
        rows: So many of their first rows are used.
        batch_size: Rows of a batch; the last one of an epoch has what is left.
        orders: Positions of these rows.
    """
    import keras
    import tensorflow as tf

    if isinstance(tables, LargeTables):
        return _batches_of_pieces(tables, rows, batch_size, orders)
    order = tf.data.Dataset.from_generator(
        orders, output_signature=tf.TensorSpec((rows,), tf.int64)
    ).prefetch(1)
    positions = order.flat_map(
        lambda epoch: tf.data.Dataset.from_tensor_slices(epoch).batch(batch_size)
    )
    gather = positions.map(
        lambda batch: keras.tree.map_structure(lambda leaf: tf.gather(leaf, batch), tables)
    )
    return gather.prefetch(tf.data.AUTOTUNE)


def _are_large_arrays(parts: Any) -> bool:
    leaves = _leaves(parts)
    sizes = [np.prod(leaf.shape) for leaf in leaves if isinstance(leaf, np.ndarray | ChosenRows)]
    return len(sizes) == len(leaves) and bool(sum(sizes) > MOST_COPIED)


def _batches_of_pieces(tables: LargeTables, rows: int, batch_size: int, orders: Orders) -> Any:
    """The same batches, whose rows are gathered for several of them at a time."""
    import keras
    import tensorflow as tf

    is_tuple = isinstance(tables.parts, tuple)
    width = max(int(np.prod(leaf.shape[1:])) for leaf in _leaves(tables.parts))
    size = max(1, NUMBERS_OF_A_PIECE // width // batch_size) * batch_size
    held = weakref.ref(tables)  # TensorFlow keeps the function, which must not keep the rows

    def rows_at(order: NDArray[np.int64]) -> Any:
        own = held()
        return None if own is None else own.rows(order)

    def pieces() -> Iterator[Any]:
        for order in orders():
            for start in range(0, rows, size):
                piece = rows_at(order[start : start + size])
                if piece is None:
                    return
                yield piece

    def cut(*piece: Any) -> Any:
        count = tf.shape(_leaves(piece)[0], tf.int64)[0]
        parts = piece if is_tuple else piece[0]
        return tf.data.Dataset.range(0, count, batch_size).map(
            lambda start: keras.tree.map_structure(
                lambda leaf: leaf[start : start + batch_size], parts
            )
        )

    signature = keras.tree.map_structure(
        lambda leaf: tf.TensorSpec((None, *leaf.shape[1:]), leaf.dtype), tables.rows(slice(0))
    )
    gathered = tf.data.Dataset.from_generator(pieces, output_signature=signature)
    return gathered.flat_map(cut).prefetch(tf.data.AUTOTUNE)


def _as_keras_floats(array: NDArray[Any]) -> NDArray[Any]:
    """Numbers in Keras' float type, if they are floats."""
    import keras

    return array.astype(keras.config.floatx(), copy=False) if array.dtype.kind == "f" else array


def _leaves(part: Any) -> list[Any]:
    import keras

    return list(keras.tree.flatten(part))


def _class_weights(y: Any, class_weight: Mapping[int, float]) -> NDArray[np.float32]:
    """One weight a row; a class that is not named counts 1, as in Keras."""
    classes = np.asarray(y)
    if classes.ndim > 1:
        one_hot = classes.shape[-1] > 1
        classes = classes.argmax(axis=-1) if one_hot else classes[..., 0]
    named, inverse = np.unique(np.round(classes).astype(int), return_inverse=True)
    weights = np.array([class_weight.get(int(name), 1.0) for name in named], np.float32)
    return weights[inverse]


def _tensor(leaf: Any) -> Any:
    import keras
    import pandas as pd
    import tensorflow as tf

    if isinstance(leaf, pd.DataFrame) and any(dtype.kind == "f" for dtype in leaf.dtypes):
        leaf = leaf.astype(keras.config.floatx())  # also its columns of booleans
    if isinstance(leaf, pd.DataFrame | pd.Series):
        leaf = leaf.to_numpy().reshape(len(leaf), -1)  # a column becomes (rows, 1)
    if isinstance(leaf, ChosenRows):
        leaf = np.asarray(leaf)
    # Float inputs are computed in Keras' float type anyway; converting once beats once a batch.
    tensor = tf.convert_to_tensor(leaf)
    return tf.cast(tensor, keras.config.floatx()) if tensor.dtype.is_floating else tensor
