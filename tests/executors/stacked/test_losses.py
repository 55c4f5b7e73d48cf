"""Penalties of a stack against their formula."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from trialstack.executors.stacked.losses import penalties

WEIGHTS = tf.constant([[1.0, -2.0, 0.0], [0.5, 0.0, -3.0]])


def test_elastic_net_by_hand() -> None:
    """0.1 (1 + 2) + 0.01 (1 + 4) for the first, 0.2 * 0.5 + 0.05 * 9 for the second."""
    l1 = tf.constant([[0.1, 0.1, 0.1], [0.2, 0.0, 0.0]])
    l2 = tf.constant([[0.01, 0.01, 0.01], [0.0, 0.0, 0.05]])
    penalty, gradients = penalties(WEIGHTS, [l1], [l2])
    assert penalty.numpy() == pytest.approx([0.35, 0.55])
    gradient = np.sum([part.numpy() for part in gradients], axis=0)
    expected = [[0.1 + 0.02, -0.1 - 0.04, 0.0], [0.2, 0.0, -0.3]]
    assert gradient == pytest.approx(np.array(expected))


def test_the_gradient_is_tensorflows_own() -> None:
    l1, l2 = tf.random.uniform((2, 3)), tf.random.uniform((2, 3))
    with tf.GradientTape() as tape:
        tape.watch(WEIGHTS)
        total = tf.reduce_sum(l1 * tf.abs(WEIGHTS) + l2 * tf.square(WEIGHTS))
    expected = tape.gradient(total, WEIGHTS).numpy()
    _, gradients = penalties(WEIGHTS, [l1], [l2])
    assert sum(part.numpy() for part in gradients) == pytest.approx(expected, rel=1e-6)


def test_no_penalty() -> None:
    penalty, gradients = penalties(WEIGHTS, [], [])
    assert penalty.numpy().tolist() == [0.0, 0.0]
    assert gradients == []
