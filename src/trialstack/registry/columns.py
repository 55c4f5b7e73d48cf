"""What the scorer of a logged model has to know of each raw column."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from trialstack.preprocessing.layers import NUMBERS, TEXTS
from trialstack.preprocessing.prepared import Preparation


def input_schema(
    names: Sequence[str], with_missing: Collection[str], preparation: Preparation | None
) -> dict[str, Any]:
    """The part of the scorer's schema that is about columns; see `trialstack.registry.scorer`.

    Args:
        names: Raw columns, in their order.
        with_missing: Those that may have missing values.
        preparation: What the model's inputs are for; None = one input of all columns.
    """
    columns: dict[str, dict[str, Any]] = {
        name: {"name": name, "dtype": "float64", "missing": name in with_missing} for name in names
    }
    if preparation is None:
        return {"columns": list(columns.values())}
    for number in preparation.numbers:
        if number.boolean:
            columns[number.name]["dtype"] = "bool"
        if number.missing_texts:
            columns[number.name]["missing_texts"] = list(number.missing_texts)
    for text in preparation.texts:
        columns[text.name] |= {
            "dtype": "string",
            "stand_in": text.missing,
            "integer": text.is_integer,
            "trimmed": text.is_trimmed,
        }
    groups = {
        NUMBERS: [number.name for number in preparation.numbers],
        TEXTS: [text.name for text in preparation.texts],
    }
    inputs = {group: own for group, own in groups.items() if own}
    return {"columns": list(columns.values()), "inputs": inputs}
