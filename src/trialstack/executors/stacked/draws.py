"""The random numbers of dropout and noise: those that each trial's own layer would have drawn."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def draw(seeds: Any, step: Any, widths: Any, shape: Any, normal: bool) -> Any:
    """The random numbers that each trial's own layer would have drawn at this step.

    A trial's numbers depend on the shape that they are drawn in, so they are drawn for its own
    width and padded.

    Returns:
        Shape `(trials, rows, units)`.
    """
    n_rows, units = shape[0], shape[1]
    advanced = seeds + tf.stack([tf.constant(0, tf.int64), tf.cast(step, tf.int64)])
    advanced = tf.cast(tf.math.floormod(advanced, tf.int32.max - 1), tf.int32)

    def of_trial(arguments: tuple[Any, Any]) -> Any:
        seed, width = arguments
        distribution = tf.random.stateless_normal if normal else tf.random.stateless_uniform
        drawn = distribution((n_rows, width), seed=seed)
        return tf.pad(drawn, [[0, 0], [0, units - width]])

    return tf.map_fn(of_trial, (advanced, widths), fn_output_signature=tf.float32)
