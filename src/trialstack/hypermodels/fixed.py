"""A multilayer perceptron with everything decided: fixed models, and every trial of a search."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstack.hypermodels.elastic_net import regularizers

if TYPE_CHECKING:
    import keras


def fixed_mlp(
    units: Sequence[int],
    n_features: int,
    n_classes: int,
    *,
    mean: ArrayLike | None = None,
    variance: ArrayLike | None = None,
    encoding: keras.Model | None = None,
    activation: str | Sequence[str] = "relu",
    output_activation: str | None = None,
    l1: float | None = None,
    l2: float | None = None,
    dropout: float | None = None,
    batch_normalization: bool = False,
    optimizer: str = "adam",
    learning_rate: float | None = None,
) -> keras.Sequential:
    """A compiled Keras classifier made of stock layers.

    Input -> [Normalization, or an encoding] -> for each hidden layer Dense [-> BatchNormalization
    -> Activation] [-> Dropout] -> Dense with a sigmoid (two classes) or softmax (more), unless
    another is wanted.

    Shapes:
        Input `(rows, n_features)`. Output `(rows, 1)`, the probability of class 1, for two
        classes; `(rows, n_classes)` for more. Targets as `encode_targets` makes them.

    Args:
        units: Width of each hidden layer; none makes a linear model.
        n_features: Number of input columns.
        n_classes: Number of classes, at least 2.
        mean: Of each input column, shape `(n_features,)`; None = inputs are not standardised.
        variance: Of each input column; given exactly when `mean` is.
        encoding: What is made of the inputs, in place of standardising them; see
            `trialstack.preprocessing.encodings`.
        activation: Keras' name, of all hidden layers, or one for each.
        output_activation: Keras' name; None = sigmoid or softmax. With `linear`, the loss takes
            whatever comes for a probability.
        l1: Factor of the L1 penalty on all kernels and biases of Dense layers; None = none.
        l2: Factor of the L2 penalty, likewise.
        dropout: Rate after each hidden layer; None = no such layers.
        batch_normalization: Whether each hidden layer is normalised before its activation.
        optimizer: Keras' name of it.
        learning_rate: None = the optimizer's own default.

    Metrics:
        `auc` (area under the ROC curve; for several classes the mean over the classes, each
        against the rest) and `accuracy`.

    Example:
        >>> fixed_mlp([100, 100], n_features=30, n_classes=2).count_params()
        13301
    """
    import keras

    penalty = regularizers(l1, l2)
    layers: list[Any] = [keras.Input((n_features,))]
    if encoding is not None:
        layers.append(encoding)
    elif mean is not None and variance is not None:
        layers.append(_normalization(mean, variance))
    activations = [activation] * len(units) if isinstance(activation, str) else activation
    for number, (width, applied) in enumerate(zip(units, activations, strict=True), start=1):
        name = f"hidden_{number}"
        if batch_normalization:
            layers += [
                keras.layers.Dense(width, name=name, **penalty),
                keras.layers.BatchNormalization(name=f"{name}_normalization"),
                keras.layers.Activation(applied, name=f"{name}_activation"),
            ]
        else:
            layers.append(keras.layers.Dense(width, applied, name=name, **penalty))
        if dropout is not None:
            layers.append(keras.layers.Dropout(dropout, name=f"{name}_dropout"))
    layers.append(_output(n_classes, output_activation, penalty))
    model = keras.Sequential(layers)
    model.compile(
        optimizer=_optimizer(optimizer, learning_rate),
        loss="binary_crossentropy" if n_classes == 2 else "categorical_crossentropy",
        metrics=_metrics(n_classes),
    )
    return model


def encode_targets(y: NDArray[np.integer[Any]], n_classes: int) -> NDArray[np.float32]:
    """Class indices in the form that `fixed_mlp` is trained with.

    Args:
        y: Class indices, shape `(rows,)`.
        n_classes: Number of classes.

    Returns:
        Two classes: 0.0 or 1.0, shape `(rows, 1)`, as the model's output. More: one column a
        class with a single 1.0 a row, shape `(rows, n_classes)`; Keras' AUC takes one class
        against the rest from nothing else.

    >>> encode_targets(np.array([1, 0]), 2).tolist()
    [[1.0], [0.0]]
    >>> encode_targets(np.array([2, 0]), 3).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    if n_classes == 2:
        return np.asarray(y, dtype=np.float32)[:, None]
    one_hot: NDArray[np.float32] = np.eye(n_classes, dtype=np.float32)[y]
    return one_hot


def _normalization(mean: ArrayLike, variance: ArrayLike) -> keras.layers.Normalization:
    """Scales with given moments; a column that never changes becomes zero."""
    import keras

    # Lists, not arrays: they become part of the layer's configuration in a saved model.
    return keras.layers.Normalization(
        mean=np.asarray(mean, dtype=np.float32).tolist(),
        variance=np.asarray(variance, dtype=np.float32).tolist(),
        name="normalization",
    )


def _output(n_classes: int, activation: str | None, penalty: dict[str, Any]) -> keras.layers.Dense:
    import keras

    units, usual = (1, "sigmoid") if n_classes == 2 else (n_classes, "softmax")
    return keras.layers.Dense(units, activation or usual, name="output", **penalty)


def _metrics(n_classes: int) -> list[keras.metrics.Metric]:
    # Named here: Keras would call the AUC of a second model in the same process auc_1.
    import keras

    if n_classes == 2:
        return [
            keras.metrics.AUC(name="auc"),
            keras.metrics.BinaryAccuracy(name="accuracy"),
        ]
    return [
        keras.metrics.AUC(multi_label=True, num_labels=n_classes, name="auc"),
        keras.metrics.CategoricalAccuracy(name="accuracy"),
    ]


def _optimizer(name: str, learning_rate: float | None) -> keras.optimizers.Optimizer:
    kind = _optimizer_class(name)
    return kind() if learning_rate is None else kind(learning_rate=learning_rate)


@functools.cache
def _optimizer_class(name: str) -> type[keras.optimizers.Optimizer]:
    """Keras looks for it anew each time, which is a good part of what a small model costs."""
    import keras

    return type(keras.optimizers.get(name))
