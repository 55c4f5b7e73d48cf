"""The models on the sealed test rows: their scores with intervals, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trialstack.report.compared import ComparedRun
from trialstack.report.page.entries import shown_score

NAMES = {
    "auc": "AUC",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "f1": "F1",
    "mcc": "Matthews correlation",
    "average_precision": "average precision",
    "log_loss": "log loss",
    "brier": "Brier score",
    "ece": "calibration error",
}
"""Scores in the order of the page."""
SMALLER_IS_BETTER = ("log_loss", "brier", "ece")


@dataclass(frozen=True)
class ModelScore:
    """A score of a model.

    Attributes:
        text: The score.
        interval: Its 95 % interval; empty if it has none.
        at: Share of the row's own axis.
        low: Lower end of the interval there; None if it has none.
        high: Upper end.
    """

    text: str
    interval: str
    at: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class ScoreRow:
    """A score of all models.

    Attributes:
        name: As people know it.
        note: Which way is better.
        models: One a model; None where it lacks the score.
    """

    name: str
    note: str
    models: tuple[ModelScore | None, ...]


def score_rows(models: Sequence[ComparedRun]) -> list[ScoreRow]:
    """Scores that at least one of the models has.

    Args:
        models: Their `test` says them.
    """
    rows = []
    for key, name in NAMES.items():
        tests: list[Mapping[str, Any]] = [model.test or {} for model in models]
        if all(test.get(key) is None for test in tests):
            continue
        note = "smaller is better" if key in SMALLER_IS_BETTER else ""
        ends = [end for test in tests for end in _ends(test, key)]
        low, span = min(ends), (max(ends) - min(ends)) or 1.0
        rows.append(ScoreRow(name, note, tuple(_score(test, key, low, span) for test in tests)))
    return rows


def _ends(test: Mapping[str, Any], key: str) -> list[float]:
    if test.get(key) is None:
        return []
    interval = test.get(f"{key}_ci") or []
    return [test[key], *(end for end in interval if end is not None)]


def _score(test: Mapping[str, Any], key: str, origin: float, span: float) -> ModelScore | None:
    if test.get(key) is None:
        return None
    interval = test.get(f"{key}_ci")
    if not interval or None in interval:
        return ModelScore(shown_score(test[key]), "", (test[key] - origin) / span, None, None)
    low, high = interval
    text = f"{shown_score(low)} to {shown_score(high)}"
    places = [(value - origin) / span for value in (test[key], low, high)]
    return ModelScore(shown_score(test[key]), text, *places)
