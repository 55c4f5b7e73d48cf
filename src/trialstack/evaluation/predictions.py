"""What a model said on its test rows, as a file that another model's is compared with.

A table with a line a row. The rows are known by hashes, which identify them without telling what
is in them: two such files belong together if they name the same rows, and the digest of all test
rows can be worked out from either.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.datasets.base import Features, Targets
from trialstack.datasets.chosen_rows import ChosenRows
from trialstack.datasets.fingerprint import hashes_digest, row_hashes
from trialstack.errors import DataError

FILE = "test_predictions.csv"
"""Artifact of a run whose model was scored on test rows."""

LINES_AT_ONCE = 10_000

_KNOWN = ["row", "class"]
_PROBABILITY = "probability_"


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predicted probabilities, with the rows and classes that they are for.

    Attributes:
        rows: Hash of each row, of its features and its class, shape `(rows,)`.
        y: Index of each row's class among the sorted labels, shape `(rows,)`.
        probabilities: Shape `(rows, classes)`.
    """

    rows: NDArray[np.str_]
    y: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    @property
    def digest(self) -> str:
        """Identifies the rows, whatever their order: `datasets.fingerprint.rows_digest`."""
        return hashes_digest(self.rows.tolist())

    def in_order(self) -> Predictions:
        """The same, sorted by row: predictions of two models on the same rows then correspond.

        Rows that are equal in all features and the class are in no particular order, which no
        paired test of models that map equal rows to equal probabilities sees.
        """
        order = np.argsort(self.rows, kind="stable")
        return Predictions(self.rows[order], self.y[order], self.probabilities[order])


def predictions_on(
    X: Features | ChosenRows, y: Targets, probabilities: NDArray[np.float64]
) -> Predictions:
    """Predictions on some rows.

    Args:
        X: Features, shape `(rows, features)`.
        y: Class indices, shape `(rows,)`.
        probabilities: Shape `(rows, classes)`.

    Example:
        >>> X, y = np.array([[1.0], [2.0]], dtype=np.float32), np.array([0, 1])
        >>> said = predictions_on(X, y, np.array([[0.9, 0.1], [0.2, 0.8]]))
        >>> read_predictions(write_predictions(said)).probabilities.tolist()
        [[0.9, 0.1], [0.2, 0.8]]
    """
    return Predictions(np.array(row_hashes(X, y), dtype=np.str_), np.asarray(y), probabilities)


def write_predictions(predictions: Predictions) -> bytes:
    """The table as CSV; probabilities keep all their digits."""
    classes = predictions.probabilities.shape[1]
    header = [*_KNOWN, *(f"{_PROBABILITY}{index}" for index in range(classes))]
    # As Python's own objects, all rows at once would take ten times their memory.
    starts = range(0, len(predictions.rows), LINES_AT_ONCE)
    blocks = [_lines(predictions, slice(start, start + LINES_AT_ONCE)) for start in starts]
    return b"".join([_csv([header]), *blocks])


def _lines(predictions: Predictions, rows: slice) -> bytes:
    columns = zip(
        predictions.rows[rows].tolist(),
        predictions.y[rows].tolist(),
        predictions.probabilities[rows].tolist(),
        strict=True,
    )
    return _csv([row, label, *probabilities] for row, label, probabilities in columns)


def _csv(lines: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue().encode()


def read_predictions(content: bytes) -> Predictions:
    """The table that `write_predictions` wrote.

    Raises:
        DataError: It is another file, or one that was changed.
    """
    try:
        lines = csv.reader(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline=""))
        header = next(lines, [])
        classes = max(len(header) - len(_KNOWN), 0)
        if header != [*_KNOWN, *(f"{_PROBABILITY}{index}" for index in range(classes))]:
            raise ValueError(f"its first line is {','.join(header)[:80]!r}")
        blocks = list(iter(lambda: _block([*islice(lines, LINES_AT_ONCE)], classes), None))
        if not blocks:
            raise ValueError("it has no rows")
        rows, y, probabilities = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
        return Predictions(rows, y, probabilities)
    except (ValueError, csv.Error) as error:
        raise DataError(f"{FILE}: no table of predictions: {error}") from error


def _block(
    lines: list[list[str]], classes: int
) -> tuple[NDArray[np.str_], NDArray[np.int64], NDArray[np.float64]] | None:
    """Some lines as arrays; None if there are none."""
    if not lines:
        return None
    rows, labels, *columns = zip(*lines, strict=True)
    probabilities = np.array(columns).astype(np.float64).reshape(classes, len(rows)).T
    return np.array(rows, dtype=np.str_), np.array(labels).astype(np.int64), probabilities
