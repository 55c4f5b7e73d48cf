"""The tensors of a group of trials: padding them into a stack, and taking them out again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from trialstack.executors.deferred import initial_value
from trialstack.executors.stacked.epoch import Settings, State, TrainingFunction, rate_names
from trialstack.executors.stacked.plan import TrialPlan
from trialstack.trials import Weights


def penalized(plans: Sequence[TrialPlan]) -> list[tuple[bool, bool]]:
    """For each parameter, whether any of the trials penalises it by L1, by L2."""
    slots = [[s for link in plan.chain.links for s in link.slots] for plan in plans]
    return [
        (any(s.l1 != 0 for s in same), any(s.l2 != 0 for s in same))
        for same in zip(*slots, strict=True)
    ]


def initial_state(plans: Sequence[TrialPlan], function: TrainingFunction) -> State:
    """Every trial's own initial weights, padded to the widest, and an empty optimizer."""
    parameters = [_padded(plans, place) for place in function.places]
    trained = [p for p, own in zip(parameters, function.trained, strict=True) if own]
    return State(parameters, function.optimizer.initial_slots(trained), tf.constant(0))


def settings_of(plans: Sequence[TrialPlan], function: TrainingFunction) -> Settings:
    """The numbers that each trial has for itself."""
    slots = [[s for link in plan.chain.links for s in link.slots] for plan in plans]
    by_parameter = list(zip(*slots, strict=True))

    def factors(name: str, index: int) -> list[Any]:
        return [
            tf.constant([getattr(slot, name) for slot in same], tf.float32)
            # Of all such stacks: a part of one may have nobody with a penalty.
            for same, has in zip(by_parameter, function.penalized, strict=True)
            if has[index]
        ]

    links = [plan.chain.links for plan in plans]
    return Settings(
        [_column([_rate(plan.optimizer, name) for plan in plans]) for name in
         rate_names(plans[0].optimizer)],
        factors("l1", 0),
        factors("l2", 1),
        [
            tf.constant([chain[i].rate for chain in links], tf.float64)[:, None, None]
            for i in function.drawing
        ],
        [
            tf.constant(np.stack([initial_value(chain[i].seed) for chain in links]), tf.int64)
            for i in function.drawing
        ],
        [tf.constant([_width_before(p, i) for p in plans], tf.int32) for i in function.drawing],
        [_mask([_width_before(p, i) for p in plans]) for i in function.masked],
    )  # fmt: skip


def rows_of(tree: Any, keep: NDArray[np.intp]) -> Any:
    """The same tensors for some of the trials."""
    return tf.nest.map_structure(lambda tensor: tf.gather(tensor, keep), tree)


def trial_weights(plan: TrialPlan, index: int, arrays: Sequence[NDArray[Any]]) -> Weights:
    """A trial's weights out of a stack, copied, in `get_weights()` order of its own model.

    Args:
        plan: The trial.
        index: Its place in the stack.
        arrays: The stack's parameters.
    """
    offsets = np.cumsum([0, *(len(link.slots) for link in plan.chain.links)])
    weights = []
    for place in plan.chain.weights:
        if isinstance(place, tuple):
            i, j = place
            shape = plan.chain.links[i].slots[j].shape
            padded = arrays[offsets[i] + j][index]
            padded = padded if len(shape) == 2 else padded[0]
            weights.append(padded[tuple(slice(size) for size in shape)].copy())
        else:
            weights.append(initial_value(place))
    return weights


def stacked_weights(plans: Sequence[TrialPlan], weights: Sequence[Weights]) -> list[Any]:
    """The stack's parameters made of trials' weights: the way back of `trial_weights`."""
    values: list[dict[tuple[int, int], NDArray[Any]]] = [
        {p: a for p, a in zip(plan.chain.weights, own, strict=True) if isinstance(p, tuple)}
        for plan, own in zip(plans, weights, strict=True)
    ]
    places = [(i, j) for i, link in enumerate(plans[0].chain.links) for j in range(len(link.slots))]
    return [
        _padded(plans, place, lambda k, place=place: values[k][place])  # type: ignore[misc]
        for place in places
    ]


def _padded(
    plans: Sequence[TrialPlan],
    place: tuple[int, int],
    value: Callable[[int], NDArray[Any]] | None = None,
) -> Any:
    """One parameter of all trials, `(trials, in, out)` or `(trials, 1, units)`."""
    i, j = place
    slots = [plan.chain.links[i].slots[j] for plan in plans]
    shapes = [slot.shape if len(slot.shape) == 2 else (1, *slot.shape) for slot in slots]
    largest = tuple(max(sizes) for sizes in zip(*shapes, strict=True))
    stack = np.full((len(plans), *largest), slots[0].padding, np.float32)
    for k, (slot, shape) in enumerate(zip(slots, shapes, strict=True)):
        array = value(k) if value else initial_value(slot.variable)
        corner = tuple(slice(size) for size in shape)
        stack[k][corner] = np.reshape(array, shape)
    return tf.constant(stack)


def _column(values: Sequence[float]) -> Any:
    return tf.constant(values, tf.float32)[:, None, None]


def _rate(optimizer: Any, name: str) -> float:
    if name == "learning_rate":
        return float(initial_value(optimizer._learning_rate))
    return float(getattr(optimizer, name))


def _width_before(plan: TrialPlan, i: int) -> int:
    """Units that come into a link of a trial."""
    width = int(plan.fit.x.shape[1])
    for link in plan.chain.links[:i]:
        if link.kind == "dense":
            width = link.slots[0].shape[1]
    return width


def _mask(widths: Sequence[int]) -> Any:
    units = np.arange(max(widths))
    return tf.constant((units < np.array(widths)[:, None])[:, None, :].astype(np.float32))
