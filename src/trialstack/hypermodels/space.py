"""From the `[hypermodel]` table to hyperparameters, and from their values back to a network.

A fixed part of the table is no hyperparameter: it is the same in every trial. A part that the
table does not name does not appear at all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras_tuner

    from trialstack.experiment import MLPSettings, NumberRange

Values = Mapping[str, Any]
"""Name of an active hyperparameter -> its value, as the oracle chose it."""

NUMBERS = ("l1", "l2", "dropout", "learning_rate")
NAMES = ("activation", "optimizer")
NOT_OF_LAYERS = ("encoding", "class_weight")
"""What is made of the numbers before the first layer, and how much a row weighs in the loss."""


def declare(hp: keras_tuner.HyperParameters, settings: MLPSettings) -> None:
    """Declares the whole search space to Keras Tuner.

    Everything is declared at every build, layers that a trial does not have in a conditional
    scope: the oracle knows the space after the first build, and values of layers that do not
    exist are never recorded.

    Hyperparameters:
        `layers`: Number of hidden layers.
        `units_1`, `units_2`, ...: Width of a hidden layer.
        `units_2_fraction`, ...: With tapering, where the width lies between its lower bound (0)
            and the width before it (1): a sampler cannot draw below another value.
        `activation`, `dropout`, `batch_normalization`, `l1`, `l2`, `optimizer`, `learning_rate`:
            As in the table; likewise `encoding` and `class_weight`.
    """
    fewest, most = layer_bounds(settings)
    if fewest < most:
        hp.Int("layers", fewest, most)
    for number, (low, high) in enumerate(settings.widths, start=1):
        with _only_with_layer(hp, number, fewest, most):
            if low == high:
                continue
            if settings.tapering and number > 1:
                hp.Float(f"units_{number}_fraction", 0.0, 1.0)
            else:
                hp.Int(f"units_{number}", low, high)
    for name in NAMES:
        _declare_choice(hp, name, getattr(settings, name))
    if len(settings.batch_normalization or ()) > 1:
        hp.Boolean("batch_normalization")
    for name in NUMBERS:
        _declare_numbers(hp, name, getattr(settings, name))
    for name in NOT_OF_LAYERS:
        _declare_choice(hp, name, getattr(settings, name))


def layer_bounds(settings: MLPSettings) -> tuple[int, int]:
    """The fewest and the most hidden layers of a trial."""
    return settings.layers or (len(settings.units), len(settings.units))


def _only_with_layer(
    hp: keras_tuner.HyperParameters, number: int, fewest: int, most: int
) -> AbstractContextManager[None]:
    if number <= fewest:
        return nullcontext()
    scope: AbstractContextManager[None] = hp.conditional_scope(
        "layers", list(range(number, most + 1))
    )
    return scope


def _declare_choice(
    hp: keras_tuner.HyperParameters, name: str, options: Sequence[Any] | None
) -> None:
    if options is not None and len(options) > 1:
        hp.Choice(name, list(options))


def _declare_numbers(
    hp: keras_tuner.HyperParameters, name: str, numbers: NumberRange | Sequence[float] | None
) -> None:
    if numbers is None or isinstance(numbers, Sequence):
        _declare_choice(hp, name, numbers)
    else:
        hp.Float(name, numbers.min, numbers.max, step=numbers.step, sampling=numbers.sampling)


def tapered_width(fraction: float, low: int, high: int, before: int) -> int:
    """A width below that of the layer before, evenly drawn when `fraction` is.

    Args:
        fraction: From 0 to 1.
        low: Smallest width.
        high: Largest width, should the layer before allow it.
        before: Width of the layer before, more than `low`.

    Reference:
        `low + floor(fraction * n)`, where `n` is the number of widths to choose from: for
        `fraction` even in [0, 1) each has probability `1 / n`. With the bounds 20 and 98 after
        25 to 99 units it is `20 + floor(fraction * (before - 20))`.

    >>> [tapered_width(fraction, 20, 98, before=24) for fraction in (0, 0.25, 0.5, 0.99, 1)]
    [20, 21, 22, 23, 23]
    """
    top = min(high, before - 1)
    return min(low + math.floor(fraction * (top - low + 1)), top)


def widths(values: Values, settings: MLPSettings) -> tuple[int, ...]:
    """The width of each hidden layer of a trial."""
    return tuple(_widths(values, settings))


def _widths(values: Values, settings: MLPSettings) -> Iterator[int]:
    count = int(values.get("layers", layer_bounds(settings)[0]))
    before = 0
    for number, (low, high) in enumerate(settings.widths[:count], start=1):
        if low == high:
            before = low
        elif settings.tapering and number > 1:
            before = tapered_width(values[f"units_{number}_fraction"], low, high, before)
        else:
            before = int(values[f"units_{number}"])
        yield before


def network(values: Values, settings: MLPSettings) -> dict[str, Any]:
    """The keyword arguments of `fixed_mlp` for a trial: hyperparameters and fixed parts."""
    arguments: dict[str, Any] = {"units": widths(values, settings)}
    for name in (*NAMES, *NUMBERS, "batch_normalization"):
        if getattr(settings, name) is not None:
            arguments[name] = chosen(name, values, settings)
    return arguments


def chosen(name: str, values: Values, settings: MLPSettings) -> Any:
    """What a trial has of a part of the table: searched or fixed; None where it is not named."""
    fixed = getattr(settings, name)
    return values[name] if name in values else fixed and fixed[0]


def readable(values: Values, settings: MLPSettings) -> dict[str, Any]:
    """The hyperparameters of a trial as a person reads them.

    Args:
        values: The active hyperparameters.
        settings: The space that they are of.

    Returns:
        Number of layers if it is searched; the width of every hidden layer (never a fraction, and
        also where it is fixed); then what else is searched.

    Example:
        >>> from trialstack.experiment import MLPSettings
        >>> settings = MLPSettings.model_validate(
        ...     {"units": [[25, 99], [20, 98]], "tapering": True, "l1": [0.0, 0.1]})
        >>> readable({"units_1": 40, "units_2_fraction": 0.5, "l1": 0.1}, settings)
        {'units_1': 40, 'units_2': 30, 'l1': 0.1}
    """
    shown = {"layers": values["layers"]} if "layers" in values else {}
    for number, width in enumerate(widths(values, settings), start=1):
        shown[f"units_{number}"] = width
    order = ("activation", "batch_normalization", "dropout", "l1", "l2", "optimizer")
    names = (*order, "learning_rate", *NOT_OF_LAYERS)
    shown.update({name: values[name] for name in names if name in values})
    return shown
