"""Builds Keras models whose variables take up no memory and no time until somebody needs them.

Creating its variables is most of what building a small model costs, and a trial that is trained in
a stack needs none: only their shapes, and the initial values that they would have had. Keras knows
such variables (it makes them in a `StatelessScope`); here they are asked for around a whole
`build`, compiled optimizer and metrics included.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CONSTANT = {"Zeros": 0.0, "Ones": 1.0}
"""Initializers, by class name, whose values need no computation."""


class DeferredModel:
    """A model as `build` returned it, and the variables of it that do not exist yet.

    Attributes:
        model: The Keras model. Look at it, but do not compute with it before `realize`.
    """

    def __init__(self, model: Any, variables: list[Any]) -> None:
        self.model = model
        self._variables = variables

    def realize(self) -> Any:
        """Creates the variables, with the values they would have had; returns the model."""
        for variable in self._variables:
            _create(variable)
        self._variables = []
        return self.model


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
def deferred_variables() -> Iterator[list[Any]]:
    """Variables made in here by this thread are created when they are first assigned or realized.

    Yields:
        The variables, as they are made.
    """
    from keras.src.backend.tensorflow.core import Variable

    made: list[Any] = []
    thread = threading.get_ident()
    initialize = Variable._initialize
    initialize_with = Variable._initialize_with_initializer
    assign = Variable._direct_assign

    def defer_value(self: Any, value: Any) -> None:
        if threading.get_ident() != thread or callable(value):
            initialize(self, value)
            return
        self._value = value  # a tensor, which can be read but not assigned
        made.append(self)

    def defer_initializer(self: Any, initializer: Any) -> None:
        if threading.get_ident() != thread or self._initializer is not None:
            initialize_with(self, initializer)
            return
        self._value = None
        self._initializer = initializer
        made.append(self)

    def create_and_assign(self: Any, value: Any) -> None:
        _create(self)
        assign(self, value)

    Variable._initialize = defer_value
    Variable._initialize_with_initializer = defer_initializer
    Variable._direct_assign = create_and_assign
    try:
        yield made
    finally:
        Variable._initialize = initialize
        Variable._initialize_with_initializer = initialize_with
        Variable._direct_assign = assign


def _create(variable: Any) -> None:
    """Makes the variable that Keras would have made at once."""
    import tensorflow as tf

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
