"""Learns from the training rows how columns become features; the target has no part in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trialstack.datasets.columns import Column, Schema
from trialstack.preprocessing.prepared import (
    NumberColumn,
    Preparation,
    TextColumn,
    no_category,
)

if TYPE_CHECKING:
    import pandas as pd

RARE = 5
"""Training rows under which a category has no feature of its own: a weight for fewer is noise."""

MOST_CATEGORIES = 64
"""Categories of a column that have a feature of their own."""

BINS = 32
"""Features that further categories share by their hash, once there are more of them than these."""

MISSING = "(missing)"


def fit_preparation(schema: Schema, frame: pd.DataFrame) -> Preparation:
    """What some rows teach about their columns.

    Numbers keep their values, with the median in the gaps and a feature that tells where gaps
    were. Categories have a feature each (one-hot): the most frequent ones of their own, the others
    in common, and beyond 32 others some more by their hash. So a category that no training row has
    looks like a rare one.

    Args:
        schema: Of the columns.
        frame: The training rows; see `trialstack.datasets.columns.Table.frame`.

    Example:
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"age": [1.0, float("nan"), 5.0], "sex": ["f", "m", None]})
        >>> schema = Schema((Column("age", has_missing=True), Column("sex", "categorical")))
        >>> preparation = fit_preparation(schema, frame)
        >>> preparation.numbers
        (NumberColumn(name='age', fill=3.0, flagged=True, boolean=False, missing_texts=()),)
        >>> preparation.feature_names
        ('age', 'age = (missing)', 'sex = (other)')
    """
    numbers = [
        *(_number(column, frame[column.name]) for column in schema.of_kind("numeric")),
        *(_number(column, frame[column.name]) for column in schema.of_kind("boolean")),
    ]
    texts = [_text(column, frame[column.name]) for column in schema.of_kind("categorical")]
    return Preparation(schema.names, tuple(numbers), tuple(texts))


def _number(column: Column, values: pd.Series) -> NumberColumn:
    boolean = column.kind == "boolean"
    known = values.to_numpy(dtype=np.float32)
    known = known[~np.isnan(known)]
    if not len(known):
        fill = 0.0
    elif boolean:
        fill = float(known.mean() > 0.5)
    else:
        fill = float(np.float32(np.median(known)))
    flagged = len(known) < len(values)
    return NumberColumn(column.name, fill, flagged, boolean, column.missing_texts)


def _text(column: Column, values: pd.Series) -> TextColumn:
    missing = no_category(MISSING, column.categories)
    counts = values.fillna(missing).value_counts()
    # The order of equal counts must not depend on that of the rows.
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    frequent = [name for name, count in ranked if count >= RARE][:MOST_CATEGORIES]
    bins = BINS if len(ranked) - len(frequent) > BINS else 0
    trimmed = all(category == category.strip() for category in column.categories)
    return TextColumn(
        column.name, tuple(frequent), missing, bins, column.is_integer, is_trimmed=trimmed
    )
