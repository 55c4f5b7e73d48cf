"""One epoch of a stack as a single TensorFlow function, traced once for all stacks of a kind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from trialstack.executors.stacked.draws import draw
from trialstack.executors.stacked.layout import Cuts, slots_of
from trialstack.executors.stacked.losses import outputs_of, penalties, row_losses
from trialstack.executors.stacked.network import StackedNetwork
from trialstack.executors.stacked.plan import TrialPlan
from trialstack.executors.stacked.updates import StackedOptimizer, rate_names


class Rows(NamedTuple):
    """Rows of data as tensors.

    Attributes:
        x: Shape `(rows, features)`, preprocessed.
        y: Targets, shape `(rows, outputs)` or `(rows,)`.
        weight: Weight of each row's loss, shape `(rows,)`.
    """

    x: Any
    y: Any
    weight: Any


class Settings(NamedTuple):
    """Numbers that differ from trial to trial, as tensors with a leading trials axis.

    Attributes:
        rates: Of the optimizer, each `(trials, 1)`, in the order of `rate_names`.
        l1: Factor of each trained number's L1 penalty, `(trials, numbers)`; empty if none has one.
        l2: Likewise.
        noise: Rate of each link that draws random numbers, float64, each `(trials, 1, 1)`.
        seeds: State of each such link's seed generator, int64, each `(trials, 2)`.
        widths: Units that come into each such link, int32, each `(trials,)`.
        masks: For each link that must be masked, shape `(trials, 1, units)`.
    """

    rates: Sequence[Any]
    l1: Sequence[Any]
    l2: Sequence[Any]
    noise: Sequence[Any]
    seeds: Sequence[Any]
    widths: Sequence[Any]
    masks: Sequence[Any]


class State(NamedTuple):
    """What an epoch changes.

    Attributes:
        weights: All that is trained, shape `(trials, numbers)`; see `Layout`.
        moving: Parameters that follow the data, each `(trials, 1, units)`.
        slots: The optimizer's memory.
        step: Steps made so far.
    """

    weights: Any
    moving: Sequence[Any]
    slots: Sequence[Any]
    step: Any


class TrainingFunction:
    """Trains and evaluates stacks of one kind.

    Args:
        plan: Of any trial of such stacks.
        penalized: Whether any trial of the stacks has an L1, an L2 penalty.
    """

    def __init__(self, plan: TrialPlan, penalized: tuple[bool, bool]) -> None:
        links = plan.chain.links
        self._plan = plan
        self.penalized = penalized
        self._network = StackedNetwork(plan.chain)
        self._trained = [slot.trainable for slot in slots_of(plan.chain).values()]
        self.drawing = [i for i, link in enumerate(links) if link.kind in {"dropout", "noise"}]
        self.masked = self._network.masked_links
        self.optimizer = StackedOptimizer(plan.optimizer)
        self.epoch = _TracedOnce(self._epoch)
        self.evaluate = _TracedOnce(self._evaluate)
        self.outputs = _TracedOnce(self._outputs)

    def _forward(
        self, x: Any, parameters: Sequence[Any], settings: Settings, step: Any, training: bool
    ) -> tuple[Any, dict[int, Any]]:
        rates = dict(zip(self.drawing, settings.noise, strict=True))
        masks = dict(zip(self.masked, settings.masks, strict=True))
        seeds = dict(zip(self.drawing, settings.seeds, strict=True))
        widths = dict(zip(self.drawing, settings.widths, strict=True))

        def noise(i: int, x: Any) -> Any:
            normal = self._plan.chain.links[i].kind == "noise"
            return draw(seeds[i], step, widths[i], tf.shape(x)[1:], normal)

        return self._network(x[None], parameters, rates, masks, training=training, noise=noise)

    def _loss(self, rows: Rows, values: Any) -> Any:
        """Loss of each trial without its penalties, shape `(trials,)`."""
        losses = row_losses(self._plan.loss, self._plan.chain.output, rows.y, values)
        return tf.reduce_mean(losses * rows.weight, axis=1)

    def _cut(self, weights: Any, cuts: Cuts) -> list[Any]:
        """The trained parameters out of the one tensor of all."""
        n_parameters = sum(self._trained)
        pieces = tf.split(weights, cuts.sizes, axis=1, num=n_parameters)
        shapes = tf.unstack(cuts.shapes, num=n_parameters)
        parameters = [tf.reshape(p, shape) for p, shape in zip(pieces, shapes, strict=True)]
        for parameter in parameters:
            parameter.set_shape([None, None, None])
        return parameters

    def _parameters(self, trained: Sequence[Any], moving: Sequence[Any]) -> list[Any]:
        """All parameters, in the order of `slots_of`."""
        own, others = iter(trained), iter(moving)
        return [next(own) if is_trained else next(others) for is_trained in self._trained]

    def _epoch(
        self,
        state: State,
        settings: Settings,
        cuts: Cuts,
        rows: Rows,
        order: Any,
        batch_size: Any,
        total: Any,
    ) -> tuple[State, Any, Any]:
        """Passes over the rows in the given order: those of an epoch, or of a part of one.

        Returns:
            The new state; `total`, each trial's loss summed over the epoch's rows so far, shape
            `(trials,)`, of which Keras reports the mean; and the outputs on every row at the time
            it was trained on, `(rows, trials, outputs)`.
        """
        n_rows = tf.shape(order)[0]
        seen = tf.TensorArray(
            tf.float32, size=-(-n_rows // batch_size), element_shape=None, infer_shape=False
        )

        def more(start: Any, *_: Any) -> Any:
            return start < n_rows

        def train(start: Any, total: Any, seen: Any, state: State) -> tuple[Any, Any, Any, State]:
            at = order[start : start + batch_size]
            batch = Rows(*(tf.gather(part, at) for part in rows))
            state, loss, outputs = self._train_step(state, settings, cuts, batch)
            count = tf.cast(tf.shape(at)[0], tf.float32)
            seen = seen.write(start // batch_size, tf.transpose(outputs, (1, 0, 2)))
            return start + batch_size, total + loss * count, seen, state

        shapes = (
            tf.TensorShape([]),
            tf.TensorShape([None]),
            tf.TensorShape(None),
            tf.nest.map_structure(_unknown_sizes, state),
        )
        _, total, seen, state = tf.while_loop(
            more,
            train,
            (tf.constant(0), total, seen, state),
            shape_invariants=shapes,
            parallel_iterations=1,
        )
        return state, total, seen.concat()

    def _train_step(
        self, state: State, settings: Settings, cuts: Cuts, batch: Rows
    ) -> tuple[State, Any, Any]:
        trained = self._cut(state.weights, cuts)
        parameters = self._parameters(trained, state.moving)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(trained)
            values, updates = self._forward(
                batch.x, parameters, settings, state.step, training=True
            )
            loss = self._loss(batch, values)
            # The sum's gradient is each trial's own; a mean over trials would couple them.
            total = tf.reduce_sum(loss)
        gradients = tape.gradient(total, trained, unconnected_gradients="zero")
        flat = tf.stack([tf.shape(state.weights)[0], -1])
        gradient = tf.concat([tf.reshape(part, flat) for part in gradients], axis=1)
        penalty, of_penalty = penalties(state.weights, settings.l1, settings.l2)
        rates = dict(zip(rate_names(self._plan.optimizer), settings.rates, strict=True))
        weights, slots = self.optimizer.step(
            tf.add_n([gradient, *of_penalty]), state.weights, state.slots, state.step, rates
        )
        moving = [
            updates.get(k, parameter)
            for k, (parameter, is_trained) in enumerate(zip(parameters, self._trained, strict=True))
            if not is_trained
        ]
        outputs = outputs_of(self._plan.chain.output, values)
        return State(weights, moving, slots, state.step + 1), loss + penalty, outputs

    def _evaluate(
        self, weights: Any, moving: Sequence[Any], settings: Settings, cuts: Cuts, rows: Rows
    ) -> tuple[Any, Any]:
        """Loss of each trial and outputs, `(trials, rows, outputs)`, on one batch of rows."""
        values = self._inference(weights, moving, settings, cuts, rows.x)
        penalty, _ = penalties(weights, settings.l1, settings.l2)
        return self._loss(rows, values) + penalty, outputs_of(self._plan.chain.output, values)

    def _outputs(
        self, weights: Any, moving: Sequence[Any], settings: Settings, cuts: Cuts, x: Any
    ) -> Any:
        values = self._inference(weights, moving, settings, cuts, x)
        return outputs_of(self._plan.chain.output, values)

    def _inference(
        self, weights: Any, moving: Sequence[Any], settings: Settings, cuts: Cuts, x: Any
    ) -> Any:
        parameters = self._parameters(self._cut(weights, cuts), moving)
        values, _ = self._forward(x, parameters, settings, tf.constant(0), training=False)
        return values


_TRACING = threading.Lock()
"""Held while tracing, which changes Keras' optimizer for a while, as two threads may begin it."""


class _TracedOnce:
    """A function of tensors that is traced at its first call, for tensors of any size."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._traced: Any = None

    def __call__(self, *arguments: Any) -> Any:
        with _TRACING:
            if self._traced is None:
                signature = tf.nest.map_structure(_any_size, arguments)
                traced = tf.function(self._function, input_signature=signature, autograph=False)
                # It warns of one method that is traced often: once for every kind of stack.
                traced._omit_frequent_tracing_warning = True
                traced.get_concrete_function(*arguments)
                self._traced = traced
        return self._traced(*arguments)


def _any_size(tensor: Any) -> Any:
    return tf.TensorSpec([None] * len(tensor.shape), tensor.dtype)


def _unknown_sizes(tensor: Any) -> Any:
    return tf.TensorShape([None] * len(tensor.shape))
