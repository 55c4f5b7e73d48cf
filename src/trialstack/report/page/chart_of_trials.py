"""The objective over trials, and against each hyperparameter, as the page draws them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trialstack.hypermodels.naming import format_value
from trialstack.plots.search_data import (
    HyperparameterSeries,
    TrialRecord,
    score_window,
    scores_by_hyperparameter,
    scores_over_trials,
)
from trialstack.report.page.scales import (
    Scale,
    category_scale,
    count_scale,
    linear_scale,
    log_scale,
)
from trialstack.report.runs import parse_value
from trialstack.report.search import StoredSearch

SHADES = 7
"""Steps from the worst to the best trials, by rank."""
FINE = 1000
"""Units of a side of a drawing whose lines are paths."""
HEADROOM = 0.06


@dataclass(frozen=True)
class Dot:
    """A trial in a chart.

    Attributes:
        trial: Its number.
        x: Share of the axis.
        y: Share of the axis, from below.
        look: `s0` (among the worst) to `s6` (among the best), `best`, `off` (beyond the axis) or
            `failed`.
    """

    trial: int
    x: float
    y: float
    look: str


@dataclass(frozen=True)
class Chart:
    """Dots over a horizontal axis.

    Attributes:
        name: Of the horizontal axis.
        x: The horizontal axis.
        y: The objective.
        dots: The trials.
        bars: Medians of categories: left end, right end and height, as shares.
        line: The best so far, as an SVG path in units of a thousandth; empty if there is none.
    """

    name: str
    x: Scale
    y: Scale
    dots: tuple[Dot, ...]
    bars: tuple[tuple[float, float, float], ...] = ()
    line: str = ""


def looks_of(search: StoredSearch) -> dict[int, str]:
    """How each trial that has a score is drawn: number -> look, as in `Dot`."""
    ranking = search.ranking
    places: dict[float | None, list[int]] = {}  # equal scores look alike
    for place, trial in enumerate(ranking):
        places.setdefault(trial.score, []).append(place)
    steps = max(len(ranking) - len(places.get(ranking[-1].score, [])), 1) if ranking else 1
    looks = {
        trial.number: f"s{round((SHADES - 1) * (1 - places[trial.score][0] / steps))}"
        for trial in ranking
    }
    return looks | {trial.number: "best" for trial in ranking[:1]}


def records_of(search: StoredSearch) -> list[TrialRecord]:
    """Trials that have ended, as the numbers behind all plots are made of them."""
    return [
        TrialRecord(
            trial.number,
            trial.name,
            trial.hyperparameters,
            trial.score,
            trial.best_epoch,
            trial.epochs_run,
        )
        for trial in search.trials
        if trial.score is not None or trial.status == "FAILED"
    ]


def log_sampled(params: Mapping[str, str]) -> set[str]:
    """Hyperparameters that a search's params call sampled on a log scale.

    Example:
        >>> log_sampled({"hypermodel.rate.sampling": "log", "hypermodel.rate.min": "0.1"})
        {'rate'}
    """
    before, after = "hypermodel.", ".sampling"
    return {
        name.removeprefix(before).removesuffix(after)
        for name, value in params.items()
        if name.startswith(before) and name.endswith(after) and value == "log"
    }


def objective_scale(records: Sequence[TrialRecord], direction: str) -> Scale | None:
    """The axis of scores, without a few awful ones; None if there is no score."""
    window = score_window(scores_over_trials(records, direction).scores, direction)
    return linear_scale(*window, room=HEADROOM) if window is not None else None


def chart_over_trials(
    records: Sequence[TrialRecord], direction: str, y: Scale, looks: Mapping[int, str]
) -> Chart:
    """The objective in the order of asking, with the best so far.

    Args:
        records: See `records_of`.
        direction: `"max"` or `"min"`.
        y: See `objective_scale`.
        looks: See `looks_of`.
    """
    series = scores_over_trials(records, direction)
    numbers = [int(number) for number in series.numbers]
    x = count_scale(min(numbers), max(numbers), room=0.02)
    dots = [
        _dot(number, x.share(number), score, y, looks)
        for number, score in zip(numbers, series.scores, strict=True)
    ]
    steps = [
        (x.share(number), y.share(best))
        for number, best in zip(numbers, series.best_so_far, strict=True)
        if math.isfinite(best)
    ]
    return Chart("trial", x, y, tuple(dots), line=_staircase(steps))


def charts_by_hyperparameter(
    records: Sequence[TrialRecord],
    direction: str,
    on_log_scale: set[str],
    y: Scale,
    looks: Mapping[int, str],
) -> list[Chart]:
    """The objective against each hyperparameter that has several values.

    Args:
        records: See `records_of`.
        direction: `"max"` or `"min"`.
        on_log_scale: See `log_sampled`.
        y: See `objective_scale`.
        looks: See `looks_of`.
    """
    charts = []
    for series in scores_by_hyperparameter(records, direction, on_log_scale):
        x = scale_of(series)
        having = numbers_of(series.name, records)
        dots = [
            _dot(number, x.share(position), score, y, looks)
            for number, position, score in zip(having, series.positions, series.scores, strict=True)
        ]
        half = 0.36 / max(len(series.categories), 1)
        bars = [
            (x.share(k) - half, x.share(k) + half, y.share(median))
            for k, median in enumerate(series.medians)
            if math.isfinite(median)
        ]
        charts.append(Chart(series.name, x, y, tuple(dots), tuple(bars)))
    return charts


def scale_of(series: HyperparameterSeries, *, ticks: int = 5) -> Scale:
    """The axis of a hyperparameter."""
    if series.axis == "category":
        return category_scale([format_value(parse_value(text)) for text in series.categories])
    low, high = float(series.positions.min()), float(series.positions.max())
    if series.axis == "log":
        return log_scale(low / 1.05, high * 1.05)
    if (series.positions % 1 == 0).all():
        return count_scale(int(low), int(high), room=0.03, ticks=ticks)
    return linear_scale(low, high, room=0.03, ticks=ticks)


def numbers_of(name: str, records: Sequence[TrialRecord]) -> list[int]:
    """Numbers of the trials that have a hyperparameter, in the order of its series."""
    return sorted(record.number for record in records if name in record.hyperparameters)


def _dot(number: int, x: float, score: float, y: Scale, looks: Mapping[int, str]) -> Dot:
    if not math.isfinite(score):
        return Dot(number, x, 0.0, "failed")
    if not y.low <= score <= y.high:
        return Dot(number, x, y.share(score), "off")
    return Dot(number, x, y.share(score), looks[number])


def _staircase(points: Sequence[tuple[float, float]]) -> str:
    if not points:
        return ""
    (x, y), *others = points
    path = [f"M{FINE * x:.0f} {FINE * (1 - y):.0f}"]
    for x, new in others[:-1]:
        if new != y:
            path.append(f"H{FINE * x:.0f}V{FINE * (1 - new):.0f}")
            y = new
    if others:
        x, new = others[-1]
        path.append(f"H{FINE * x:.0f}" + (f"V{FINE * (1 - new):.0f}" if new != y else ""))
    return "".join(path)
