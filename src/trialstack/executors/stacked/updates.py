"""The optimizer of a stack: Keras' own update rule, on tensors instead of variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras.src.backend.common.stateless_scope import StatelessScope, get_stateless_scope


class StackedOptimizer:
    """Applies the update rule of a Keras optimizer to all trials of a stack.

    The rules are elementwise, so they work on tensors with a leading trials axis as they are, and
    a learning rate of shape `(trials, 1, 1)` gives every trial its own. Keras' optimizers read and
    write variables; here these stand for tensors, by Keras' own `StatelessScope`.

    Args:
        optimizer: Of any trial of the stack; its settings are copied.
        n_parameters: How many tensors are trained.
    """

    def __init__(self, optimizer: Any, n_parameters: int) -> None:
        config = optimizer.get_config() | {"learning_rate": 0.0}
        config.pop("is_legacy_optimizer", None)
        self._optimizer = type(optimizer).from_config(config)
        # TensorFlow's own versions reach past the scope, for the variable itself.
        self._optimizer._var_key = id
        self._optimizer.assign = _assign
        self._optimizer.assign_add = lambda variable, value: _assign(variable, variable + value)
        self._optimizer.assign_sub = lambda variable, value: _assign(variable, variable - value)
        self._stand_ins = [keras.Variable(tf.zeros((1, 1, 1))) for _ in range(n_parameters)]
        self._optimizer.build(self._stand_ins)
        own = {id(self._optimizer._iterations), id(self._optimizer._learning_rate)}
        self._slots = [v for v in self._optimizer.variables if id(v) not in own]

    def initial_slots(self, parameters: Sequence[Any]) -> list[Any]:
        """The optimizer's memory of each parameter before the first step, as tensors."""
        per_shape = []
        for slot in self._slots:
            value = slot.numpy()
            of = self._parameter_of(slot)
            if of is None:
                per_shape.append(tf.constant(value))
            else:
                per_shape.append(tf.fill(tf.shape(parameters[of]), value.reshape(-1)[0]))
        return per_shape

    def belongs_to_trials(self) -> list[bool]:
        """For each tensor of its memory, whether it has a trials axis."""
        return [self._parameter_of(slot) is not None for slot in self._slots]

    def _parameter_of(self, slot: Any) -> int | None:
        for memory in vars(self._optimizer).values():
            if isinstance(memory, list) and len(memory) == len(self._stand_ins):
                for k, known in enumerate(memory):
                    if known is slot:
                        return k
        return None

    def step(
        self,
        gradients: Sequence[Any],
        parameters: Sequence[Any],
        slots: Sequence[Any],
        iteration: Any,
        rates: Mapping[str, Any],
    ) -> tuple[list[Any], list[Any]]:
        """One update.

        Args:
            gradients: Of the parameters.
            parameters: Tensors `(trials, ...)` with three axes.
            slots: The optimizer's memory.
            iteration: Steps made before this one.
            rates: `learning_rate`, and as they apply `weight_decay`, `beta_1`, `beta_2`: one value
                a trial, shape `(trials, 1, 1)`.

        Returns:
            New parameters and new memory.
        """
        optimizer = self._optimizer
        if "weight_decay" in rates:
            decay = rates["weight_decay"] * rates["learning_rate"]
            parameters = [p - p * decay for p in parameters]
        scope = StatelessScope()
        for variable, value in zip(self._stand_ins, parameters, strict=True):
            scope.state_mapping[id(variable)] = value
        for variable, value in zip(self._slots, slots, strict=True):
            scope.state_mapping[id(variable)] = value
        scope.state_mapping[id(optimizer._iterations)] = tf.cast(iteration, tf.int64)
        kept = {name: getattr(optimizer, name) for name in rates if name.startswith("beta")}
        for name in kept:
            setattr(optimizer, name, rates[name])
        try:
            with scope:
                if hasattr(optimizer, "_u_product"):
                    _advance_nadam(optimizer, iteration)
                for gradient, variable in zip(gradients, self._stand_ins, strict=True):
                    optimizer.update_step(gradient, variable, rates["learning_rate"])
        finally:
            for name, value in kept.items():
                setattr(optimizer, name, value)
        current = scope.get_current_value
        return [current(v) for v in self._stand_ins], [current(v) for v in self._slots]


def _assign(variable: Any, value: Any) -> None:
    """Into the scope, whatever the shape: the variable stands for a stack of unknown size."""
    get_stateless_scope().add_update((variable, tf.cast(value, variable.dtype)))


def _advance_nadam(optimizer: Any, iteration: Any) -> None:
    """Nadam's running product of momenta, which Keras keeps outside of `update_step`."""
    step = tf.cast(iteration + 1, tf.float32)
    factor = optimizer.beta_1 * (1.0 - 0.5 * tf.pow(0.96, step))
    _assign(optimizer._u_product, optimizer._u_product * factor)
