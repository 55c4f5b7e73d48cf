"""A run as a row of a comparison, whatever kind of run it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from trialstack.report.differences import Values
from trialstack.report.runs import StoredRun, Value, parse_value
from trialstack.report.search import objective_of, setting
from trialstack.tracking.entities import entity_name
from trialstack.tracking.tags import DATA_DIGEST, TEST_DIGEST, TEST_ROWS

MODELS = ("baseline", "final", "model")
"""Kinds of runs whose models are fitted once and scored on test rows."""

_OF_FITS = ("epochs", "weights", "rows")
_DIGEST_SHOWN_BY_MLFLOW = 36  # characters
_TEST, _LOW, _HIGH = "test_", "_ci_low", "_ci_high"


@dataclass(frozen=True)
class DataKey:
    """What a run's scores come from, apart from its model.

    Attributes:
        name: Of the data set.
        digest: Of all of its rows, 36 characters.
        split: The settings that say which rows are for what, `dataset.seed` for example.
    """

    name: str
    digest: str
    split: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ComparedRun:
    """A row of a comparison.

    Attributes:
        run: The run.
        search: The run of the search that it belongs to, or is; None if it stands alone.
        rank: Among the trials of its search, from 1; None for other runs, and where it is not asked
            for.
        objective: Name of the metric that `score` is; empty if there is none.
        score: A trial's objective at its best epoch; of other models, of the last epoch.
        best_epoch: Index of a trial's best epoch, from 0.
        epochs: How many were trained.
        weights: How many the model has.
        hyperparameters: As a person reads them.
        test: Scores on the test rows, each with its interval `[low, high]` under `NAME_ci`; None
            if it was not scored on any.
        test_rows: How many test rows there are.
        test_digest: Identifies them.
        data: None if the run does not say.
    """

    run: StoredRun
    search: StoredRun | None
    rank: int | None
    objective: str
    score: float | None
    best_epoch: int | None
    epochs: int | None
    weights: int | None
    hyperparameters: Values
    test: Mapping[str, Any] | None
    test_rows: int | None
    test_digest: str
    data: DataKey | None

    @property
    def label(self) -> str:
        """What it is called among runs of its own search."""
        if self.run.kind == "trial":
            trial_id = self.run.tags.get("trialstack.trial_id", "")
            return f"trial {trial_id:0>3}" if trial_id.isdecimal() else f"trial {trial_id}"
        return self.run.kind if self.run.kind in {"baseline", "final", "search"} else self.run.name

    def with_settings(self, names: list[str]) -> ComparedRun:
        """The row with the values of hyperparameters that its search has not searched but set.

        Args:
            names: Those that other rows tell of.
        """
        if self.search is None or self.run.kind not in {"trial", "final"}:
            return self
        missing = [name for name in names if name not in self.hyperparameters]
        fixed = {
            name: value for name in missing if (value := _fixed(self.search, name)) is not None
        }
        return replace(self, hyperparameters={**self.hyperparameters, **fixed})

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        run = self.run
        return {
            "run_id": run.run_id,
            "name": run.name,
            "kind": run.kind,
            "experiment": run.experiment,
            "search_run_id": self.search.run_id if self.search else None,
            "status": run.status,
            "rank": self.rank,
            "objective": self.objective or None,
            "score": self.score,
            "best_epoch": self.best_epoch,
            "epochs": self.epochs,
            "seconds": run.seconds,
            "weights": self.weights,
            "hyperparameters": dict(self.hyperparameters),
            "test": {**self.test, "rows": self.test_rows} if self.test is not None else None,
            "metrics": {name: _finite(value) for name, value in run.metrics.items()},
            "data_digest": self.data.digest if self.data else None,
            "test_digest": self.test_digest or None,
        }


def compared(run: StoredRun, search: StoredRun | None, rank: int | None = None) -> ComparedRun:
    """A run as a row.

    Args:
        run: Of any kind.
        search: The run of the search that it belongs to, or is; None if it stands alone.
        rank: Among the trials of its search.
    """
    objective = objective_of(search) if search else None
    name = objective.name if objective else ""
    score = run.metrics.get(_score_metric(run.kind, name)) if name else None
    test = _test_scores(run)
    return ComparedRun(
        run=run,
        search=search,
        rank=rank,
        objective=name,
        score=_finite(score),
        best_epoch=_count(run.metrics.get("best_epoch")),
        epochs=_count(run.metrics.get("epochs_run", parse_value(run.params.get("epochs", "")))),
        weights=_count(parse_value(run.params.get("weights", ""))),
        hyperparameters=_hyperparameters(run),
        test=test,
        test_rows=_count(parse_value(run.tags.get(TEST_ROWS, ""))) if test else None,
        test_digest=run.tags.get(TEST_DIGEST, "") if test else "",
        data=_data(run, search),
    )


def _score_metric(kind: str, objective: str) -> str:
    if kind == "search":
        return "search_best"
    # The last epoch of a trial is not what it is judged by; the other models are those of it.
    return entity_name(f"best_{objective}" if kind == "trial" else objective)


def _hyperparameters(run: StoredRun) -> dict[str, Value]:
    hidden = _OF_FITS if run.kind in MODELS else ()
    return {name: value for name, value in run.values.items() if name not in hidden}


def _test_scores(run: StoredRun) -> dict[str, Any] | None:
    if run.kind not in MODELS:
        return None
    found = {
        name.removeprefix(_TEST): value
        for name, value in run.metrics.items()
        if name.startswith(_TEST)
    }
    scores: dict[str, Any] = {}
    for name, value in found.items():
        if name.endswith((_LOW, _HIGH)):
            continue
        scores[name] = _finite(value)
        if f"{name}{_LOW}" in found and f"{name}{_HIGH}" in found:
            scores[f"{name}_ci"] = [_finite(found[f"{name}{end}"]) for end in (_LOW, _HIGH)]
    return scores or None


def _data(run: StoredRun, search: StoredRun | None) -> DataKey | None:
    owner = search or run
    name, digest = run.data or owner.data or ("", owner.tags.get(DATA_DIGEST, ""))
    if not digest:
        return None
    split = tuple(sorted(item for item in owner.params.items() if item[0].startswith("dataset.")))
    return DataKey(name, digest[:_DIGEST_SHOWN_BY_MLFLOW], split)


def _fixed(search: StoredRun, name: str) -> Value | None:
    text = search.params.get(f"hypermodel.{name}", "")
    if name == "batch_size":
        text = text or setting(search, name)
    # A list or a table is a range that was searched.
    return parse_value(text) if text and text[0] not in "[{" else None


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _count(value: Value | None) -> int | None:
    if isinstance(value, str | bool | None) or not math.isfinite(value):
        return None
    return int(value)
