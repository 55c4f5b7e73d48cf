"""The types of single values: each checks what came and says what is allowed.

Pydantic's own numeric types would take `true` for 1 and `"5"` for 5, and their messages do not say
the whole of what is allowed. Each type here is therefore a plain function.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator

from trialstack.datasets.names import nearest
from trialstack.experiment.available import Options
from trialstack.experiment.problems import impossible, not_built

LARGEST_INTEGER = 2**31 - 1
"""Enough for every count here, and safe in every library below."""

LARGEST_WIDTH = 100_000
"""Units of a layer: two such layers would already have ten billion weights."""

LARGEST_SEED = 2**32 - 1
"""NumPy's legacy generators, which scikit-learn uses, take no larger seed."""


def is_number(value: object) -> bool:
    """Whether it is a finite number, integer or not."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 1e300  # neither NaN nor infinite, nor an integer beyond all floats


def integer(minimum: int, maximum: int = LARGEST_INTEGER) -> Callable[[Any], int]:
    """A check for integers from `minimum` to `maximum`."""

    def check(value: Any) -> int:
        if type(value) is int and minimum <= value <= maximum:
            return value
        above = type(value) is int and value > maximum
        allowed = f"an integer from {minimum}" + (f" to {maximum}" if above else "")
        raise impossible(value, allowed)

    return check


def fraction(value: Any) -> float:
    """A part of the rows: from 0, below 1."""
    if is_number(value) and 0 <= value < 1:
        return float(value)
    raise impossible(value, "a number from 0 to below 1")


def positive_number(value: Any) -> float:
    """Above 0."""
    if is_number(value) and value > 0:
        return float(value)
    raise impossible(value, "a number above 0")


def count_or_auto(value: Any) -> int | str:
    """An integer from 1, or the program's choice."""
    if value == "auto":
        return "auto"
    if type(value) is int and 1 <= value <= LARGEST_INTEGER:
        return value
    raise impossible(value, "'auto' or an integer from 1")


def boolean(value: Any) -> bool:
    """True or false, not 1 or 0."""
    if isinstance(value, bool):
        return value
    raise impossible(value, "true or false")


def text(value: Any) -> str:
    """Any string."""
    if isinstance(value, str):
        return value
    raise impossible(value, "a string in quotes")


def texts(value: Any) -> tuple[str, ...]:
    """A list of different strings; one may go without its brackets."""
    strings = [value] if isinstance(value, str) else value
    if isinstance(strings, list) and all(isinstance(one, str) for one in strings):
        distinct = tuple(dict.fromkeys(strings))
        if len(distinct) == len(strings):
            return distinct
    raise impossible(value, "a list of different strings, such as ['a', 'b']")


def label(value: Any) -> str | bool | int | float:
    """A label as a table may have it."""
    if isinstance(value, str | bool) or is_number(value):
        return value  # type: ignore[no-any-return] # it is one of these
    raise impossible(value, "a label: a string in quotes, a number, true or false")


def separator(value: Any) -> str:
    """What stands between two cells."""
    if isinstance(value, str) and len(value.replace("\\t", "\t")) == 1 and value not in '"\r\n':
        return value
    raise impossible(value, "one character, such as ';'")


def one_of(options: Options) -> Callable[[Any], str]:
    """A check for one of some names."""

    def check(value: Any) -> str:
        if isinstance(value, str):
            if value in options.there:
                return value
            if value in options.to_come:
                raise not_built(value, ", ".join(options.there))
        mend = nearest(value, options.there) if isinstance(value, str) else ""
        raise impossible(value, ", ".join(options.there), mend=mend)

    return check


NAME = re.compile(r"[^\W_][\w.-]{0,59}")
"""Safe as a directory, as a name in a URL, and before the `@` of a model's alias."""


def name(value: Any) -> str:
    """The experiment's name, which becomes a directory and a registered model."""
    if isinstance(value, str) and NAME.fullmatch(value) and ".." not in value:
        return value
    rule = "1 to 60 letters, digits, '-', '_' and single '.', a letter or digit first"
    raise impossible(value, f"{rule}, such as 'breast-cancer'")


def metric_name(value: Any) -> str:
    """A metric as Keras logs it."""
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z]\w{0,99}", value):
        return value
    raise impossible(value, "a metric as Keras logs it, such as 'val_auc'")


def widths(value: Any) -> tuple[int, ...]:
    """The fixed number of units of each hidden layer; none makes a linear model."""
    if isinstance(value, list) and all(type(w) is int and 1 <= w <= LARGEST_WIDTH for w in value):
        return tuple(value)
    raise impossible(value, f"a list of integers from 1 to {LARGEST_WIDTH}, such as [100, 100]")


def plain_table(value: Any) -> dict[str, Any]:
    """A table of whatever TOML holds, without NaN and infinity."""
    if isinstance(value, Mapping) and _all_finite(value):
        return dict(value)
    raise impossible(value, "a table without nan and inf")


def _all_finite(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(map(_all_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_all_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


CountFrom1 = Annotated[int, BeforeValidator(integer(1))]
CountFrom0 = Annotated[int, BeforeValidator(integer(0))]
CountOrAuto = Annotated[int | str, BeforeValidator(count_or_auto)]
Seed = Annotated[int, BeforeValidator(integer(0, LARGEST_SEED))]
Fraction = Annotated[float, BeforeValidator(fraction)]
PositiveNumber = Annotated[float, BeforeValidator(positive_number)]
Flag = Annotated[bool, BeforeValidator(boolean)]
Text = Annotated[str, BeforeValidator(text)]
Texts = Annotated[tuple[str, ...], BeforeValidator(texts)]
Label = Annotated[str | bool | int | float, BeforeValidator(label)]
Separator = Annotated[str, BeforeValidator(separator)]
Name = Annotated[str, BeforeValidator(name)]
MetricName = Annotated[str, BeforeValidator(metric_name)]
Table = Annotated[dict[str, Any], BeforeValidator(plain_table)]
Widths = Annotated[tuple[int, ...], BeforeValidator(widths)]
