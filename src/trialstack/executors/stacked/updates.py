"""The optimizer of a stack: Keras' own update rule, on tensors instead of variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras.src.backend.common.stateless_scope import StatelessScope, get_stateless_scope

OF_A_TRIAL = {"Adam": ("beta_1", "beta_2"), "AdamW": ("beta_1", "beta_2")}
"""Numbers of an optimizer, beside learning rate and weight decay, that may differ in a stack."""


class StackedOptimizer:
    """Applies the update rule of a Keras optimizer to all trials of a stack.

    The rules are elementwise, so they work on tensors with a leading trials axis as they are, and
    a learning rate of shape `(trials, 1, 1)` gives every trial its own. Keras' optimizers read and
    write variables; here these stand for tensors, by Keras' own `StatelessScope`.

    Args:
        optimizer: Of any trial of the stack; its settings are copied.
    """

    def __init__(self, optimizer: Any) -> None:
        config = optimizer.get_config() | {"learning_rate": 0.0}
        config.pop("is_legacy_optimizer", None)
        self._optimizer = type(optimizer).from_config(config)
        # TensorFlow's own versions reach past the scope, for the variable itself.
        self._optimizer._var_key = id
        self._optimizer.assign = _assign
        self._optimizer.assign_add = lambda variable, value: _assign(variable, variable + value)
        self._optimizer.assign_sub = lambda variable, value: _assign(variable, variable - value)
        self._stand_in = keras.Variable(tf.zeros((1, 1)))
        self._optimizer.build([self._stand_in])
        own = {id(self._optimizer._iterations), id(self._optimizer._learning_rate)}
        self._slots = [v for v in self._optimizer.variables if id(v) not in own]

    def initial_slots(self, weights: Any) -> list[Any]:
        """The optimizer's memory before the first step, as tensors.

        Args:
            weights: What is trained, shape `(trials, numbers)`.
        """
        return [
            tf.fill(tf.shape(weights), slot.numpy().reshape(-1)[0])
            if own
            else tf.constant(slot.numpy())
            for slot, own in zip(self._slots, self.belongs_to_trials(), strict=True)
        ]

    def belongs_to_trials(self) -> list[bool]:
        """For each tensor of its memory, whether it has a trials axis."""
        return [tuple(slot.shape) == tuple(self._stand_in.shape) for slot in self._slots]

    def step(
        self,
        gradient: Any,
        weights: Any,
        slots: Sequence[Any],
        iteration: Any,
        rates: Mapping[str, Any],
    ) -> tuple[Any, list[Any]]:
        """One update.

        Args:
            gradient: Of the weights.
            weights: Shape `(trials, numbers)`.
            slots: The optimizer's memory.
            iteration: Steps made before this one.
            rates: `learning_rate`, and as they apply `weight_decay`, `beta_1`, `beta_2`: one value
                a trial, shape `(trials, 1)`.

        Returns:
            New weights and new memory.
        """
        optimizer = self._optimizer
        if (limit := optimizer.clipvalue or 0.0) > 0.0:
            gradient = tf.clip_by_value(gradient, -limit, limit)
        if "weight_decay" in rates:
            weights = weights - weights * (rates["weight_decay"] * rates["learning_rate"])
        scope = StatelessScope()
        scope.state_mapping[id(self._stand_in)] = weights
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
                optimizer.update_step(gradient, self._stand_in, rates["learning_rate"])
        finally:
            for name, value in kept.items():
                setattr(optimizer, name, value)
        current = scope.get_current_value
        return current(self._stand_in), [current(slot) for slot in self._slots]


def _assign(variable: Any, value: Any) -> None:
    """Into the scope, whatever the shape: the variable stands for a stack of unknown size."""
    get_stateless_scope().add_update((variable, tf.cast(value, variable.dtype)))


def _advance_nadam(optimizer: Any, iteration: Any) -> None:
    """Nadam's running product of momenta, which Keras keeps outside of `update_step`."""
    step = tf.cast(iteration + 1, tf.float32)
    factor = optimizer.beta_1 * (1.0 - 0.5 * tf.pow(0.96, step))
    _assign(optimizer._u_product, optimizer._u_product * factor)


def rate_names(optimizer: Any) -> tuple[str, ...]:
    """The numbers of an optimizer that each trial of a stack has for itself."""
    decay = ("weight_decay",) if optimizer.weight_decay is not None else ()
    return ("learning_rate", *decay, *OF_A_TRIAL.get(type(optimizer).__name__, ()))
