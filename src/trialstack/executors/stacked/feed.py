"""The rows of a table as stacks read them: preprocessed, and of a large table some at a time.

A table that is not large becomes tensors once, which all trials and epochs share. Of a larger one
nothing is copied for longer than it is read: rows are gathered from the user's own array, in the
order of an epoch, for a few training steps at a time, and all trials of a stack are trained on
them before the next ones come.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from trialstack.datasets.chosen_rows import MOST_COPIED, NUMBERS_OF_A_PIECE
from trialstack.executors.stacked.epoch import Rows
from trialstack.executors.stacked.plan import TrialPlan
from trialstack.preprocessing.encodings import is_encoding

ENCODED_TOGETHER = 1024
"""Rows whose numbers are encoded at once: on the way they are many times as large."""


class Piece(NamedTuple):
    """Rows of some training steps.

    Attributes:
        rows: They are among these.
        order: Their positions there in the order in which they come, int32, shape `(rows,)`.
        y: Their targets in this order, as the `fit` call has them.
    """

    rows: Rows
    order: Any
    y: NDArray[Any]


class Feed:
    """Rows of a table, with their targets and weights.

    Args:
        plan: Of a trial that reads them; others with the same `rows_key` read the same.
        x: Shape `(rows, features)`.
        y: Their targets.
        weight: Of each row's loss, shape `(rows,)`; None = 1.
    """

    def __init__(
        self, plan: TrialPlan, x: NDArray[Any], y: NDArray[Any], weight: NDArray[Any] | None
    ) -> None:
        self._layers = plan.chain.preprocessing
        self._x, self._y, self._weight = x, y, weight
        self._targets = _targets(plan.loss.kind, y)
        self._width = plan.chain.width(int(x.shape[1]))
        self.is_kept = len(x) * self._width <= MOST_COPIED
        self._kept = self._tensors(slice(None)) if self.is_kept else None

    def __len__(self) -> int:
        return len(self._x)

    def pieces(
        self, order: NDArray[np.int64], batch_size: int, predictions: int
    ) -> Iterator[Piece]:
        """The rows in some order; each piece but the last has whole batches.

        Args:
            order: Positions of rows, shape `(rows,)`.
            batch_size: Rows of a training step.
            predictions: Numbers that all trials together predict for a row.
        """
        numbers = predictions if self.is_kept else max(predictions, self._width)
        size = max(1, NUMBERS_OF_A_PIECE // numbers // batch_size) * batch_size
        for start in range(0, len(order), size):
            at = order[start : start + size]
            if self._kept is not None:
                yield Piece(self._kept, tf.constant(at, tf.int32), self._y[at])
            else:
                yield Piece(self._tensors(at), tf.range(len(at)), self._y[at])

    def batches(self, size: int) -> Iterator[tuple[Rows, NDArray[Any]]]:
        """All rows as they are, so many at a time, each time with their targets."""
        for start in range(0, len(self), size):
            at = slice(start, start + size)
            if self._kept is None:
                rows = self._tensors(at)
            elif len(self) <= size:
                rows = self._kept
            else:
                rows = Rows(*(part[at] for part in self._kept))
            yield rows, self._y[at]

    def _tensors(self, at: slice | NDArray[np.int64]) -> Rows:
        x, y = self._x[at], self._targets[at]
        weight = np.ones(len(x)) if self._weight is None else self._weight[at].reshape(-1)
        weights = tf.constant(np.asarray(weight, np.float32))
        return Rows(preprocessed(self._layers, x), tf.constant(y), weights)


def preprocessed(layers: Sequence[Any], x: NDArray[Any]) -> Any:
    """Rows as they come to the first layer that learns something.

    Args:
        layers: Before that one.
        x: Shape `(rows, features)`.
    """
    if not any(map(is_encoding, layers)):
        return _through(layers, x)
    starts = range(0, max(len(x), 1), ENCODED_TOGETHER)
    parts = [_through(layers, x[start : start + ENCODED_TOGETHER]) for start in starts]
    return tf.concat(parts, axis=0) if len(parts) > 1 else parts[0]


def _through(layers: Sequence[Any], x: NDArray[Any]) -> Any:
    tensor = tf.cast(tf.convert_to_tensor(x), tf.float32)
    for layer in layers:
        tensor = layer(tensor)
    return tensor


def _targets(loss: str, y: NDArray[Any]) -> NDArray[Any]:
    """Targets as a kind of cross-entropy takes them."""
    return y.reshape(-1) if loss == "sparse" else np.asarray(y, np.float32).reshape(len(y), -1)
