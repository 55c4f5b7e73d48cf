"""What a training step takes on this machine, tried out on one of the same size.

NumPy's matrix products take as many threads as there are cores, which can be changed only before
NumPy is imported. So steps are tried out in a process of their own, whose program is this file; it
imports nothing else of the package.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

SECONDS = 0.15
"""That steps are repeated for."""
FEWEST = 3
"""Steps that are made at least; the first one, which takes memory from the system, not counted."""

THREADS = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""Environment variables of the libraries that NumPy may compute products with."""

Network = tuple[int, ...]
"""Inputs, units of each hidden layer, and outputs."""

Weights = list[NDArray[np.float32]]
"""A matrix `(before, units)` a layer."""


def seconds_of_steps(networks: Collection[Network], batch_size: int) -> dict[Network, float]:
    """Seconds that one core takes for a training step of each network.

    Args:
        networks: Their widths.
        batch_size: Rows of a step.
    """
    command = [sys.executable, "-P", __file__, json.dumps([*networks]), str(batch_size)]
    environment = os.environ | dict.fromkeys(THREADS, "1")
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return dict(zip(networks, json.loads(answer.stdout), strict=True))


def seconds_of_step(
    widths: Sequence[int], batch_size: int, clock: Callable[[], float] = time.thread_time
) -> float:
    """Seconds that one core takes for a training step of one network.

    Forward, backward and Adam's update of a multilayer perceptron are computed with NumPy, on
    random numbers: the same operations in the same sizes as those of a real step, so that whatever
    the machine is good or bad at counts as it does there. Counted is the thread's own time, hence
    what else runs on the machine does not matter much.

    Args:
        widths: Of the network.
        batch_size: Rows of a step.
        clock: Gives seconds since any moment.

    Example:
        >>> seconds_of_step([30, 64, 1], 96, clock=iter(range(100)).__next__)
        1.0
    """
    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch_size, widths[0]), np.float32)
    weights = [rng.standard_normal(shape, np.float32) for shape in pairwise(widths)]
    memory = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights]
    _step(x, weights, *memory)
    began, steps, passed = clock(), 0, 0.0
    while steps < FEWEST or passed < SECONDS:
        _step(x, weights, *memory)
        steps += 1
        passed = clock() - began
    return passed / steps


def _step(x: NDArray[np.float32], weights: Weights, first: Weights, second: Weights) -> None:
    """Changes the weights, and Adam's first and second moments of their gradients."""
    values = [x]
    for w in weights:
        values.append(np.maximum(values[-1] @ w, 0))
    gradient = values[-1] / np.float32(len(x))
    for k in reversed(range(len(weights))):
        of_weights = values[k].T @ gradient
        if k:
            gradient = (gradient @ weights[k].T) * (values[k] > 0)
        first[k] += (of_weights - first[k]) * np.float32(0.1)
        second[k] += (of_weights * of_weights - second[k]) * np.float32(0.001)
        weights[k] -= np.float32(1e-6) * first[k] / (np.sqrt(second[k]) + np.float32(1e-7))


if __name__ == "__main__":
    print(json.dumps([seconds_of_step(own, int(sys.argv[2])) for own in json.loads(sys.argv[1])]))
