"""Digests of rows: are these the same data, and is this row among those?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from trialstack.datasets.base import ROWS_AT_ONCE, Features, Layout, Targets
from trialstack.datasets.chosen_rows import ChosenRows
from trialstack.datasets.columns import Schema


def fingerprint(
    X: Features,
    y: Targets,
    feature_names: Sequence[str],
    classes: Sequence[Any],
    *,
    schema: Schema | None = None,
    layout: Layout | None = None,
) -> str:
    """SHA-256 of all rows in their order, of the columns' names and of the labels.

    Args:
        X: Features, shape `(rows, features)`.
        y: Index of each row's class, shape `(rows,)`.
        feature_names: One a column.
        classes: Labels in the order of `y`'s indices.
        schema: What the columns are, if they are not all numbers without gaps.
        layout: Which rows may be on which side of a split, if there is anything to say.

    Returns:
        64 hexadecimal digits, the same on every machine.
    """
    facts: dict[str, Any] = {
        "rows": len(X),
        "features": list(feature_names),
        "classes": [repr(label) for label in classes],
    }
    if schema is not None:
        facts["columns"] = schema.as_json()
    arrays = {"groups": layout.groups, "times": layout.times} if layout is not None else {}
    if layout is not None and layout.sealed:
        facts["sealed"] = layout.sealed
    facts |= {name: True for name, array in arrays.items() if array is not None}
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for block in _blocks(len(X)):
        digest.update(_feature_bytes(X[block]))
    digest.update(np.ascontiguousarray(y, dtype="<i8").tobytes())
    for array in arrays.values():
        if array is not None:
            digest.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return digest.hexdigest()


def column_digests(
    X: Features, feature_names: Sequence[str], schema: Schema | None = None
) -> dict[str, str]:
    """The beginning of a SHA-256 of each column: name -> 16 hexadecimal digits.

    Args:
        X: Features, shape `(rows, features)`.
        feature_names: One a column.
        schema: What the columns are, if they are not all numbers without gaps.

    Example:
        >>> X = np.array([[1.0, 2.0]], dtype=np.float32)
        >>> old, new = column_digests(X, ["a", "b"]), column_digests(X + [[0, 1]], ["a", "b"])
        >>> [name for name in old if old[name] != new[name]]
        ['b']
    """
    digests = {}
    for place, name in enumerate(feature_names):
        about = schema[name].as_json() if schema is not None else {}
        digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
        digest.update(_feature_bytes(X[:, place]))
        digests[name] = digest.hexdigest()[:16]
    return digests


def row_hashes(X: Features | ChosenRows, y: Targets) -> list[str]:
    """One digest a row, of its features and its class: 32 hexadecimal digits.

    >>> X = np.array([[1, 2], [1, 2], [3, 4]], dtype=np.float32)
    >>> hashes = row_hashes(X, np.array([0, 0, 0]))
    >>> hashes[0] == hashes[1], hashes[1] == hashes[2]
    (True, False)
    """
    targets = np.ascontiguousarray(y, dtype="<i8")
    return [
        hashlib.sha256(row.tobytes() + target.tobytes()).hexdigest()[:32]
        for block in _blocks(len(X))
        for row, target in zip(_comparable(X[block]), targets[block], strict=True)
    ]


def rows_digest(X: Features, y: Targets) -> str:
    """SHA-256 of a set of rows, whatever their order: 64 hexadecimal digits.

    >>> X, y = np.array([[1.0], [2.0]], dtype=np.float32), np.array([0, 1])
    >>> rows_digest(X, y) == rows_digest(X[::-1], y[::-1])
    True
    """
    return hashes_digest(row_hashes(X, y))


def hashes_digest(hashes: Sequence[str]) -> str:
    """The same of rows that are known by their hashes alone.

    Args:
        hashes: As `row_hashes` gives them, in any order.
    """
    return hashlib.sha256("".join(sorted(hashes)).encode()).hexdigest()


def _blocks(rows: int) -> list[slice]:
    """Rows whose bytes are copied at once."""
    return [slice(start, start + ROWS_AT_ONCE) for start in range(0, rows, ROWS_AT_ONCE)]


def _feature_bytes(X: Features) -> bytes:
    return _comparable(X).tobytes()


def _comparable(X: Features) -> Features:
    # Adding zero makes -0.0 and 0.0, which are equal, equal in bytes too.
    values = np.ascontiguousarray(X, dtype="<f4") + np.float32(0)
    return values.astype("<f4", copy=False)
