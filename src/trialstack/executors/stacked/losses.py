"""Cross-entropies of all trials of a stack, by Keras' own operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from trialstack.executors.stacked.plan import Loss


def row_losses(loss: Loss, output: str, y: Any, values: Any) -> Any:
    """The loss of every row of every trial.

    A compiled Keras model takes a cross-entropy from the logits under its sigmoid or softmax, and
    so must this; only values that are no such thing are taken for probabilities and clipped.

    Args:
        loss: Which.
        output: What stands above `values`; see `Chain.output`.
        y: Targets, shape `(rows, outputs)`, or `(rows,)` class indices for `sparse`.
        values: Before the output's sigmoid or softmax, shape `(trials, rows, outputs)`.

    Returns:
        Shape `(trials, rows)`.
    """
    shape = tf.shape(values)
    wanted = {"binary": "sigmoid", "categorical": "softmax", "sparse": "softmax"}[loss.kind]
    logits = loss.from_logits or output == wanted
    predictions = values if logits else outputs_of(output, values)
    if loss.kind == "sparse":
        labels = tf.broadcast_to(tf.cast(tf.reshape(y, (-1,)), tf.int64)[None], shape[:2])
        return keras.ops.sparse_categorical_crossentropy(labels, predictions, from_logits=logits)
    targets = tf.cast(y, values.dtype)
    if loss.label_smoothing:
        targets = _smoothed(loss, targets)
    targets = tf.broadcast_to(targets[None], shape)
    if loss.kind == "binary":
        rows = keras.ops.binary_crossentropy(targets, predictions, from_logits=logits)
        return tf.reduce_mean(rows, axis=-1)
    return keras.ops.categorical_crossentropy(targets, predictions, from_logits=logits)


def outputs_of(output: str, values: Any) -> Any:
    """What the models give: probabilities, or the values themselves."""
    if output == "sigmoid":
        return tf.sigmoid(values)
    return tf.nn.softmax(values) if output == "softmax" else values


def _smoothed(loss: Loss, targets: Any) -> Any:
    if loss.kind == "binary":
        return targets * (1.0 - loss.label_smoothing) + 0.5 * loss.label_smoothing
    classes = tf.cast(tf.shape(targets)[-1], targets.dtype)
    return targets * (1.0 - loss.label_smoothing) + loss.label_smoothing / classes


def penalties(weights: Any, l1: Sequence[Any], l2: Sequence[Any]) -> tuple[Any, list[Any]]:
    """Elastic-net penalty of each trial, sum of l1 |w| + l2 w^2, and its gradient.

    Args:
        weights: Shape `(trials, numbers)`.
        l1: The factor of each number, shape `(trials, numbers)`; empty where nobody has one.
        l2: Likewise.

    Returns:
        Penalties, shape `(trials,)`, and gradients, each `(trials, numbers)`, to be added.
    """
    total = tf.zeros(tf.shape(weights)[:1])
    gradients = []
    for factor in l1:
        gradients.append(factor * tf.sign(weights))
        total += tf.reduce_sum(gradients[-1] * weights, axis=1)
    for factor in l2:
        shrunk = factor * weights
        total += tf.reduce_sum(shrunk * weights, axis=1)
        gradients.append(shrunk + shrunk)
    return total, gradients
