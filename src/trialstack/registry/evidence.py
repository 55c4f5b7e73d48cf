"""What a later model needs to be compared with an earlier one on equal terms.

The predictions on the test rows are kept with the final run, so two models that were tested on the
same rows are compared without loading either; and every training row leaves a hash, so it is known
whether a model has seen rows that it is about to be tested on.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstack.datasets.base import ROWS_AT_ONCE

FOLDER = "evidence"
FACTS = f"{FOLDER}/evidence.json"
ARRAYS = f"{FOLDER}/evidence.npz"
FORMAT = 1


@dataclass(frozen=True)
class Evidence:
    """What is known of a final model's test.

    Attributes:
        test_digest: Identifies the test rows with their labels, whatever the model.
        feature_names: Columns, in the order of the model's inputs.
        classes: Labels in sorted order.
        y_test: Position of each test row's class, shape `(test rows,)`.
        probabilities_test: Shape `(test rows, classes)`.
        training_row_hashes: Of all rows the final model was fitted on, sorted.
        test_row_hashes: In the order of the rows.
    """

    test_digest: str
    feature_names: tuple[str, ...]
    classes: tuple[str | bool | int | float, ...]
    y_test: NDArray[np.int64]
    probabilities_test: NDArray[np.float64]
    training_row_hashes: NDArray[np.uint64]
    test_row_hashes: NDArray[np.uint64]


def row_hashes(
    X: ArrayLike,
    feature_names: Sequence[str] | None = None,
    categories: Sequence[Sequence[str]] = (),
) -> NDArray[np.uint64]:
    """A 64-bit hash of each row's values, the same in every process and on every machine.

    Args:
        X: Feature values, shape `(rows, features)`; compared as float64, so the integer 1 and the
            float 1.0 are the same, and so are 0.0 and -0.0, and all kinds of NaN.
        feature_names: Names of the columns. With them the hash does not depend on their order.
        categories: For each column, what its values are indices of; none for numbers. So the hash
            is of the text, which another file may number otherwise.

    Returns:
        Shape `(rows,)`.

    Reference:
        BLAKE2b with an 8-byte digest, RFC 7693.

    Example:
        >>> a = row_hashes([[1, 2], [3, 4]], ["x", "y"])
        >>> b = row_hashes([[2.0, 1.0]], ["y", "x"])
        >>> bool(a[0] == b[0]), bool(a[1] == b[0])
        (True, False)
    """
    rows = np.atleast_2d(np.asarray(X))
    numbers = {
        column: np.array([_number_of(text) for text in texts])
        for column, texts in enumerate(categories)
        if texts
    }
    order = None
    if feature_names is not None:
        order = np.argsort(np.asarray(feature_names, dtype=object), kind="stable")
    # In double precision all rows at once would be twice as much as they are.
    starts = range(0, len(rows), ROWS_AT_ONCE)
    digests = b"".join(
        blake2b(row, digest_size=8).digest()
        for start in starts
        for row in _comparable(rows[start : start + ROWS_AT_ONCE], numbers, order)
    )
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def _comparable(
    rows: NDArray[Any], numbers: Mapping[int, NDArray[np.int64]], order: NDArray[np.intp] | None
) -> NDArray[np.float64]:
    """Rows whose values are equal in bytes if they are equal.

    Args:
        rows: Shape `(rows, features)`.
        numbers: Place of a column of categories -> what stands for each of them.
        order: Of the columns; None = as they are.
    """
    values = np.array(rows, dtype="<f8")
    for column, of_texts in numbers.items():
        known = ~np.isnan(values[:, column])
        values[known, column] = of_texts[values[known, column].astype(np.intp)]
    if order is not None:
        values = values[:, order]
    values = np.ascontiguousarray(values) + 0.0  # -0.0 + 0.0 is 0.0
    values[np.isnan(values)] = np.nan
    return values


def _number_of(text: str) -> int:
    """Another number for every text, as far as 48 bits go, which float64 holds exactly."""
    return int.from_bytes(blake2b(text.encode(), digest_size=6).digest(), "little")


def evidence_files(evidence: Evidence) -> dict[str, bytes]:
    """The evidence as artifacts of a run: artifact path -> content."""
    facts = {
        "format": FORMAT,
        "test_digest": evidence.test_digest,
        "feature_names": list(evidence.feature_names),
        "classes": list(evidence.classes),
        "test_rows": len(evidence.y_test),
        "training_rows": len(evidence.training_row_hashes),
    }
    arrays = io.BytesIO()
    np.savez_compressed(
        arrays,
        allow_pickle=False,
        y_test=np.asarray(evidence.y_test, dtype="int64"),
        probabilities_test=np.asarray(evidence.probabilities_test, dtype="float64"),
        training_row_hashes=np.sort(evidence.training_row_hashes),
        test_row_hashes=evidence.test_row_hashes,
    )
    return {FACTS: json.dumps(facts, indent=1).encode(), ARRAYS: arrays.getvalue()}


def read_evidence(client: Any, run_id: str) -> Evidence | None:
    """The evidence of a final run.

    Args:
        client: `mlflow.MlflowClient` of the store.
        run_id: The final run.

    Returns:
        None when the run has none, or one of a format that this version does not know.
    """
    if not {FACTS, ARRAYS} <= _artifacts(client, run_id):
        return None
    with tempfile.TemporaryDirectory(prefix="trialstack-evidence-") as scratch:
        facts = json.loads(Path(client.download_artifacts(run_id, FACTS, scratch)).read_bytes())
        if facts["format"] != FORMAT:
            return None
        with np.load(
            client.download_artifacts(run_id, ARRAYS, scratch), allow_pickle=False
        ) as arrays:
            return Evidence(
                test_digest=facts["test_digest"],
                feature_names=tuple(facts["feature_names"]),
                classes=tuple(facts["classes"]),
                y_test=arrays["y_test"],
                probabilities_test=arrays["probabilities_test"],
                training_row_hashes=arrays["training_row_hashes"],
                test_row_hashes=arrays["test_row_hashes"],
            )


def _artifacts(client: Any, run_id: str) -> set[str]:
    from mlflow.exceptions import MlflowException

    try:
        return {file.path for file in client.list_artifacts(run_id, FOLDER)}
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":  # the run was purged
            return set()
        raise
