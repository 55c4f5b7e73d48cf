"""Where the weights of trials lie in the tensors of a stack.

What is trained of a trial is one row of a single tensor, all its parameters one after the other:
the optimizer's rule and the penalties treat every number alike, so they need to see one tensor
only. Every parameter is padded to the largest of the stack.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from trialstack.executors.deferred import initial_value
from trialstack.executors.stacked.chain import Chain
from trialstack.executors.stacked.layers import Slot
from trialstack.executors.stacked.plan import TrialPlan
from trialstack.trials import Weights

Place = tuple[int, int]
"""A parameter: number of its link in the chain, and of its slot in the link."""


class Cuts(NamedTuple):
    """A layout as tensors.

    Attributes:
        sizes: Numbers of each trained parameter, int32, shape `(parameters,)`.
        shapes: Shape of each in a stack, int32, `(parameters, 3)`: -1 for trials, in, out.
    """

    sizes: Any
    shapes: Any


class Packed(NamedTuple):
    """The weights of all trials of a stack.

    Attributes:
        trained: Shape `(trials, numbers)`.
        moving: Parameters that are not trained but follow the data, each `(trials, 1, units)`.
    """

    trained: NDArray[np.float32]
    moving: list[NDArray[np.float32]]

    def row(self, k: int) -> Packed:
        """A copy of one trial's weights alone."""
        some = slice(k, k + 1)
        return Packed(self.trained[some].copy(), [block[some].copy() for block in self.moving])

    @classmethod
    def joined(cls, rows: Sequence[Packed]) -> Packed:
        """Trials of one layout, each packed alone, as one."""
        moving = zip(*(row.moving for row in rows), strict=True)
        return cls(np.concatenate([row.trained for row in rows]), [*map(np.concatenate, moving)])


class Layout:
    """The places of the weights of given trials.

    Args:
        plans: Trials of one kind.
    """

    def __init__(self, plans: Sequence[TrialPlan]) -> None:
        self._slots = [slots_of(plan.chain) for plan in plans]
        shapes = np.array([[_in_out(slot.shape) for slot in own.values()] for own in self._slots])
        largest = [(int(rows), int(columns)) for rows, columns in shapes.max(axis=0)]
        places = dict(zip(self._slots[0], largest, strict=True))
        kinds = self._slots[0]
        self._trained = {place: places[place] for place in places if kinds[place].trainable}
        self._moving = {place: places[place] for place in places if not kinds[place].trainable}
        sizes = [math.prod(shape) for shape in self._trained.values()]
        self._starts = dict(zip(self._trained, np.cumsum([0, *sizes]).tolist(), strict=False))
        self.size = sum(sizes)
        self.cuts = Cuts(
            tf.constant(sizes, tf.int32),
            tf.constant([(-1, *shape) for shape in self._trained.values()], tf.int32),
        )

    @property
    def padding(self) -> float:
        """Numbers that are there only to make all trials alike, as a share of those needed."""
        needed = sum(
            math.prod(slot.shape) for own in self._slots for slot in own.values() if slot.trainable
        )
        return len(self._slots) * self.size / needed - 1.0

    def pack(self, weights: Sequence[Weights | None], plans: Sequence[TrialPlan]) -> Packed:
        """The stack's tensors.

        Args:
            weights: Of each trial, in its model's `get_weights()` order; None = initial ones.
            plans: The trials.
        """
        trained = np.zeros((len(plans), self.size), np.float32)
        moving = [
            np.full((len(plans), *shape), self._slots[0][place].padding, np.float32)
            for place, shape in self._moving.items()
        ]
        for k, (plan, own) in enumerate(zip(plans, weights, strict=True)):
            value = _values(plan, own)
            for place, shape in self._trained.items():
                start = self._starts[place]
                block = trained[k, start : start + math.prod(shape)].reshape(shape)
                _fill(block, value(place))
            for values, place in zip(moving, self._moving, strict=True):
                _fill(values[k], value(place))
        return Packed(trained, moving)

    def unpack(self, plan: TrialPlan, k: int, packed: Packed) -> Weights:
        """A trial's weights, copied, in `get_weights()` order of its own model.

        Args:
            plan: The trial.
            k: Its place in the stack.
            packed: The stack's weights.
        """
        moving = dict(zip(self._moving, packed.moving, strict=True))
        weights = []
        for place in plan.chain.weights:
            if not isinstance(place, tuple):
                weights.append(initial_value(place))
                continue
            if place in moving:
                padded = moving[place][k]
            else:
                shape, start = self._trained[place], self._starts[place]
                padded = packed.trained[k, start : start + math.prod(shape)].reshape(shape)
            own = plan.chain.links[place[0]].slots[place[1]].shape
            rows, columns = _in_out(own)
            weights.append(padded[:rows, :columns].reshape(own).copy())
        return weights

    def spread(self, factors: Callable[[Slot], float]) -> NDArray[np.float32]:
        """A number that each parameter of each trial has, for all its entries.

        Returns:
            Shape `(trials, numbers)`.
        """
        columns = np.array(
            [[factors(own[place]) for place in self._trained] for own in self._slots], np.float32
        )
        return np.repeat(columns, [math.prod(shape) for shape in self._trained.values()], axis=1)


def slots_of(chain: Chain) -> dict[Place, Slot]:
    """Every parameter of a chain, in the order in which stacks have them."""
    return {(i, j): slot for i, link in enumerate(chain.links) for j, slot in enumerate(link.slots)}


def _in_out(shape: tuple[int, ...]) -> tuple[int, int]:
    return (shape[0], shape[1]) if len(shape) == 2 else (1, shape[0])


def _fill(block: NDArray[np.float32], value: NDArray[Any]) -> None:
    rows, columns = _in_out(value.shape)
    block[:rows, :columns] = value


def _values(plan: TrialPlan, own: Weights | None) -> Callable[[Place], NDArray[Any]]:
    if own is None:
        slots = slots_of(plan.chain)
        return lambda place: initial_value(slots[place].variable)
    known = {
        place: array
        for place, array in zip(plan.chain.weights, own, strict=True)
        if isinstance(place, tuple)  # not the variable of a layer that learns nothing
    }
    return lambda place: known[place]
