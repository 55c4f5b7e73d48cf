"""The preparation of raw columns as a Keras model, and the whole way from them to probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from trialstack.preprocessing.prepared import Preparation, TextColumn, no_category

if TYPE_CHECKING:
    import keras

NUMBERS, TEXTS = "numbers", "texts"
"""Names of the model's inputs."""


def preparation_model(preparation: Preparation) -> keras.Model:
    """A Keras model from raw columns to the features that `Preparation.matrix` gives.

    It consists of Keras' own layers and operations, so it loads in safe mode and without this
    package.

    Shapes:
        Inputs, by name: `numbers`, float32, `(rows, number and truth columns)`, NaN where a value
        is missing; `texts`, strings, `(rows, text columns)`, `TextColumn.missing` where one is
        missing. An input without columns is not there. Output `(rows, features)`.

    Args:
        preparation: What the training rows taught.
    """
    inputs, features = _prepared(preparation)
    import keras

    return keras.Model(inputs, features, name="preparation")


def with_preparation(preparation: Preparation, network: keras.Model) -> keras.Model:
    """A network that was trained on the features, as one model that takes the raw columns.

    Shapes:
        Inputs as `preparation_model`; output as the network's.

    Args:
        preparation: What made the features.
        network: Takes `(rows, features)`.
    """
    import keras

    inputs, features = _prepared(preparation)
    return keras.Model(inputs, network(features), name="classifier")


def _prepared(preparation: Preparation) -> tuple[dict[str, Any], Any]:
    """Symbolic inputs, and the features made of them."""
    import keras

    inputs: dict[str, Any] = {}
    parts: list[Any] = []
    if preparation.numbers:
        inputs[NUMBERS] = keras.Input((len(preparation.numbers),), name=NUMBERS)
        parts += _numbers(preparation, inputs[NUMBERS])
    if preparation.texts:
        count = len(preparation.texts)
        inputs[TEXTS] = keras.Input((count,), dtype="string", name=TEXTS)
        for place, column in enumerate(preparation.texts):
            parts += _slots(column, inputs[TEXTS][:, place : place + 1], place)
    joined = keras.layers.Concatenate(name="features")(parts) if len(parts) > 1 else parts[0]
    return inputs, joined


def _numbers(preparation: Preparation, values: Any) -> list[Any]:
    """Values without gaps, and where they were."""
    from keras import ops

    fills = np.array([[column.fill for column in preparation.numbers]], dtype=np.float32)
    gaps = ops.isnan(values)
    parts = [ops.where(gaps, fills, values)]
    places = [place for place, column in enumerate(preparation.numbers) if column.flagged]
    if places:
        flags = ops.take(gaps, np.array(places, dtype=np.int32), axis=1)
        parts.append(ops.cast(flags, "float32"))
    return parts


def _slots(column: TextColumn, values: Any, place: int) -> list[Any]:
    """One-hot features of a column; its name may hold what no layer's name can."""
    import keras

    name = f"categories_{place + 1}"
    if column.vocabulary:
        lookup = keras.layers.StringLookup(
            vocabulary=list(column.vocabulary),
            oov_token=no_category("[UNK]", column.vocabulary),
            output_mode="one_hot",
            name=name,
        )
        own = lookup(values)
        other = own[:, :1]
    else:
        own = other = _ones(values)
    if not column.bins:
        return [own]
    hashed = keras.layers.Hashing(column.bins, output_mode="one_hot", name=f"{name}_others")(values)
    return [own, keras.layers.Multiply(name=f"{name}_by_hash")([hashed, other])]


def _ones(values: Any) -> Any:
    """A 1 for each row of texts: all of them are of one bin."""
    import keras

    return keras.ops.cast(keras.layers.Hashing(1)(values) == 0, "float32")
