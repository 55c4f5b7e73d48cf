"""What differs between two versions of a person's table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST_NAMES = 5


def data_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Says in words what differs; empty if that is not known.

    Args:
        old: `rows`, `classes` (label -> rows) and `columns` (name -> digest) of the one.
        new: The same of the other; empty = not known.

    Example:
        >>> old = {"rows": 9, "classes": {"a": 9}, "columns": {"x": "12", "y": "34"}}
        >>> data_changes(old, {"rows": 9, "classes": {"a": 9}, "columns": {"x": "12", "y": "56"}})
        "column 'y' has other values"
        >>> data_changes(old, {"rows": 8, "classes": {"a": 8}, "columns": {"x": "78", "z": "90"}})
        "9 rows were there, 8 are; column 'z' is new; column 'y' is gone"
    """
    if not old or not new:
        return ""
    if old["rows"] != new["rows"]:
        said = [f"{old['rows']} rows were there, {new['rows']} are"]
    elif old["classes"] != new["classes"]:
        said = ["the target has other labels"]
    else:
        said = []
    before, after = old["columns"], new["columns"]
    if old["rows"] == new["rows"]:  # else every column has other values
        other = [name for name in after if before.get(name, after[name]) != after[name]]
        said += _said(other, "has other values", "have other values")
    said += _said([name for name in after if name not in before], "is new", "are new")
    said += _said([name for name in before if name not in after], "is gone", "are gone")
    return "; ".join(said) or "the order of rows or columns, or the target differs"


def _said(names: list[str], one: str, several: str) -> list[str]:
    if not names:
        return []
    shown = ", ".join(f"{name!r:.40}" for name in names[:MOST_NAMES])
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return [f"column {shown} {one}" if len(names) == 1 else f"columns {shown}{more} {several}"]
