"""What a search may draw values from: a scalar is fixed, a list a choice, a table a range."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from trialstack.datasets.names import nearest
from trialstack.experiment.available import (
    ACTIVATIONS,
    CLASS_WEIGHTS,
    ENCODINGS,
    OPTIMIZERS,
    SAMPLINGS,
    Options,
)
from trialstack.experiment.problems import impossible
from trialstack.experiment.values import LARGEST_WIDTH, is_number

MOST_LAYERS = 100


class NumberRange(BaseModel):
    """Numbers from `min` to `max` that a search draws from.

    Attributes:
        min: Lower bound.
        max: Upper bound.
        step: Distance of neighbouring values (`linear`) or their ratio (`log`); None = any value.
        sampling: `"linear"` or `"log"`: what the values are drawn evenly from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    min: float
    max: float
    step: float | None = None
    sampling: str = "linear"


Numbers = NumberRange | tuple[float, ...]
"""What a number is drawn from: a range, a choice, or one fixed value."""


def _distinct(values: Sequence[object]) -> bool:
    return len(values) > 0 and len(set(values)) == len(values)


def numbers(rule: str, fits: Callable[[float], bool]) -> Callable[[Any], Numbers]:
    """A check for a number (fixed), a list of numbers (choice) or a table (range).

    Args:
        rule: What each number must be, in words.
        fits: Whether a number is so.
    """
    allowed = (
        f"a number {rule}, a list of different such numbers, or a range {{min = , max = , "
        'step = (optional), sampling = "linear" or "log" (then min above 0)}'
    )

    def fitting(value: Any) -> bool:
        return is_number(value) and fits(value)

    def check(value: Any) -> Numbers:
        if fitting(value):
            return (float(value),)
        if isinstance(value, list) and all(map(fitting, value)) and _distinct(value):
            return tuple(map(float, value))
        if isinstance(value, Mapping) and _is_range(value, fitting):
            return NumberRange(**value)
        raise impossible(value, allowed)

    return check


def _is_range(table: Mapping[str, Any], fitting: Callable[[Any], bool]) -> bool:
    if not {"min", "max"} <= set(table) <= {"min", "max", "step", "sampling"}:
        return False
    low, high, step = table["min"], table["max"], table.get("step")
    if not (fitting(low) and fitting(high) and low < high):
        return False
    if (sampling := table.get("sampling", "linear")) not in SAMPLINGS.there:
        return False
    if sampling == "log":
        return low > 0 and (step is None or (is_number(step) and 1 < step <= high / low))
    return step is None or (is_number(step) and 0 < step <= high - low)


def names(options: Options) -> Callable[[Any], tuple[str, ...]]:
    """A check for one name (fixed) or a list of different names (choice)."""

    def check(value: Any) -> tuple[str, ...]:
        chosen = value if isinstance(value, list) else [value]
        if all(isinstance(one, str) and one in options.there for one in chosen):
            if _distinct(chosen):
                return tuple(chosen)
            raise impossible(value, "a name or a list of different names")
        wrong = next(one for one in chosen if not isinstance(one, str) or one not in options.there)
        mend = nearest(wrong, options.there) if isinstance(wrong, str) else ""
        raise impossible(value, f"one or a list of {', '.join(options.there)}", mend=mend)

    return check


def booleans(value: Any) -> tuple[bool, ...]:
    """True or false (fixed), or a list of both (choice)."""
    if isinstance(value, bool):
        return (value,)
    if isinstance(value, list) and sorted(map(repr, value)) == ["False", "True"]:
        return (True, False)
    raise impossible(value, "true, false, or [true, false]")


def integer_range(largest: int) -> Callable[[Any], tuple[int, int]]:
    """A check for an integer from 1 (fixed) or an inclusive range `[low, high]` of such integers.

    >>> integer_range(99)(64), integer_range(99)([25, 99])
    ((64, 64), (25, 99))
    """

    def check(value: Any) -> tuple[int, int]:
        low, high = value if isinstance(value, list) and len(value) == 2 else (value, value)
        if type(low) is int and type(high) is int and 1 <= low <= high <= largest:
            return low, high
        rule = f"an integer from 1 to {largest}, or a range [low, high] of them"
        raise impossible(value, f"{rule} with low up to high")

    return check


def layer_widths(value: Any) -> tuple[tuple[int, int], ...]:
    """One integer or inclusive range for each hidden layer."""
    if isinstance(value, list) and value:
        return tuple(map(integer_range(LARGEST_WIDTH), value))
    rule = "a list with an integer or a range [low, high] for each hidden layer"
    raise impossible(value, f"{rule}, such as [[25, 99], [20, 98]]")


NumberOfLayers = Annotated[tuple[int, int], BeforeValidator(integer_range(MOST_LAYERS))]
LayerWidths = Annotated[tuple[tuple[int, int], ...], BeforeValidator(layer_widths)]
Penalty = Annotated[Numbers, BeforeValidator(numbers("from 0", lambda value: value >= 0))]
DropoutRate = Annotated[
    Numbers, BeforeValidator(numbers("from 0 to below 1", lambda value: 0 <= value < 1))
]
LearningRate = Annotated[Numbers, BeforeValidator(numbers("above 0", lambda value: value > 0))]
Activations = Annotated[tuple[str, ...], BeforeValidator(names(ACTIVATIONS))]
Optimizers = Annotated[tuple[str, ...], BeforeValidator(names(OPTIMIZERS))]
Encodings = Annotated[tuple[str, ...], BeforeValidator(names(ENCODINGS))]
ClassWeights = Annotated[tuple[str, ...], BeforeValidator(names(CLASS_WEIGHTS))]
Flags = Annotated[tuple[bool, ...], BeforeValidator(booleans)]
