"""Which trials share a stack, so that little of it is padding."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trialstack.executors.stacked.layout import slots_of
from trialstack.executors.stacked.plan import TrialPlan

STACK_COST = 300_000
"""What one more stack costs beside its arithmetic, in weights trained by a step.

Measured on two cores, on whole searches of 100 to 1,000 trials: 100,000 makes too many stacks,
whose dispatch, validation and bookkeeping take longer than the padding that they save. Where stacks
train side by side, half as much is right.
"""

Shapes = NDArray[np.float64]
"""Rows and columns of each parameter of each trial, shape `(trials, parameters, 2)`."""

Places = NDArray[np.intp]
"""Places of a group's trials in the list of all."""


def groups_of(plans: Sequence[TrialPlan], at_a_time: int) -> list[list[TrialPlan]]:
    """Divides trials of one kind into stacks at little cost of a training step.

    A stack of n trials costs n times the weights of a model as large as its largest in every
    dimension, and `STACK_COST`. Groups are cut in two at the best place along the best dimension,
    and the halves again, as a decision tree is grown; then cuts that do not pay are taken back.

    Args:
        plans: Trials of one kind.
        at_a_time: Stacks that can train side by side; there are to be as many where they are large.

    Returns:
        The groups, smaller trials first.
    """
    plans = sorted(plans, key=lambda plan: plan.size)
    shapes = np.array([_shapes(plan) for plan in plans], dtype=float)
    stack_cost = STACK_COST if at_a_time == 1 else STACK_COST / 2
    groups = _divided(shapes, np.arange(len(plans)), stack_cost)
    while len(groups) < at_a_time:
        groups.sort(key=lambda group: _weights(shapes[group]))
        largest = groups[-1]
        if len(largest) < 2 or _weights(shapes[largest]) < 4 * stack_cost:
            break
        groups[-1:] = [largest[half] for half in _best_cut(shapes[largest])]
    groups.sort(key=lambda group: _weights(shapes[group]) / len(group))
    return [[plans[k] for k in sorted(group)] for group in groups]


def _divided(shapes: Shapes, group: Places, stack_cost: float) -> list[Places]:
    own = shapes[group]
    whole = _weights(own) + stack_cost
    # Even without any padding a cut costs one more stack.
    if len(group) < 2 or whole <= own.prod(axis=2).sum() + 2 * stack_cost:
        return [group]
    halves = _best_cut(own)
    parts = [part for half in halves for part in _divided(shapes, group[half], stack_cost)]
    return parts if sum(_weights(shapes[p]) + stack_cost for p in parts) < whole else [group]


def _best_cut(own: Shapes) -> tuple[Places, Places]:
    """The two halves of a group, as places in it, that cost least together."""
    best = np.inf, np.arange(0), np.arange(0)
    dimensions = np.unique(own.reshape(len(own), -1), axis=1)
    for sizes in dimensions.T:
        order = np.argsort(sizes, kind="stable")
        in_order = own[order]
        left = np.maximum.accumulate(in_order, axis=0)
        right = np.maximum.accumulate(in_order[::-1], axis=0)[::-1]
        counts = np.arange(1, len(own))
        costs = left[:-1].prod(axis=2).sum(axis=1) * counts
        costs += right[1:].prod(axis=2).sum(axis=1) * counts[::-1]
        # Of cuts that cost the same, as all do among equal trials, the one nearest to the middle.
        cut = int(np.lexsort((np.abs(counts - len(own) / 2), costs))[0])
        if costs[cut] < best[0]:
            best = float(costs[cut]), order[: cut + 1], order[cut + 1 :]
    return best[1], best[2]


def _weights(own: Shapes) -> float:
    """What a step of a stack trains, padding included."""
    return float(len(own) * own.max(axis=0).prod(axis=1).sum())


def _shapes(plan: TrialPlan) -> list[tuple[int, int]]:
    shapes = [slot.shape for slot in slots_of(plan.chain).values()]
    return [(math.prod(shape[:-1]), shape[-1]) for shape in shapes]
