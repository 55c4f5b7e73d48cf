"""Keeps what a model said on the test rows, for comparisons with models of other searches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trialstack.evaluation.predictions import FILE, predictions_on, write_predictions
from trialstack.pipeline.data import Rows
from trialstack.tracking.base import Tracker
from trialstack.tracking.tags import TEST_DIGEST, TEST_ROWS


def log_test_predictions(
    tracker: Tracker, key: str, rows: Rows, probabilities: NDArray[np.float64]
) -> None:
    """Writes the predictions as an artifact, and which rows they are for as tags.

    Args:
        tracker: Where the run is.
        key: Of the run.
        rows: The test rows.
        probabilities: Shape `(rows, classes)`.
    """
    predictions = predictions_on(rows.known_by, rows.y, probabilities)
    tracker.log_file(key, FILE, write_predictions(predictions))
    tracker.set_tags(key, {TEST_DIGEST: predictions.digest, TEST_ROWS: str(len(rows))})
