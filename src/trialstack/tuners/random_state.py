"""The program's own random state, kept apart from that of the trials."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import numpy as np

RandomState = tuple[tuple[Any, ...], Any]
"""The states of Python's and NumPy's global generators; Keras draws its seeds from Python's."""


@contextlib.contextmanager
def preserved_random_state() -> Iterator[None]:
    """Leaves the random state of the program as it was: a trial's seed is nobody else's.

    Example:
        >>> random.seed(1)
        >>> with preserved_random_state():
        ...     random.seed(2)
        >>> first = random.random()
        >>> random.seed(1)
        >>> random.random() == first
        True
    """
    state = random_state()
    try:
        yield
    finally:
        set_random_state(state)


def random_state() -> RandomState:
    """What `set_random_state` brings back."""
    return random.getstate(), np.random.get_state()


def set_random_state(state: RandomState) -> None:
    """Takes up a state that `random_state` has returned."""
    python_state, numpy_state = state
    random.setstate(python_state)
    np.random.set_state(numpy_state)
