"""Trials that train together, all at the same epoch; those that stop leave."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from trialstack.executors.base import Tell, TrainingJob
from trialstack.executors.batch_order import epoch_order
from trialstack.executors.stacked.epoch import TrainingFunction
from trialstack.executors.stacked.feed import Feed
from trialstack.executors.stacked.layout import Layout, Packed
from trialstack.executors.stacked.member import Member
from trialstack.executors.stacked.memory import VALIDATED_TOGETHER
from trialstack.executors.stacked.metrics import Counts
from trialstack.executors.stacked.monitors import Monitors, StandInModel
from trialstack.executors.stacked.plan import TrialPlan
from trialstack.executors.stacked.stack import rows_of, settings_of, state_of
from trialstack.trials import Started, TrialSpec

TELL_EVERY = 1.0
"""Seconds between two blocks of epochs of a trial: the pages fill, and nobody counts rows."""
TELLING_TAKES = 0.02
"""Seconds a trial by which these blocks are further apart, so that telling stays a side matter."""
PROBED_TOGETHER = 16
"""Trials whose pictures are computed at once; bounds the memory that takes."""
COMPACT_BELOW = 0.75
"""Share of a stack's trials still running under which the others are taken out of its tensors."""


class Epoch(NamedTuple):
    """What one epoch has made of a stack.

    Attributes:
        rows: Name of a metric -> one value a trial.
        weights: After it.
        time: Of its end, seconds since 1970.
    """

    rows: dict[str, NDArray[np.float32]]
    weights: Packed
    time: float


class Data(NamedTuple):
    """What all stacks of a search read.

    Attributes:
        train: Training rows.
        validation: Validation rows, if there are any.
        probe: The job's probe points, a tensor `(points, features)`, preprocessed; None without.
    """

    train: Feed
    validation: Feed | None
    probe: Any


class Cohort:
    """A stack in training.

    Args:
        plans: Its trials.
        function: Trains stacks of this kind.
        data: Training rows, validation rows and points to evaluate finished trials at.
        job: What the trials have in common.
        teller: Gives for a trial what takes its events.
    """

    def __init__(
        self,
        plans: Sequence[TrialPlan],
        function: TrainingFunction,
        data: Data,
        job: TrainingJob,
        teller: Callable[[TrialSpec], Tell],
    ) -> None:
        self._function = function
        self._train, self._validation, self._probe_points = data
        self._fit = plans[0].fit
        self._metrics = plans[0].metrics
        self._outputs = plans[0].outputs
        self._job = job
        self._epoch = 0
        self._rows_seen = 0  # of the epoch in training
        self._last_told = time.monotonic()
        self.layout = Layout(plans)
        self._state = state_of(plans, [None] * len(plans), self.layout, function)
        self._settings = settings_of(plans, self.layout, function)
        self._members: list[Member | None] = []
        for plan in plans:
            rate = float(self._settings.rates[0][len(self._members), 0])
            monitors = Monitors(
                plan.fit.callbacks, StandInModel(rate, plan.metrics), plan.fit.epochs
            )
            self._members.append(Member(plan, monitors, job.objective, teller(plan.spec)))
        for plan, member in zip(plans, self._members, strict=True):
            assert member is not None
            member.tell(Started(plan.spec.trial_id, time.time()))

    @property
    def running(self) -> int:
        """Trials that are not at their end."""
        return sum(member is not None for member in self._members)

    @property
    def epochs_passed(self) -> float:
        """Epochs made, and the share of rows that the one in training has seen; for any thread."""
        rows = len(self._train) + (len(self._validation) if self._validation is not None else 0)
        return self._epoch + self._rows_seen / rows

    def begin_epoch(self) -> None:
        """Asks the trials' callbacks for the learning rates of the next epoch."""
        self._set_learning_rates()

    def train(self) -> Epoch:
        """Trains all trials by one epoch; it may run in another thread, and tells nothing."""
        rows = self._epoch_rows()
        moving = [block.numpy() for block in self._state.moving]
        return Epoch(rows, Packed(self._state.weights.numpy(), moving), time.time())

    def end_epoch(self, epoch: Epoch) -> None:
        """Takes an epoch that was trained, and tells the trials that end with it."""
        for index, member in self._running():
            row = {name: float(values[index]) for name, values in epoch.rows.items()}
            member.take_row(row, epoch.time, partial(epoch.weights.row, index))
        self._rows_seen = 0
        self._epoch += 1
        self._tell_blocks()
        self._end([index for index, member in self._running() if member.ended])
        self._compact()

    def dissolve(self) -> list[tuple[TrialSpec, int]]:
        """Gives up; returns those that are not at their end, and how many epochs were told."""
        left = [(member.plan.spec, member.told) for _, member in self._running()]
        self._members = []
        return left

    def drop(self, trials: Container[tuple[str, int]]) -> None:
        """Lets go of trials, given by id and attempt, without a word."""
        for index, member in self._running():
            if (member.plan.spec.trial_id, member.plan.spec.attempt) in trials:
                self._members[index] = None

    def _running(self) -> Iterator[tuple[int, Member]]:
        return ((i, member) for i, member in enumerate(self._members) if member is not None)

    def _set_learning_rates(self) -> None:
        rates = np.array(self._settings.rates[0])
        for index, member in self._running():
            rates[index] = member.monitors.epoch_begins(self._epoch)
        self._settings = self._settings._replace(
            rates=[tf.constant(rates), *self._settings.rates[1:]]
        )

    def _epoch_rows(self) -> dict[str, NDArray[np.float32]]:
        """Runs the epoch: name of a metric -> one value a trial."""
        n_rows, batch_size = len(self._train), self._fit.batch_size
        order = (
            epoch_order(self._job.search_seed, self._epoch, n_rows)
            if self._fit.shuffle
            else np.arange(n_rows)
        )
        total: Any = tf.zeros((len(self._members),))
        counts = self._no_counts()
        predictions = len(self._members) * self._outputs
        for rows, at, y in self._train.pieces(order, batch_size, predictions):
            self._state, total, seen = self._function.epoch(
                self._state,
                self._settings,
                self.layout.cuts,
                rows,
                at,
                tf.constant(batch_size),
                total,
            )
            self._count(counts, y, np.ascontiguousarray(seen.numpy().transpose(1, 0, 2)))
            self._rows_seen += len(y)
        values = self._values_of(counts)
        values["loss"] = total.numpy() / np.float32(n_rows)
        if self._validation is not None:
            validated = self._validate(self._validation)
            values |= {f"val_{name}": value for name, value in validated.items()}
        return values

    def _validate(self, feed: Feed) -> dict[str, NDArray[np.float32]]:
        """Metrics on all rows, and the loss as Keras reports it over batches."""
        total: Any = 0.0
        counts = self._no_counts()
        # Without penalties the loss is a mean over rows, whatever the batches.
        for rows, y in feed.batches(max(self._fit.validation_batch_size, VALIDATED_TOGETHER)):
            loss, output = self._function.evaluate(
                self._state.weights, self._state.moving, self._settings, self.layout.cuts, rows
            )
            total = total + loss.numpy() * np.float32(len(y))
            self._count(counts, y, output.numpy())
            self._rows_seen += len(y)
        return {**self._values_of(counts), "loss": (total / np.float32(len(feed))).astype("f4")}

    def _no_counts(self) -> list[Counts | int]:
        return [0] * len(self._metrics)

    def _count(
        self, counts: list[Counts | int], y: NDArray[Any], predictions: NDArray[np.float32]
    ) -> None:
        """Adds what some rows contribute to each metric."""
        for place, metric in enumerate(self._metrics):
            counts[place] = counts[place] + metric.count(y, predictions)

    def _values_of(self, counts: list[Counts | int]) -> dict[str, NDArray[np.float32]]:
        pairs = zip(self._metrics, counts, strict=True)
        return {metric.name: metric.value(np.asarray(count)) for metric, count in pairs}

    def _tell_blocks(self) -> None:
        """Tells new epochs of those that end, and now and then of all."""
        late = time.monotonic() - self._last_told > max(TELL_EVERY, self.running * TELLING_TAKES)
        if late:
            self._last_told = time.monotonic()
        for _, member in self._running():
            if late or member.ended:
                member.tell_rows()

    def _end(self, ended: Sequence[int]) -> None:
        """Tells the end of trials, and lets them go."""
        members = {index: member for index in ended if (member := self._members[index])}
        best = {index: member.best for index, member in members.items() if member.best}
        probed = self._probe({k: row for k, row in best.items() if not members[k].failure})
        for index, member in members.items():
            self._members[index] = None
            row = best.get(index)
            weights = self.layout.unpack(member.plan, 0, row) if row else None
            member.tell_end(weights, probed.get(index))

    def _probe(self, rows: Mapping[int, Packed]) -> dict[int, NDArray[np.float32]]:
        """Outputs of trials, given by index with their weights, at the job's probe points."""
        if self._probe_points is None:
            return {}
        outputs: dict[int, NDArray[np.float32]] = {}
        for start in range(0, len(rows), PROBED_TOGETHER):
            some = [*rows][start : start + PROBED_TOGETHER]
            packed = Packed.joined([rows[index] for index in some])
            found = self._function.outputs(
                tf.constant(packed.trained),
                [tf.constant(block) for block in packed.moving],
                rows_of(self._settings, np.array(some)),
                self.layout.cuts,
                self._probe_points,
            )
            outputs |= zip(some, found.numpy(), strict=True)
        return outputs

    def _compact(self) -> None:
        """Takes trials that have ended out of the tensors, when enough of them have."""
        running = self.running
        if not running or running > COMPACT_BELOW * len(self._members):
            return
        keep = np.array([index for index, _ in self._running()])
        weights, moving = rows_of((self._state.weights, self._state.moving), keep)
        flags = self._function.optimizer.belongs_to_trials()
        slots = [
            tf.gather(slot, keep) if own else slot
            for slot, own in zip(self._state.slots, flags, strict=True)
        ]
        self._state = self._state._replace(weights=weights, moving=moving, slots=slots)
        self._settings = rows_of(self._settings, keep)
        self._members = [self._members[index] for index in keep]
