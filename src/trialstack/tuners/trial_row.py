"""Trials that have ended, as the leaderboard has them, and their order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from trialstack.markdown import escaped
from trialstack.trials import Finished, Objective, TrialSpec
from trialstack.tuners.journal import plain


@dataclass(frozen=True)
class TrialRow:
    """A trial as the leaderboard has it.

    Attributes:
        score: The objective at the best epoch; None for a failed trial.
        hyperparameters: As a person reads them.
    """

    trial_id: str
    number: int
    name: str
    key: str
    hyperparameters: Mapping[str, Any]
    score: float | None
    best_epoch: int | None
    epochs_run: int
    reason: str = ""


def ranked(rows: Iterable[TrialRow], objective: Objective) -> list[TrialRow]:
    """Trials with a score, the best first; of equal ones the earlier first."""
    sign = -1.0 if objective.direction == "max" else 1.0
    scored = [row for row in rows if row.score is not None]
    return sorted(scored, key=lambda row: (sign * (row.score or 0.0), row.number))


def describe_finished(row: TrialRow, objective: Objective, stopped_by: str) -> str:
    """What the run page of a trial says first.

    Example:
        >>> row = TrialRow("07", 7, "trial 007", "trial/07", {}, 0.98765, 9, 15)
        >>> describe_finished(row, Objective("val_auc", "max"), "EarlyStopping")
        'val_auc **0.9877** in epoch 9, the best of 0 to 14; ended by EarlyStopping.'
    """
    ended = "" if stopped_by == "epochs" else f"; ended by {stopped_by}"
    best, last = row.best_epoch or 0, row.epochs_run - 1
    where = f"in epoch {best}, the best of 0 to {last}" if last > 0 else "after the only epoch"
    return f"{objective.name} **{row.score:.4f}** {where}{ended}."


def describe_failed(row: TrialRow) -> str:
    """What the run page of a failed trial says first.

    Example:
        >>> describe_failed(TrialRow("07", 7, "trial", "trial/07", {}, None, None, 1, "no memory"))
        'Failed after 1 epoch: no memory'
    """
    epochs = f"{row.epochs_run} epoch{'s' * (row.epochs_run != 1)}"
    return f"Failed after {epochs}: {escaped(row.reason)}"


def trial_json(row: TrialRow, spec: TrialSpec, values: Mapping[str, Any], event: Finished) -> bytes:
    """The file that holds a trial's exact values: params are rounded, for people to read.

    Args:
        row: The trial.
        spec: As it was asked.
        values: All active hyperparameters, as the oracle knows them.
        event: Its end.
    """
    exact = {
        "trial_id": spec.trial_id,
        "number": spec.number,
        "hyperparameters": row.hyperparameters,
        "values": dict(values),
        "seed": list(spec.seed),
        "attempt": spec.attempt,
        "score": row.score,
        "best_epoch": event.best_epoch,
        "epochs_run": event.epochs_run,
        "stopped_by": event.stopped_by,
        "stacked": event.stacked,
        "metrics": event.metrics,
    }
    return json.dumps(plain(exact), indent=2, ensure_ascii=False).encode()
