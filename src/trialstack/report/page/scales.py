"""Axes of the page's charts: where a value stands, and what is written beside it.

Positions are shares of an axis from 0 to 1, which the page turns into per cent: its charts then
fit any width without being drawn again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from trialstack.hypermodels.naming import format_value

Kind = Literal["category", "linear", "log"]

MANY_DECADES = 2.0
"""From so many on, a log axis is labelled at powers of ten only."""
STEPS = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True)
class Tick:
    """A mark of an axis.

    Attributes:
        at: Share of the axis.
        label: What stands there.
    """

    at: float
    label: str


@dataclass(frozen=True)
class Scale:
    """An axis.

    Attributes:
        kind: `"category"`, `"linear"` or `"log"`; categories stand at 0, 1, 2, ...
        low: Value at its beginning.
        high: Value at its end, above `low`.
        ticks: Its marks.
    """

    kind: Kind
    low: float
    high: float
    ticks: tuple[Tick, ...]

    def share(self, value: float) -> float:
        """Where a value stands; one beyond an end stands at that end.

        Example:
            >>> linear_scale(0.0, 50.0).share(20.0), log_scale(0.01, 1.0).share(0.1)
            (0.4, 0.5)
        """
        return _within(self.place(value))

    def place(self, value: float) -> float:
        """Where a value stands, or would stand on a longer axis."""
        if self.kind == "log":
            smallest = self.low * (self.low / self.high) ** 2
            return math.log(max(value, smallest) / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def linear_scale(low: float, high: float, *, room: float = 0.0, ticks: int = 5) -> Scale:
    """An axis with round numbers.

    Args:
        low: Smallest value.
        high: Largest value.
        room: Left free at either end, as a share of the range.
        ticks: About so many marks.

    Example:
        >>> [tick.label for tick in linear_scale(0.31, 1.0, ticks=4).ticks]
        ['0.4', '0.6', '0.8', '1.0']
    """
    span = (high - low) or max(abs(high) * 0.02, 1e-3)
    middle = (low + high) / 2
    low, high = min(low, middle - span / 2), max(high, middle + span / 2)
    low, high = low - room * span, high + room * span
    step = _step((high - low) / ticks)
    marks = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    found = [Tick(_within((k * step - low) / (high - low)), _number(k * step, step)) for k in marks]
    return Scale("linear", low, high, tuple(found))


def count_scale(low: int, high: int, *, room: float = 0.0, ticks: int = 6) -> Scale:
    """An axis of whole numbers: no mark stands between two of them."""
    scale = linear_scale(low, max(high, low + 1), room=room, ticks=min(ticks, max(high - low, 1)))
    whole = [tick for tick in scale.ticks if "." not in tick.label and low <= int(tick.label)]
    return Scale("linear", scale.low, scale.high, tuple(whole))


def log_scale(low: float, high: float) -> Scale:
    """A logarithmic axis; both ends are above 0.

    Example:
        >>> [tick.label for tick in log_scale(3e-4, 1e-2).ticks]
        ['0.0005', '0.001', '0.002', '0.005', '0.01']
        >>> [tick.label for tick in log_scale(1e-7, 1e-2).ticks]
        ['1e-7', '1e-6', '1e-5', '0.0001', '0.001', '0.01']
    """
    high = high if high > low else low * 1.1
    decades = math.log10(high / low)
    subs = STEPS[:1] if decades > MANY_DECADES else STEPS[:3]
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = math.ceil(decades / 7) if decades > MANY_DECADES else 1
    marks = [sub * 10.0**e for e in exponents[::every] for sub in subs]
    inside = [mark for mark in marks if low * (1 - 1e-9) <= mark <= high * (1 + 1e-9)]
    span = math.log(high / low)
    return Scale(
        "log",
        low,
        high,
        tuple(Tick(_within(math.log(v / low) / span), format_value(v)) for v in inside),
    )


def category_scale(labels: Sequence[str]) -> Scale:
    """An axis on which categories stand in the middle of equal parts.

    Example:
        >>> scale = category_scale(["relu", "tanh"])
        >>> scale.share(0), [tick.at for tick in scale.ticks]
        (0.25, [0.25, 0.75])
    """
    parts = len(labels)
    ticks = tuple(Tick((k + 0.5) / parts, label) for k, label in enumerate(labels))
    return Scale("category", -0.5, parts - 0.5, ticks)


def _within(place: float) -> float:
    return min(max(place, 0.0), 1.0)


def _step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in STEPS if step * power >= 0.8 * rough)


def _number(value: float, step: float) -> str:
    if max(abs(value), step) >= 1e6 or step < 1e-5:
        return format_value(float(value))
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{value + 0.0:.{digits}f}"
