"""Builds Keras models to look at: what only a computation needs is made when it is needed.

A trial that is trained in a stack is built only to learn what its model is: layers, sizes, initial
values, optimizer, loss, metrics. Creating the variables is most of what that would cost. Keras
knows variables that do not exist yet (it makes them in a `StatelessScope`); here they are asked for
around a whole `build`, compiled optimizer and metrics included.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.tensorflow.core import Variable
from numpy.typing import NDArray

from trialstack.executors.deferred_graph import deferred_graphs, graphs_patch
from trialstack.executors.kept_kernels import kept_kernels, kept_kernels_patch
from trialstack.executors.keras_shortcuts import keras_shortcuts
from trialstack.executors.patch import Patch, Replacement

_CONSTANT = {"Zeros": 0.0, "Ones": 1.0}
"""Initializers, by class name, whose values need no computation."""

_thread = threading.local()
"""`waiting`: functions that create this thread's variables, while it puts them off."""


class DeferredModel:
    """A model as `build` returned it, and what of it does not exist yet.

    Attributes:
        model: The Keras model. Look at it, but do not compute with it before `realize`.
    """

    def __init__(self, model: Any, missing: Sequence[Callable[[], None]]) -> None:
        self.model = model
        self._missing = missing

    @classmethod
    def of(cls, build: Callable[[], Any]) -> DeferredModel:
        """Builds.

        Raises:
            Exception: Whatever `build` raises; it may be that it cannot do with less than a whole
                model.
        """
        with (
            keras_shortcuts(),
            kept_kernels(),
            deferred_variables() as variables,
            deferred_graphs() as graphs,
        ):
            model = build()
        return cls(model, [*variables, *graphs])

    def realize(self) -> Any:
        """Makes the rest, with the values it would have had; returns an ordinary model."""
        for make in self._missing:
            make()
        self._missing = []
        return self.model


@contextlib.contextmanager
def many_builds() -> Iterator[None]:
    """Around many `DeferredModel.of`, which are quicker in here.

    Each of them changes classes of Keras, and Python then forgets what it has learned about these
    and their subclasses. Inside, they are changed once; only the builds put anything off.
    """
    with keras_shortcuts(), kept_kernels_patch(), _PATCH.applied(), graphs_patch():
        yield


def initial_value(variable: Any) -> NDArray[Any]:
    """The value that a variable starts with, whether it exists already or not."""
    if variable._value is not None:
        return np.asarray(variable.numpy())
    initializer = variable._initializer
    constant = _CONSTANT.get(type(initializer).__name__)
    if constant is not None and type(initializer).__module__.startswith("keras."):
        return np.full(tuple(variable._shape), constant, variable._dtype)
    return np.asarray(initializer(tuple(variable._shape), dtype=variable._dtype))


@contextlib.contextmanager
def deferred_variables() -> Iterator[list[Callable[[], None]]]:
    """Variables made in here by this thread are created when they are first assigned or realized.

    Yields:
        Functions that create them, as the variables are made.
    """
    before = getattr(_thread, "waiting", None)
    _thread.waiting = []
    try:
        with _PATCH.applied():
            yield _thread.waiting
    finally:
        _thread.waiting = before


def _replacements() -> list[Replacement]:
    initialize = Variable._initialize
    initialize_with = Variable._initialize_with_initializer
    assign = Variable._direct_assign

    def defer_value(self: Any, value: Any) -> None:
        waiting = getattr(_thread, "waiting", None)
        if waiting is None or callable(value):
            initialize(self, value)
            return
        self._value = value  # a tensor, which can be read but not assigned
        waiting.append(lambda: _create(self))

    def defer_initializer(self: Any, initializer: Any) -> None:
        waiting = getattr(_thread, "waiting", None)
        if waiting is None or self._initializer is not None or not _is_of_keras(initializer):
            initialize_with(self, initializer)
            return
        self._value = None
        self._initializer = initializer
        waiting.append(lambda: _create(self))

    def create_and_assign(self: Any, value: Any) -> None:
        if getattr(_thread, "waiting", None) is not None:
            _create(self)
        assign(self, value)

    return [
        (Variable, "_initialize", defer_value),
        (Variable, "_initialize_with_initializer", defer_initializer),
        (Variable, "_direct_assign", create_and_assign),
    ]


_PATCH = Patch(_replacements)


def _is_of_keras(initializer: Any) -> bool:
    """Whether it gives the same values later on; others may draw from a state of the program."""
    owner = type(initializer) if isinstance(initializer, keras.Initializer) else initializer
    by_state = isinstance(getattr(initializer, "seed", None), keras.random.SeedGenerator)
    return str(getattr(owner, "__module__", "")).startswith("keras.") and not by_state


def _create(variable: Any) -> None:
    """Makes the variable that Keras would have made at once."""
    if isinstance(variable._value, tf.Variable):
        return
    value = variable._value
    if value is None:
        initializer, variable._initializer = variable._initializer, None
        value = initializer(tuple(variable._shape), dtype=variable._dtype)
    variable._value = tf.Variable(
        value,
        dtype=variable._dtype,
        trainable=variable.trainable,
        name=variable.name,
        aggregation=variable._map_aggregation(variable.aggregation),
        synchronization=variable._map_synchronization(variable.synchronization),
    )
