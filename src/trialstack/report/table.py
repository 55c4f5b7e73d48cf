"""Leaderboards and comparisons as columns, for a DataFrame or a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trialstack.report.compared import ComparedRun
from trialstack.report.comparison import Comparison
from trialstack.report.differences import names_of
from trialstack.report.search import Trial, ranked
from trialstack.tracking.entities import entity_name
from trialstack.trials import Objective

if TYPE_CHECKING:
    import pandas as pd

Columns = dict[str, list[Any]]


def leaderboard_columns(trials: Sequence[Trial], objective: Objective) -> Columns:
    """All trials, the best first, those without a score last in the order of asking.

    Args:
        trials: In any order.
        objective: What they are ranked by.

    Returns:
        Name -> values. A hyperparameter that a trial does not have is None there; one that is
        called like another column becomes `hp_NAME`.
    """
    ranking = ranked(trials, objective.direction)
    unscored = [trial for trial in trials if trial.score is None]
    rows = [*ranking, *sorted(unscored, key=lambda trial: trial.number)]
    columns: Columns = {
        "rank": [rank if row.score is not None else None for rank, row in enumerate(rows, 1)],
        "trial": [row.number for row in rows],
        "trial_id": [row.trial_id for row in rows],
        entity_name(f"best_{objective.name}"): [row.score for row in rows],
        "best_epoch": [row.best_epoch for row in rows],
        "epochs_run": [row.epochs_run for row in rows],
        "seconds": [row.seconds for row in rows],
        "status": [row.status for row in rows],
    }
    _add(columns, names_of(row.hyperparameters for row in rows), [r.hyperparameters for r in rows])
    columns["reason"] = [row.reason for row in rows]
    if any(row.run is not None for row in rows):
        columns["run_id"] = [row.run.run_id if row.run else None for row in rows]
    return columns


def comparison_columns(comparison: Comparison) -> Columns:
    """The rows of a comparison: name -> values.

    Test scores are columns of their own (`test_auc`, `test_auc_ci_low`, ...), and of the
    hyperparameters those that differ. Where runs are on several data sets, `data` tells them apart.
    """
    rows = comparison.rows
    columns: Columns = {
        "experiment": [row.run.experiment for row in rows],
        "kind": [row.run.kind for row in rows],
        "name": [row.run.name for row in rows],
        "rank": [row.rank for row in rows],
        "objective": [row.objective or None for row in rows],
        "score": [row.score for row in rows],
        "best_epoch": [row.best_epoch for row in rows],
        "epochs": [row.epochs for row in rows],
        "seconds": [row.run.seconds for row in rows],
        "weights": [row.weights for row in rows],
        "status": [row.run.status for row in rows],
    }
    tests = [_flat_test(row) for row in rows]
    columns |= {name: [test.get(name) for test in tests] for name in names_of(tests)}
    _add(columns, comparison.differing, [row.hyperparameters for row in rows])
    if comparison.on_several_data:
        columns["data"] = [comparison.data_marks[row.data] for row in rows]
    columns["run_id"] = [row.run.run_id for row in rows]
    return columns


def data_frame(columns: Columns) -> pd.DataFrame:
    """The columns as a DataFrame; whole numbers stay whole beside missing ones."""
    import pandas as pd

    frame = pd.DataFrame(columns)
    counts = [name for name, values in columns.items() if _are_counts(values)]
    return frame.astype(dict.fromkeys(counts, "Int64"))


def _are_counts(values: Sequence[Any]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(type(value) is int for value in known)


def _flat_test(row: ComparedRun) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in (row.test or {}).items():
        if name.endswith("_ci"):
            flat[f"test_{name}_low"], flat[f"test_{name}_high"] = value
        else:
            flat[f"test_{name}"] = value
    return flat | ({"test_rows": row.test_rows} if flat else {})


def _add(columns: Columns, names: Sequence[str], rows: Sequence[Any]) -> None:
    for name in names:
        columns[f"hp_{name}" if name in columns else name] = [row.get(name) for row in rows]
