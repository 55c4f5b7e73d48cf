"""Digests of rows: are these the same data, and is this row among those?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from trialstack.datasets.base import Features, Targets


def fingerprint(
    X: Features, y: Targets, feature_names: Sequence[str], classes: Sequence[Any]
) -> str:
    """SHA-256 of all rows in their order, of the columns' names and of the labels.

    Args:
        X: Features, shape `(rows, features)`.
        y: Index of each row's class, shape `(rows,)`.
        feature_names: One a column.
        classes: Labels in the order of `y`'s indices.

    Returns:
        64 hexadecimal digits, the same on every machine.
    """
    schema = {
        "rows": len(X),
        "features": list(feature_names),
        "classes": [repr(label) for label in classes],
    }
    digest = hashlib.sha256(json.dumps(schema, sort_keys=True).encode())
    digest.update(_feature_bytes(X))
    digest.update(np.ascontiguousarray(y, dtype="<i8").tobytes())
    return digest.hexdigest()


def row_hashes(X: Features, y: Targets) -> list[str]:
    """One digest a row, of its features and its class: 32 hexadecimal digits.

    >>> X = np.array([[1, 2], [1, 2], [3, 4]], dtype=np.float32)
    >>> hashes = row_hashes(X, np.array([0, 0, 0]))
    >>> hashes[0] == hashes[1], hashes[1] == hashes[2]
    (True, False)
    """
    targets = np.ascontiguousarray(y, dtype="<i8")
    features = np.frombuffer(_feature_bytes(X), dtype="<f4").reshape(X.shape)
    return [
        hashlib.sha256(row.tobytes() + target.tobytes()).hexdigest()[:32]
        for row, target in zip(features, targets, strict=True)
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


def _feature_bytes(X: Features) -> bytes:
    # Adding zero makes -0.0 and 0.0, which are equal, equal in bytes too.
    return (np.ascontiguousarray(X, dtype="<f4") + np.float32(0)).astype("<f4").tobytes()
