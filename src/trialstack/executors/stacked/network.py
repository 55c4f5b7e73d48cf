"""The forward pass of a stack: every trial's chain at once, on tensors with a leading trials axis.

Units that a trial does not have are columns of zeros: their kernels, biases and scales are zero,
so what they pass on is zero, and so is every gradient that reaches them. Only an activation with
f(0) != 0 would wake them up; those are masked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from trialstack.executors.stacked.chain import Chain
from trialstack.executors.stacked.layers import Link
from trialstack.executors.stacked.layout import slots_of

WAKES_ZERO = frozenset(
    {"sigmoid", "softplus", "hard_sigmoid", "exponential", "log_sigmoid", "sparse_plus",
     "squareplus"}
)  # fmt: skip
"""Activations that make something out of nothing."""

Parameters = Sequence[Any]
"""Tensors in the order of `parameter_names`, each `(trials, ...)` with a middle axis for rows."""


class StackedNetwork:
    """Evaluates stacks of a given kind.

    Args:
        chain: Of any trial of such a stack.
    """

    def __init__(self, chain: Chain) -> None:
        self._links = chain.links
        self._index = {place: k for k, place in enumerate(slots_of(chain))}
        self._masked = [self._needs_mask(i) for i in range(len(chain.links))]
        self.masked_links = [i for i, masked in enumerate(self._masked) if masked]

    def _needs_mask(self, i: int) -> bool:
        link = self._links[i]
        return link.kind == "activation" and str(link.settings[0]) in WAKES_ZERO

    def __call__(
        self,
        x: Any,
        parameters: Parameters,
        rates: Mapping[int, Any],
        masks: Mapping[int, Any],
        *,
        training: bool,
        noise: Callable[[int, Any], Any] | None = None,
    ) -> tuple[Any, dict[int, Any]]:
        """What the chains give before their output's sigmoid or softmax.

        Args:
            x: Rows shared by all trials, shape `(1, rows, features)`.
            parameters: Of the stack.
            rates: Link -> rate of dropout or noise of each trial, float64, shape `(trials, 1, 1)`.
            masks: Link -> 1 for units that a trial has, shape `(trials, 1, units)`.
            training: Whether batch statistics and random numbers are used.
            noise: Draws for a link numbers in the shape of a tensor.

        Returns:
            Values, shape `(trials, rows, outputs)`, and new values of the parameters that are not
            trained but updated on the way: index -> tensor.
        """
        updates: dict[int, Any] = {}
        for i, link in enumerate(self._links):
            get = {slot.name: parameters[self._index[i, j]] for j, slot in enumerate(link.slots)}
            if link.kind == "dense":
                x = _dense(x, get["kernel"], get.get("bias"))
            elif link.kind == "activation":
                x = link.apply(x) if link.apply else x
                x = x * masks[i] if self._masked[i] else x
            elif link.kind == "prelu":
                x = tf.nn.relu(x) - get["alpha"] * tf.nn.relu(-x)
            elif link.kind == "batch_normalization":
                x, moved = _batch_normalization(link, x, get, training)
                updates |= {self._slot_index(i, name): value for name, value in moved.items()}
            elif training and noise is not None:
                x = _disturb(link, x, rates[i], noise(i, x))
        return x, updates

    def _slot_index(self, i: int, name: str) -> int:
        names = [slot.name for slot in self._links[i].slots]
        return self._index[i, names.index(name)]


def _dense(x: Any, kernel: Any, bias: Any) -> Any:
    """`x @ kernel + bias` of each trial, with its gradient written down.

    TensorFlow's own would work out at every step, by a dozen operations more, along which axes the
    parts were broadcast.

    Args:
        x: Shape `(trials, rows, in)`; `(1, rows, in)` for data, which need no gradient.
        kernel: Shape `(trials, in, out)`.
        bias: Shape `(trials, 1, out)`, or None.
    """

    def forward(x: Any, kernel: Any, *bias: Any) -> Any:
        def gradients(upstream: Any) -> list[Any]:
            of_x = tf.matmul(upstream, kernel, transpose_b=True)
            of_kernel = tf.matmul(x, upstream, transpose_a=True)
            of_bias = [tf.reduce_sum(upstream, axis=1, keepdims=True) for _ in bias]
            return [of_x, of_kernel, *of_bias]

        product = tf.matmul(x, kernel)
        return product + bias[0] if bias else product, gradients

    return tf.custom_gradient(forward)(x, kernel, *([] if bias is None else [bias]))


def _batch_normalization(
    link: Link, x: Any, get: Mapping[str, Any], training: bool
) -> tuple[Any, dict[str, Any]]:
    """As `keras.layers.BatchNormalization`, over the rows of each trial."""
    momentum, epsilon = link.settings
    moved: dict[str, Any] = {}
    if training:
        mean, variance = tf.nn.moments(x, axes=[1], keepdims=True)
        for name, value in (("moving_mean", mean), ("moving_variance", variance)):
            moved[name] = get[name] * momentum + value * (1.0 - momentum)
    else:
        mean, variance = get["moving_mean"], get["moving_variance"]
    x = tf.nn.batch_normalization(x, mean, variance, get.get("beta"), get.get("gamma"), epsilon)
    return x, moved


def _disturb(link: Link, x: Any, rate: Any, drawn: Any) -> Any:
    if link.kind == "noise":
        return x + drawn * tf.cast(rate, x.dtype)
    # The scale as Keras rounds it: in double precision, then to float32.
    scale = tf.cast(1.0 / (1.0 - tf.cast(rate, tf.float64)), x.dtype)
    return tf.where(drawn >= tf.cast(rate, x.dtype), x * scale, tf.zeros((), x.dtype))
