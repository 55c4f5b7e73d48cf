"""What is logged of predictions, without a search and without a baseline."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from trialstack.errors import DataError
from trialstack.evaluation.importance import MOST_FEATURES
from trialstack.evaluation.scores import evaluate
from trialstack.pipeline.data import Rows
from trialstack.pipeline.evaluation_pictures import log_evaluation_pictures, log_importance
from trialstack.pipeline.fitted import log_evaluation, probabilities_of
from trialstack.tracking.base import NewRun
from trialstack.tracking.memory import MemoryTracker, RunRecord


def first_column(X: NDArray[np.float32], training: bool) -> NDArray[np.float32]:
    """A model as Keras' are called: the probability of class 1 is a sigmoid of the first column."""
    assert not training
    return 1 / (1 + np.exp(-X[:, :1]))


@pytest.fixture(scope="module")
def rows() -> Rows:
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = rng.normal(size=(60, 3)) + np.outer(2 * y - 1, [1, 0, 0])
    return Rows(X.astype(np.float32), y)


@pytest.fixture
def tracker() -> MemoryTracker:
    tracker = MemoryTracker()
    tracker.start_run(NewRun("model", "model", "model", started=0.0))
    return tracker


@pytest.fixture
def run(tracker: MemoryTracker) -> RunRecord:
    return tracker["model"]


def test_scores_are_metrics_and_intervals_a_file(
    tracker: MemoryTracker, run: RunRecord, rows: Rows
) -> None:
    said = probabilities_of(first_column, rows.X)
    evaluation = log_evaluation(tracker, "model", rows, said)
    assert evaluation == evaluate(rows.y, said)
    assert json.loads(run.files["evaluation.json"]) == evaluation.as_dict()
    expected = {f"test_{name}": value for name, value in evaluation.scores.items()}
    expected["test_auc_ci_low"], expected["test_auc_ci_high"] = evaluation.intervals["auc"]
    assert {name: values[0] for name, values in run.metrics.items()} == expected


def test_rows_of_one_class_are_one_clear_line(
    tracker: MemoryTracker, run: RunRecord, rows: Rows
) -> None:
    some = Rows(rows.X[rows.y == 1], rows.y[rows.y == 1])
    with pytest.raises(DataError, match=r"^the 30 rows are all of one class ") as caught:
        log_evaluation(tracker, "model", some, probabilities_of(first_column, some.X))
    assert "\n" not in str(caught.value)
    assert not run.metrics


@pytest.mark.parametrize("names", [[""], ["final", "baseline"]])
def test_pictures(tracker: MemoryTracker, run: RunRecord, rows: Rows, names: list[str]) -> None:
    models = dict.fromkeys(names, probabilities_of(first_column, rows.X))
    log_evaluation_pictures(tracker, "model", rows, models, (0, 1), "60 test rows")
    assert list(run.files) == [
        f"plots/{name}.png"
        for name in (
            "roc",
            "precision_recall",
            "calibration",
            "confusion_matrix",
            "score_histogram",
            "thresholds",
        )
    ]
    assert all(content.startswith(b"\x89PNG") for content in run.files.values())


def test_importance_is_a_picture_and_a_table(
    tracker: MemoryTracker, run: RunRecord, rows: Rows
) -> None:
    columns = {"a": [0], "b": [1], "c": [2]}
    log_importance(tracker, "model", first_column, rows, columns, "model 1")
    assert run.files["plots/importance.png"].startswith(b"\x89PNG")
    table = list(csv.DictReader(io.StringIO(run.files["importance.csv"].decode())))
    assert [line["feature"] for line in table] == ["a", "b", "c"]
    assert float(table[0]["auc_loss"]) > 0.2
    assert float(table[0]["standard_deviation"]) > 0
    assert [float(line["auc_loss"]) for line in table[1:]] == [0, 0]


def test_too_many_columns_have_no_importance(tracker: MemoryTracker, run: RunRecord) -> None:
    columns = MOST_FEATURES + 1
    wide = Rows(np.zeros((4, columns), np.float32), np.array([0, 1, 0, 1]))
    never_called: Any = None
    each = {str(k): [k] for k in range(columns)}
    log_importance(tracker, "model", never_called, wide, each, "wide")
    assert not run.files
