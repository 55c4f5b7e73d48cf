"""What the data of a search were warned of, kept on its run."""

from __future__ import annotations

from collections.abc import Sequence

from trialstack.datasets.feature import Feature
from trialstack.markdown import escaped

TAG = "trialstack.warnings"
"""All warnings in one tag; each has a tag of its own too, as far as they are not too many."""

IMPUTED = "trialstack.imputed"
"""Columns with missing cells, each with how many there are."""

MOST_TAGS = 20
MOST_SHOWN = 10
LONGEST_TAG = 5000
"""Characters that every tracking store takes."""


def warning_tags(warnings: Sequence[str]) -> dict[str, str]:
    """Tags of a run.

    >>> warning_tags(["a.csv: column 'x': it is dropped"])["trialstack.warnings"]
    "a.csv: column 'x': it is dropped"
    """
    if not warnings:
        return {}
    numbered = {
        f"trialstack.warning.{number}": text[:LONGEST_TAG]
        for number, text in enumerate(warnings[:MOST_TAGS], 1)
    }
    return {TAG: "\n".join(warnings)[:LONGEST_TAG], **numbered}


def imputation_tags(features: Sequence[Feature]) -> dict[str, str]:
    """A tag that says in which columns cells are missing, hence imputed; none if none are.

    Args:
        features: What becomes of each column.
    """
    gaps = [
        f"{feature.name} ({feature.missing})"
        for feature in features
        if feature.column is not None and feature.missing
    ]
    return {IMPUTED: ", ".join(gaps)[:LONGEST_TAG]} if gaps else {}


def warnings_text(warnings: Sequence[str]) -> str:
    """Markdown for the description of a run; empty if there are none.

    >>> print(warnings_text(["a.csv: column 'x': it is dropped"]))
    Warnings of the data:
    <BLANKLINE>
    - a.csv: column 'x': it is dropped
    """
    if not warnings:
        return ""
    lines = [f"- {escaped(text)}" for text in warnings[:MOST_SHOWN]]
    if len(warnings) > MOST_SHOWN:
        lines.append(f"- and {len(warnings) - MOST_SHOWN} more in `warnings.txt`")
    return "Warnings of the data:\n\n" + "\n".join(lines)
