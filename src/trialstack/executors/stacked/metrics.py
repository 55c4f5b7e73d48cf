"""Keras' metrics of all trials of a stack at once, from the predictions of an epoch.

Keras adds up counts batch by batch and divides at the end of the epoch; counting the same
predictions in larger pieces gives the same counts. What is divided then is divided in float32, as
there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from trialstack.executors.stacked.reasons import Unstackable

Predictions = NDArray[np.float32]
"""Shape `(trials, rows, outputs)`."""

Counts = NDArray[np.int64]
"""Of some rows, shape `(trials, ...)`; those of further rows are added."""

Values = NDArray[np.float32]
"""One value a trial, shape `(trials,)`."""


Count = Callable[[NDArray[Any], Predictions], Counts]
Value = Callable[[Counts], Values]


@dataclass(frozen=True)
class StackedMetric:
    """A metric of all trials of a stack.

    Attributes:
        name: As Keras logs it.
        key: Equal for metrics that are computed alike.
        keras: Keras' own object, which callbacks may ask for its direction.
        count: From targets, shape `(rows,)` or `(rows, outputs)`, and predictions.
        value: From the counts of all rows.
    """

    name: str
    key: tuple[Any, ...]
    keras: Any
    count: Count
    value: Value


def metrics_of(model: Any, y: NDArray[Any]) -> tuple[StackedMetric, ...]:
    """Reads the metrics that a model was compiled with.

    Args:
        model: Compiled.
        y: Targets: they decide what "accuracy" means.

    Raises:
        Unstackable: One of them is not known here.
    """
    compiled = model._compile_metrics
    metrics = [] if compiled is None else keras.tree.flatten(compiled._user_metrics)
    outputs = int(model.outputs[0].shape[-1])
    return tuple(_metric(metric, y, outputs) for metric in metrics if metric is not None)


def _metric(metric: Any, y: NDArray[Any], outputs: int) -> StackedMetric:
    name = metric if isinstance(metric, str) else getattr(metric, "name", repr(metric))
    if isinstance(metric, str):
        if metric.lower() in {"accuracy", "acc"}:
            metric = _accuracy_for(y, outputs)
        else:
            metric = keras.metrics.get(metric)
    read = _READERS.get(type(metric))
    if read is None:
        raise Unstackable(f"the metric {name}")
    settings, count, value = read(metric)
    metric.name = name
    return StackedMetric(name, (name, type(metric).__name__, *settings), metric, count, value)


def _accuracy_for(y: NDArray[Any], outputs: int) -> Any:
    """What Keras takes the word for."""
    if outputs == 1:
        return keras.metrics.BinaryAccuracy()
    if y.ndim == 2 and y.shape[1] == outputs:
        return keras.metrics.CategoricalAccuracy()
    return keras.metrics.SparseCategoricalAccuracy()


Reader = Callable[[Any], tuple[tuple[Any, ...], Count, Value]]


def _binary_accuracy(metric: Any) -> Any:
    threshold = np.float32(metric._fn_kwargs.get("threshold", 0.5))

    def count(y: NDArray[Any], p: Predictions) -> Counts:
        right = (p > threshold) == _like(y, p)
        return _of_all(right.reshape(len(p), -1))

    return (float(threshold),), count, _share


def _categorical_accuracy(metric: Any) -> Any:
    def count(y: NDArray[Any], p: Predictions) -> Counts:
        return _of_all(p.argmax(axis=2) == y.argmax(axis=1))

    return (), count, _share


def _sparse_accuracy(metric: Any) -> Any:
    def count(y: NDArray[Any], p: Predictions) -> Counts:
        return _of_all(p.argmax(axis=2) == y.reshape(-1))

    return (), count, _share


def _of_all(right: NDArray[np.bool_]) -> Counts:
    """How many are right and how many there are, shape `(trials, 2)`."""
    return np.stack([right.sum(axis=1), np.full(len(right), right.shape[1])], axis=1)


def _share(counts: Counts) -> Values:
    """A mean of zeros and ones, as NumPy takes it."""
    return np.asarray(counts[:, 0] / counts[:, 1], dtype=np.float32)


def _precision_or_recall(metric: Any) -> Any:
    if metric.top_k is not None or metric.class_id is not None or len(metric.thresholds) != 1:
        raise Unstackable(f"{metric.name} with several thresholds, top_k or a class")
    threshold = np.float32(metric.thresholds[0])
    of_predicted = isinstance(metric, keras.metrics.Precision)

    def count(y: NDArray[Any], p: Predictions) -> Counts:
        positive = p > threshold
        true = _like(y, p).astype(bool)
        found = (positive & true).sum(axis=(1, 2))
        of = positive.sum(axis=(1, 2)) if of_predicted else true.sum(axis=(1, 2))
        return np.stack([found, np.broadcast_to(of, found.shape)], axis=1)

    return (float(threshold),), count, lambda counts: _divide(counts[:, 0], counts[:, 1])


def _auc(metric: Any) -> Any:
    if metric.label_weights is not None or metric._from_logits:
        raise Unstackable(f"{metric.name} with label weights or from logits")
    interpolated = metric.summation_method.value == "interpolation"
    if not metric._thresholds_distributed_evenly or not interpolated:
        raise Unstackable(f"{metric.name} with thresholds or a summation of its own")
    curve = metric.curve.value
    if curve not in {"ROC", "PR"}:
        raise Unstackable(f"{metric.name} of the curve {curve}")
    terms = _roc_terms if curve == "ROC" else _pr_terms
    by_label, thresholds = bool(metric.multi_label), int(metric.num_thresholds)

    def count(y: NDArray[Any], p: Predictions) -> Counts:
        true = np.broadcast_to(_like(y, p).astype(bool), (1, *p.shape[1:]))[0]
        if not by_label:
            true, p = true.reshape(-1, 1), p.reshape(len(p), -1, 1)
        labels = range(p.shape[2])
        of_labels = [_between_thresholds(true[:, k], p[:, :, k], thresholds) for k in labels]
        return np.stack(of_labels, axis=1)

    def value(counts: Counts) -> Values:
        areas = [terms(*_above_thresholds(counts[:, k])) for k in range(counts.shape[1])]
        return _mean_area(np.stack(areas, axis=-1)) if by_label else _area(areas[0])

    return (curve, by_label, thresholds), count, value


def _between_thresholds(true: NDArray[np.bool_], p: NDArray[np.float32], thresholds: int) -> Counts:
    """Positives and negatives between thresholds, shape `(trials, 2, thresholds)`.

    A NaN counts as 0: a trial that predicts one is not going to be scored.
    """
    scaled = np.clip(np.nan_to_num(p), np.float32(0), np.float32(1)) * np.float32(thresholds - 1)
    bucket = np.maximum(np.ceil(scaled) - 1, 0).astype(np.int64)
    bucket += (np.arange(len(p)) * thresholds)[:, None]
    size = len(p) * thresholds
    counts = [
        np.bincount(bucket[:, rows].reshape(-1), minlength=size).reshape(len(p), thresholds)
        for rows in (true, ~true)
    ]
    return np.stack(counts, axis=1)


def _above_thresholds(
    counts: Counts,
) -> tuple[NDArray[np.float32], NDArray[np.float32], int, int]:
    """Positives and negatives above each threshold, shape `(trials, thresholds)`, and totals."""
    above = np.cumsum(counts[:, :, ::-1], axis=2)[:, :, ::-1].astype(np.float32)
    positives, negatives = counts[0].sum(axis=1)
    return above[:, 0], above[:, 1], int(positives), int(negatives)


def _roc_terms(
    tp: NDArray[np.float32], fp: NDArray[np.float32], positives: int, negatives: int
) -> NDArray[np.float32]:
    """Areas of the trapezoids between thresholds, shape `(trials, thresholds - 1)`."""
    recall = _divide(tp, np.full_like(tp, positives))
    fall_out = _divide(fp, np.full_like(fp, negatives))
    heights = (recall[:, :-1] + recall[:, 1:]) / np.float32(2)
    return (fall_out[:, :-1] - fall_out[:, 1:]) * heights


def _pr_terms(
    tp: NDArray[np.float32], fp: NDArray[np.float32], positives: int, negatives: int
) -> NDArray[np.float32]:
    """Interpolated as Davis & Goadrich (2006), which Keras cites."""
    dtp = tp[:, :-1] - tp[:, 1:]
    p = tp + fp
    slope = _divide(dtp, np.maximum(p[:, :-1] - p[:, 1:], 0))
    intercept = tp[:, 1:] - slope * p[:, 1:]
    both = (p[:, :-1] > 0) & (p[:, 1:] > 0)
    ratio = np.where(both, _divide(p[:, :-1], np.maximum(p[:, 1:], 0)), np.float32(1))
    return _divide(slope * (dtp + intercept * np.log(ratio)), np.full_like(dtp, positives))


def _area(terms: NDArray[np.float32]) -> Values:
    """Sums over thresholds in the order in which TensorFlow adds up one trial's.

    Early stopping asks whether an AUC has risen at all, so the last bit of it counts.
    """
    areas: Values = tf.reduce_sum(terms, axis=1).numpy()
    return areas


def _mean_area(terms: NDArray[np.float32]) -> Values:
    """Mean over labels of the sums, `terms` of shape `(trials, thresholds - 1, labels)`."""
    # One by one: over three axes TensorFlow adds up in another order.
    areas = [tf.reduce_mean(tf.reduce_sum(of_trial, axis=0)) for of_trial in terms]
    return np.array(areas, dtype=np.float32)


def _like(y: NDArray[Any], p: Predictions) -> NDArray[Any]:
    """Targets with the axes of predictions, `(1, rows, outputs)`."""
    return y.reshape(1, len(y), -1) if y.ndim == 2 else y.reshape(1, -1, 1)


def _divide(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float32]:
    """In float32; 0 where the divisor is 0, as TensorFlow's `divide_no_nan`."""
    quotient: NDArray[np.float32] = np.divide(
        a.astype(np.float32), b.astype(np.float32), out=np.zeros(a.shape, np.float32), where=b != 0
    )
    return quotient


_READERS: dict[type, Reader] = {
    keras.metrics.AUC: _auc,
    keras.metrics.BinaryAccuracy: _binary_accuracy,
    keras.metrics.CategoricalAccuracy: _categorical_accuracy,
    keras.metrics.SparseCategoricalAccuracy: _sparse_accuracy,
    keras.metrics.Precision: _precision_or_recall,
    keras.metrics.Recall: _precision_or_recall,
}
"""Metrics that can be stacked -> how they are read."""
