"""Learning curves as SVG paths, so that the page only has to choose which of them it shows."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trialstack.plots.search_data import score_window
from trialstack.report.histories import Curve, read_histories
from trialstack.report.page.chart_of_trials import FINE
from trialstack.report.page.entries import Entry
from trialstack.report.page.scales import Scale, count_scale, linear_scale, log_scale
from trialstack.report.runs import RunStore

MOST_ENTRIES = 102
"""Runs whose curves are in the page: baseline, final model, and a hundred trials."""
MOST_POINTS = 50
"""Of a curve in the page."""
PANELS = 2
DECADES = 30.0
"""Largest over smallest value from which on a panel's axis is logarithmic."""
FOLLOWED = ("loss", "auc", "accuracy")
"""Metrics worth a panel beside that of the objective, in this order."""


@dataclass(frozen=True)
class Panel:
    """A metric over epochs.

    Attributes:
        solid: Metric of the solid lines: on validation rows, where there are such.
        thin: The same metric on the training rows; empty if `solid` is that.
        y: Its axis.
    """

    solid: str
    thin: str
    y: Scale


@dataclass(frozen=True)
class Lines:
    """The curves of a run in one panel.

    Attributes:
        solid: SVG path in units of a thousandth; empty if the run has not logged this.
        thin: The same of the training rows.
        best: Where the epoch stands that counts, as shares; None if that is the last one.
    """

    solid: str
    thin: str
    best: tuple[float, float] | None


@dataclass(frozen=True)
class Curves:
    """All curves of the page.

    Attributes:
        x: Epochs, from 0 as on MLflow's pages.
        panels: One or two.
        entries: Runs that have curves, in their order.
        lines: Key of a run -> its lines in each panel.
        left_out: How many runs were too many.
    """

    x: Scale
    panels: tuple[Panel, ...]
    entries: tuple[Entry, ...]
    lines: Mapping[str, tuple[Lines, ...]]
    left_out: int = 0


def read_curves(
    runs: RunStore, entries: Sequence[Entry], objective: str, direction: str
) -> Curves | None:
    """Reads what runs have logged over epochs.

    Args:
        runs: The store.
        entries: The most interesting first: with very many, the rest is left out.
        objective: Metric of the first panel; may be empty.
        direction: Of the objective.

    Returns:
        None if none of the runs has logged more than one epoch.
    """
    left_out = max(0, len(entries) - MOST_ENTRIES)
    entries = entries[:MOST_ENTRIES]
    logged = {name for entry in entries for name in entry.run.metrics}
    ids = [entry.run.run_id for entry in entries]
    bases = dict.fromkeys([objective.removeprefix("val_"), *FOLLOWED])
    histories: dict[str, dict[str, Curve]] = {}
    pairs: list[tuple[str, str]] = []
    for base in bases:
        pair = [name for name in (f"val_{base}", base) if base and name in logged]
        if pair and len(pairs) < PANELS:
            histories |= {name: read_histories(runs, ids, name) for name in pair}
            pairs.append((pair[0], pair[1] if len(pair) > 1 else ""))
    last = _last_epoch(histories, {e.run.run_id for e in entries if e.run.kind == "trial"} or ids)
    if last < 1:
        return None
    x = count_scale(0, last, ticks=5)
    panels = [_panel(pair, histories, objective, direction) for pair in pairs]
    lines = {
        entry.key: tuple(_lines(entry, panel, x, histories) for panel in panels)
        for entry in entries
    }
    shown = [e for e in entries if any(line.solid or line.thin for line in lines[e.key])]
    return Curves(x, tuple(panels), tuple(shown), {e.key: lines[e.key] for e in shown}, left_out)


def _last_epoch(histories: Mapping[str, Mapping[str, Curve]], ids: Collection[str]) -> int:
    """Of some runs; a baseline that was trained for longer leaves the axis to the trials."""
    curves = [curve for of in histories.values() for key, curve in of.items() if key in ids]
    return max((step for curve in curves for step, _ in curve), default=0)


def _panel(
    pair: tuple[str, str],
    histories: Mapping[str, Mapping[str, Curve]],
    objective: str,
    direction: str,
) -> Panel:
    values = np.array(
        [v for name in pair for c in histories.get(name, {}).values() for _, v in c], np.float64
    )
    base = pair[0].removeprefix("val_")
    rises = direction == "max" if base == objective.removeprefix("val_") else base != "loss"
    low, high = score_window(values, "max" if rises else "min") or (0.0, 1.0)
    if 0 < low * DECADES < high:
        return Panel(*pair, log_scale(low / 1.1, high * 1.1))
    return Panel(*pair, linear_scale(low, high, room=0.03, ticks=5))


def _lines(
    entry: Entry, panel: Panel, x: Scale, histories: Mapping[str, Mapping[str, Curve]]
) -> Lines:
    run_id = entry.run.run_id
    solid = histories[panel.solid].get(run_id, [])
    thin = histories[panel.thin].get(run_id, []) if panel.thin else []
    best = next(
        (
            (round(x.share(step), 4), round(panel.y.share(value), 4))
            for step, value in solid
            if step == entry.best_epoch and math.isfinite(value)
        ),
        None,
    )
    return Lines(_path(solid, x, panel.y), _path(thin, x, panel.y), best)


def _path(curve: Curve, x: Scale, y: Scale) -> str:
    """Absolute at first, then from point to point, which takes the fewest characters."""
    points = [
        (round(FINE * x.place(step)), round(FINE * (1 - _beyond(y, value))))
        for step, value in _thinned([point for point in curve if math.isfinite(point[1])])
    ]
    if not points:
        return ""
    path, (left, top) = [f"M{points[0][0]} {points[0][1]}"], points[0]
    for right, bottom in points[1:]:
        path.append(f"l{right - left} {bottom - top}".replace(" -", "-"))
        left, top = right, bottom
    return "".join(path) + ("h0" if len(points) == 1 else "")


def _beyond(y: Scale, value: float) -> float:
    """A place that may lie outside of the axis: the drawing is cut there, not bent."""
    return min(max(y.place(value), -2.0), 3.0)


def _thinned(curve: Curve) -> Iterable[tuple[int, float]]:
    if len(curve) <= MOST_POINTS:
        return curve
    places = np.unique(np.linspace(0, len(curve) - 1, MOST_POINTS).round().astype(int))
    return [curve[place] for place in places]
