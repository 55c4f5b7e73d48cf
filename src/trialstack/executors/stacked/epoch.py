"""One epoch of a stack as a single TensorFlow function, traced once for all stacks of a kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from trialstack.executors.stacked.losses import outputs_of, penalties, row_losses
from trialstack.executors.stacked.network import StackedNetwork, slots_of
from trialstack.executors.stacked.plan import TrialPlan
from trialstack.executors.stacked.updates import StackedOptimizer


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
        rates: Of the optimizer, each `(trials, 1, 1)`, in the order of `TrainingFunction.rates`.
        l1: Factor for each parameter that has an L1 penalty in this stack, each `(trials,)`.
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
    """What an epoch changes: parameters, the optimizer's memory, and the steps made so far."""

    parameters: Sequence[Any]
    slots: Sequence[Any]
    step: Any


class TrainingFunction:
    """Trains and evaluates stacks of one kind.

    Args:
        plan: Of any trial of such stacks.
        penalized: For each parameter, whether any trial of the stacks has an L1, an L2 penalty.
    """

    def __init__(self, plan: TrialPlan, penalized: Sequence[tuple[bool, bool]]) -> None:
        links = plan.chain.links
        self._plan = plan
        self.penalized = penalized
        self._network = StackedNetwork(plan.chain)
        self.places = slots_of(plan.chain)
        self.trained = [links[i].slots[j].trainable for i, j in self.places]
        self.drawing = [i for i, link in enumerate(links) if link.kind in {"dropout", "noise"}]
        self.masked = self._network.masked_links
        self.optimizer = StackedOptimizer(plan.optimizer, sum(self.trained))
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
            return _draw(seeds[i], step, widths[i], tf.shape(x)[1:], normal)

        return self._network(x[None], parameters, rates, masks, training=training, noise=noise)

    def _loss(self, rows: Rows, values: Any, parameters: Sequence[Any], settings: Settings) -> Any:
        """Loss of each trial with its penalties, shape `(trials,)`."""
        losses = row_losses(self._plan.loss, self._plan.chain.output, rows.y, values)
        mean = tf.reduce_mean(losses * rows.weight, axis=1)
        l1, l2 = iter(settings.l1), iter(settings.l2)
        factors = [
            (next(l1) if has_l1 else None, next(l2) if has_l2 else None)
            for has_l1, has_l2 in self.penalized
        ]
        return mean + penalties(parameters, *zip(*factors, strict=True))

    def _epoch(
        self, state: State, settings: Settings, rows: Rows, order: Any, batch_size: Any
    ) -> tuple[State, Any, Any]:
        """Passes over the rows in the given order.

        Returns:
            The new state, the mean loss of each trial as Keras reports it, shape `(trials,)`, and
            the outputs on every row at the time it was trained on, `(rows, trials, outputs)`.
        """
        n_rows = tf.shape(order)[0]
        trials = tf.shape(state.parameters[0])[0]
        seen = tf.TensorArray(
            tf.float32, size=-(-n_rows // batch_size), element_shape=None, infer_shape=False
        )

        def more(start: Any, *_: Any) -> Any:
            return start < n_rows

        def train(start: Any, total: Any, seen: Any, state: State) -> tuple[Any, Any, Any, State]:
            at = order[start : start + batch_size]
            batch = Rows(*(tf.gather(part, at) for part in rows))
            state, loss, outputs = self._train_step(state, settings, batch)
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
            (tf.constant(0), tf.zeros((trials,)), seen, state),
            shape_invariants=shapes,
            parallel_iterations=1,
        )
        return state, total / tf.cast(n_rows, tf.float32), seen.concat()

    def _train_step(self, state: State, settings: Settings, batch: Rows) -> tuple[State, Any, Any]:
        trained = [p for p, own in zip(state.parameters, self.trained, strict=True) if own]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(trained)
            values, updates = self._forward(
                batch.x, state.parameters, settings, state.step, training=True
            )
            loss = self._loss(batch, values, state.parameters, settings)
            # The sum's gradient is each trial's own; a mean over trials would couple them.
            total = tf.reduce_sum(loss)
        gradients = tape.gradient(total, trained, unconnected_gradients="zero")
        rates = dict(zip(rate_names(self._plan.optimizer), settings.rates, strict=True))
        new, slots = self.optimizer.step(gradients, trained, state.slots, state.step, rates)
        own = iter(new)
        parameters = [
            next(own) if is_trained else updates.get(k, parameter)
            for k, (parameter, is_trained) in enumerate(
                zip(state.parameters, self.trained, strict=True)
            )
        ]
        outputs = outputs_of(self._plan.chain.output, values)
        return State(parameters, slots, state.step + 1), loss, outputs

    def _evaluate(
        self, parameters: Sequence[Any], settings: Settings, rows: Rows
    ) -> tuple[Any, Any]:
        """Loss of each trial and outputs, `(trials, rows, outputs)`, on one batch of rows."""
        values, _ = self._forward(rows.x, parameters, settings, tf.constant(0), training=False)
        loss = self._loss(rows, values, parameters, settings)
        return loss, outputs_of(self._plan.chain.output, values)

    def _outputs(self, parameters: Sequence[Any], settings: Settings, x: Any) -> Any:
        values, _ = self._forward(x, parameters, settings, tf.constant(0), training=False)
        return outputs_of(self._plan.chain.output, values)


class _TracedOnce:
    """A function of tensors that is traced at its first call, for tensors of any size."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._traced: Any = None

    def __call__(self, *arguments: Any) -> Any:
        if self._traced is None:
            signature = tf.nest.map_structure(_any_size, arguments)
            self._traced = tf.function(self._function, input_signature=signature, autograph=False)
        return self._traced(*arguments)


def _any_size(tensor: Any) -> Any:
    return tf.TensorSpec([None] * len(tensor.shape), tensor.dtype)


def rate_names(optimizer: Any) -> tuple[str, ...]:
    """The numbers of an optimizer that each trial of a stack has for itself."""
    from trialstack.executors.stacked.plan import OF_A_TRIAL

    decay = ("weight_decay",) if optimizer.weight_decay is not None else ()
    return ("learning_rate", *decay, *OF_A_TRIAL.get(type(optimizer).__name__, ()))


def _unknown_sizes(tensor: Any) -> Any:
    return tf.TensorShape([None] * len(tensor.shape))


def _draw(seeds: Any, step: Any, widths: Any, shape: Any, normal: bool) -> Any:
    """The random numbers that each trial's own layer would have drawn at this step.

    A trial's numbers depend on the shape that they are drawn in, so they are drawn for its own
    width and padded.

    Returns:
        Shape `(trials, rows, units)`.
    """
    n_rows, units = shape[0], shape[1]
    advanced = seeds + tf.stack([tf.constant(0, tf.int64), tf.cast(step, tf.int64)])
    advanced = tf.cast(tf.math.floormod(advanced, tf.int32.max - 1), tf.int32)

    def of_trial(arguments: tuple[Any, Any]) -> Any:
        seed, width = arguments
        draw = tf.random.stateless_normal if normal else tf.random.stateless_uniform
        drawn = draw((n_rows, width), seed=seed)
        return tf.pad(drawn, [[0, 0], [0, units - width]])

    return tf.map_fn(of_trial, (advanced, widths), fn_output_signature=tf.float32)
