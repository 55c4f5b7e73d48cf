"""The scores of a run's model with all of their intervals, which metrics have no room for."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from trialstack.report.compared import ComparedRun
from trialstack.report.runs import RunStore, StoredRun

FILE = "evaluation.json"
"""Artifact that `pipeline.fitted.log_evaluation` writes."""


def read_evaluation(runs: RunStore, run: StoredRun) -> dict[str, Any]:
    """The scores as `trialstack.evaluation.scores.Evaluation.as_dict` gives them.

    Args:
        runs: The store.
        run: Of a model.

    Returns:
        Empty where the run holds none.
    """
    content = runs.read_file(run, FILE)
    try:
        found = json.loads(content) if content else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def with_intervals(runs: RunStore, row: ComparedRun) -> ComparedRun:
    """A row whose test scores have their intervals, those included that are no metrics.

    Args:
        runs: The store.
        row: Of any run; one without test scores is returned as it is.
    """
    if row.test is None:
        return row
    evaluation = read_evaluation(runs, row.run)
    scores: dict[str, Any] = {}
    for name, value in row.test.items():
        scores[name] = value
        if f"{name}_ci" in evaluation:
            scores[f"{name}_ci"] = evaluation[f"{name}_ci"]
    return replace(row, test=scores)
