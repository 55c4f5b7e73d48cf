"""The tensors of a group of trials that train as a stack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from trialstack.executors.deferred import initial_value
from trialstack.executors.stacked.epoch import Settings, State, TrainingFunction
from trialstack.executors.stacked.layout import Layout, slots_of
from trialstack.executors.stacked.plan import TrialPlan
from trialstack.executors.stacked.updates import rate_names
from trialstack.trials import Weights


def penalized(plans: Sequence[TrialPlan]) -> tuple[bool, bool]:
    """Whether any of the trials has an L1, an L2 penalty."""
    slots = [slot for plan in plans for slot in slots_of(plan.chain).values()]
    return any(slot.l1 != 0 for slot in slots), any(slot.l2 != 0 for slot in slots)


def state_of(
    plans: Sequence[TrialPlan],
    weights: Sequence[Weights | None],
    layout: Layout,
    function: TrainingFunction,
) -> State:
    """The trials' weights as a stack, and an empty optimizer.

    Args:
        plans: The trials.
        weights: Of each; None = its initial ones.
        layout: Of these trials.
        function: Is going to train or evaluate them.
    """
    packed = layout.pack(weights, plans)
    trained = tf.constant(packed.trained)
    moving = [tf.constant(block) for block in packed.moving]
    return State(trained, moving, function.optimizer.initial_slots(trained), tf.constant(0))


def settings_of(plans: Sequence[TrialPlan], layout: Layout, function: TrainingFunction) -> Settings:
    """The numbers that each trial has for itself."""
    has_l1, has_l2 = function.penalized
    links = [plan.chain.links for plan in plans]
    return Settings(
        [_column([_rate(plan.optimizer, name) for plan in plans]) for name in
         rate_names(plans[0].optimizer)],
        # Of all such stacks: a part of one may have nobody with a penalty.
        [tf.constant(layout.spread(lambda slot: slot.l1))] if has_l1 else [],
        [tf.constant(layout.spread(lambda slot: slot.l2))] if has_l2 else [],
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


def _column(values: Sequence[float]) -> Any:
    return tf.constant(values, tf.float32)[:, None]


def _rate(optimizer: Any, name: str) -> float:
    if name == "learning_rate":
        return float(initial_value(optimizer._learning_rate))
    return float(getattr(optimizer, name))


def _width_before(plan: TrialPlan, i: int) -> int:
    """Units that come into a link of a trial."""
    width = plan.chain.width(int(plan.fit.x.shape[1]))
    for link in plan.chain.links[:i]:
        if link.kind == "dense":
            width = link.slots[0].shape[1]
    return width


def _mask(widths: Sequence[int]) -> Any:
    units = np.arange(max(widths))
    return tf.constant((units < np.array(widths)[:, None])[:, None, :].astype(np.float32))
