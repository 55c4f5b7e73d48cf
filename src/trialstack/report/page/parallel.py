"""Parallel coordinates: a line a trial, across one axis a hyperparameter to its score."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trialstack.plots.search_data import TrialRecord, scores_by_hyperparameter
from trialstack.report.page.chart_of_trials import FINE, numbers_of, scale_of
from trialstack.report.page.scales import Scale


@dataclass(frozen=True)
class ParallelAxis:
    """An axis.

    Attributes:
        name: Of the hyperparameter, or of the objective.
        x: Where it stands, as a share of the width.
        scale: Its values.
        places: Trial number -> share of the axis from below; a trial that lacks it is left out.
    """

    name: str
    x: float
    scale: Scale
    places: Mapping[int, float]


@dataclass(frozen=True)
class ParallelLine:
    """A trial.

    Attributes:
        trial: Its number.
        look: As in `Dot`.
        path: SVG path in units of a thousandth; broken where the trial lacks a hyperparameter.
    """

    trial: int
    look: str
    path: str


@dataclass(frozen=True)
class Parallel:
    """The whole drawing, the best trials on top.

    Attributes:
        axes: Hyperparameters with several values, then the objective.
        lines: Trials, the worst first.
    """

    axes: tuple[ParallelAxis, ...]
    lines: tuple[ParallelLine, ...]


def parallel_coordinates(
    records: Sequence[TrialRecord],
    objective: str,
    direction: str,
    on_log_scale: set[str],
    y: Scale,
    looks: Mapping[int, str],
) -> Parallel | None:
    """Lines across the hyperparameters; None if fewer than two vary.

    Args:
        records: See `records_of`.
        objective: Name of the last axis.
        direction: `"max"` or `"min"`.
        on_log_scale: Hyperparameters that were drawn from a log scale.
        y: Of the objective.
        looks: See `looks_of`.
    """
    found = scores_by_hyperparameter(records, direction, on_log_scale)
    if len(found) < 2:
        return None
    axes = []
    for k, series in enumerate(found):
        scale = scale_of(series)
        having = numbers_of(series.name, records)
        places = {n: scale.share(at) for n, at in zip(having, series.positions, strict=True)}
        axes.append(ParallelAxis(series.name, k / len(found), scale, places))
    scores = {r.number: y.share(r.score) for r in records if r.score is not None}
    axes.append(ParallelAxis(objective, 1.0, y, scores))
    sign = -1.0 if direction == "min" else 1.0
    ordered = sorted(records, key=lambda r: -math.inf if r.score is None else sign * r.score)
    lines = [
        ParallelLine(r.number, looks.get(r.number, "failed"), _path(r.number, axes))
        for r in ordered
    ]
    return Parallel(tuple(axes), tuple(lines))


def _path(trial: int, axes: Sequence[ParallelAxis]) -> str:
    path, is_drawing = [], False
    for axis in axes:
        place = axis.places.get(trial)
        if place is None:
            is_drawing = False
            continue
        letter = "L" if is_drawing else "M"
        path.append(f"{letter}{FINE * axis.x:.0f} {FINE * (1 - place):.0f}")
        is_drawing = True
    return "".join(path)
