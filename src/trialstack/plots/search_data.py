"""The numbers behind the plots of a search: scores over trials and over hyperparameters."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Value = float | int | str | bool
FloatArray = NDArray[np.float64]
Axis = Literal["category", "linear", "log"]

LEARNING_RATE = "learning_rate"

MAX_CATEGORIES = 12
LOG_FROM = 100.0
"""Largest over smallest value from which on an axis may be logarithmic."""

FEWEST_CLIPPED = 8
"""With fewer scores than these nothing is called an outlier."""

FENCE = 1.5
JITTER = 0.36
GOLDEN_RATIO = 0.618033988749895


@dataclass(frozen=True)
class TrialRecord:
    """One trial, as the plots of a search need it.

    Attributes:
        number: Position in the order of asking, from 0.
        name: As people see it.
        hyperparameters: Active values only.
        score: Value of the objective; None (or a value that is not finite) if the trial failed.
        best_epoch: Index of the best epoch, from 0.
        epochs_run: Number of epochs trained.
    """

    number: int
    name: str
    hyperparameters: Mapping[str, Value]
    score: float | None
    best_epoch: int | None = None
    epochs_run: int | None = None


@dataclass(frozen=True, eq=False)
class ScoreSeries:
    """Scores in the order of trial numbers.

    Attributes:
        numbers: Trial numbers, ascending, shape `(trials,)`.
        scores: NaN where a trial failed, same shape.
        best_so_far: Best score up to each trial; NaN before the first score.
        best: Position of the best trial (the first of equals), or None if all failed.
    """

    numbers: NDArray[np.int64]
    scores: FloatArray
    best_so_far: FloatArray
    best: int | None


@dataclass(frozen=True, eq=False)
class HyperparameterSeries:
    """One hyperparameter of the trials that have it.

    Attributes:
        name: Of the hyperparameter.
        axis: `"category"`, `"linear"` or `"log"`.
        positions: Where each trial stands on the axis, shape `(trials,)`: its value, or the index
            of its category with a little jitter.
        scores: NaN where a trial failed, same shape.
        categories: Labels at the positions 0, 1, ...; empty unless `axis` is `"category"`.
        medians: Median score of each category; NaN where all its trials failed.
        best: Position in the arrays of the search's best trial, or None if it is not among them.
    """

    name: str
    axis: Axis
    positions: FloatArray
    scores: FloatArray
    categories: tuple[str, ...]
    medians: FloatArray
    best: int | None


def scores_over_trials(records: Sequence[TrialRecord], direction: str) -> ScoreSeries:
    """Scores in the order of trial numbers, with the best so far.

    Args:
        records: In any order.
        direction: `"max"` or `"min"`.

    Example:
        >>> trials = [TrialRecord(i, str(i), {}, s) for i, s in enumerate([0.6, None, 0.9, 0.8])]
        >>> scores_over_trials(trials, "max").best_so_far.tolist()
        [0.6, 0.6, 0.9, 0.9]
    """
    ordered = sorted(records, key=lambda record: record.number)
    scores = _scores(ordered)
    accumulate = np.fmin.accumulate if direction == "min" else np.fmax.accumulate
    return ScoreSeries(
        np.array([record.number for record in ordered], np.int64),
        scores,
        accumulate(scores),
        best_position(scores, direction),
    )


def scores_by_hyperparameter(
    records: Sequence[TrialRecord], direction: str, on_log_scale: Collection[str] = ()
) -> list[HyperparameterSeries]:
    """Scores against each hyperparameter that has more than one value.

    Text, truth values, and numbers that few trials share among them become categories in sorted
    order; other numbers keep their scale, or get a logarithmic one if they were drawn from it, look
    so, or are learning rates, of which only the ratio matters.

    Args:
        records: In any order.
        direction: `"max"` or `"min"`.
        on_log_scale: Hyperparameters that were drawn from a log scale.
    """
    logarithmic = {*on_log_scale, LEARNING_RATE}
    ordered = sorted(records, key=lambda record: record.number)
    scores = _scores(ordered)
    best = best_position(scores, direction)
    names = dict.fromkeys(name for record in ordered for name in record.hyperparameters)
    series = []
    for name in names:
        having = [i for i, record in enumerate(ordered) if name in record.hyperparameters]
        values = [ordered[i].hyperparameters[name] for i in having]
        if len(set(map(repr, values))) > 1:
            position = having.index(best) if best in having else None
            axis = _axis_of(values, name in logarithmic)
            series.append(_series(name, axis, values, scores[having], position))
    return series


def best_position(scores: FloatArray, direction: str) -> int | None:
    """Where the best score stands (the first of equals); None if every score is NaN."""
    if not np.isfinite(scores).any():
        return None
    return int(np.nanargmin(scores) if direction == "min" else np.nanargmax(scores))


def score_window(scores: FloatArray, direction: str) -> tuple[float, float] | None:
    """The range of scores worth an axis, without a few awful ones.

    Scores are off scale if they lie further below the worst quarter's border than 1.5 times the
    distance from there to the best score, and if leaving them out at least halves the range.

    Args:
        scores: NaN where a trial failed, shape `(trials,)`.
        direction: `"max"` or `"min"`.

    Returns:
        Lowest and highest score shown, or None if there is none.

    Example:
        >>> score_window(np.array([0.1, 0.9, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 1.0]), "max")
        (0.9, 1.0)
    """
    finite = scores[np.isfinite(scores)]
    if not len(finite):
        return None
    sign = -1.0 if direction == "min" else 1.0
    goodness = np.sort(sign * finite)
    best, quarter = goodness[-1], np.quantile(goodness, 0.25)
    shown = goodness[goodness >= quarter - FENCE * (best - quarter)]
    helps = best - goodness[0] >= 2.0 * (best - shown[0]) > 0.0
    worst = shown[0] if len(finite) >= FEWEST_CLIPPED and helps else goodness[0]
    low, high = sorted((float(sign * worst), float(sign * best)))
    return low, high


def _scores(records: Sequence[TrialRecord]) -> FloatArray:
    scores = np.array([record.score for record in records], np.float64)  # None becomes NaN
    scores[np.isinf(scores)] = np.nan
    return scores


def _series(
    name: str, axis: Axis, values: Sequence[Value], scores: FloatArray, best: int | None
) -> HyperparameterSeries:
    if axis != "category":
        positions = np.array(values, np.float64)
        return HyperparameterSeries(name, axis, positions, scores, (), np.empty(0), best)
    categories = _sorted_categories(values)
    index = np.array([categories.index(value) for value in values])
    medians = [_median(scores[index == k]) for k in range(len(categories))]
    jitter = JITTER * ((np.arange(len(values)) * GOLDEN_RATIO) % 1.0 - 0.5)
    labels = tuple(_label(value) for value in categories)
    return HyperparameterSeries(
        name, axis, index + jitter, scores, labels, np.array(medians, np.float64), best
    )


def _axis_of(values: Sequence[Value], logarithmic: bool) -> Axis:
    if any(_is_text(value) or isinstance(value, bool) for value in values):
        return "category"
    numbers = np.array(values, np.float64)
    distinct = np.unique(numbers)
    positive = distinct[distinct > 0]
    decades = len(positive) > 1 and positive[-1] > LOG_FROM * positive[0]
    shared = 2 * len(distinct) <= len(numbers)
    if len(distinct) <= MAX_CATEGORIES and (shared or (decades and distinct[0] == 0)):
        return "category"
    if logarithmic and distinct[0] > 0:
        return "log"
    # Uniform samples span decades too if one comes near 0, but their median is in the middle.
    span = distinct[-1] - distinct[0]
    crowded = np.median(numbers) - distinct[0] < 0.25 * span
    return "log" if decades and crowded and distinct[0] > 0 else "linear"


def _is_text(value: Value) -> bool:
    return not isinstance(value, int | float)


def _sorted_categories(values: Sequence[Value]) -> list[Value]:
    """Numbers in their order, then text in its own."""
    numbers = {value for value in values if not _is_text(value)}
    text = {value for value in values if _is_text(value)}
    return [*sorted(numbers), *sorted(text, key=str)]


def _label(value: Value) -> str:
    is_float = isinstance(value, float)
    return f"{value:.4g}" if is_float else str(value)


def _median(scores: FloatArray) -> float:
    known = scores[np.isfinite(scores)]
    return float(np.median(known)) if len(known) else float("nan")
