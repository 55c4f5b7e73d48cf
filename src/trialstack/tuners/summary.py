"""What a search comes to, written on its run: leaderboard, plots, description."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from trialstack.hypermodels.naming import format_value
from trialstack.tracking.base import Tracker
from trialstack.trials import Objective
from trialstack.tuners.search_run import PARENT, SearchRun, TrialRow

SHOWN_BEST = 10


def summarize(run: SearchRun, result: str = "", more: str = "") -> None:
    """Writes leaderboard, search plots and description on the parent run.

    Args:
        run: The search, all of its trials ended.
        result: First line of the description, which is all that the run page shows of it;
            by default the best trial.
        more: Markdown between the first line and the table.
    """
    columns = leaderboard(run)
    run.tracker.log_file(PARENT, "leaderboard.csv", _csv(columns))
    run.tracker.log_table(PARENT, "leaderboard.json", columns)
    log_search_plots(run.tracker, list(run.rows.values()), run.objective)
    run.tracker.describe(PARENT, description(run, result, more))


def leaderboard(run: SearchRun) -> dict[str, list[Any]]:
    """All trials, the best first, failed ones last: column name -> values."""
    best = f"best_{run.objective.name}"
    failed = sorted(run.failures(), key=lambda row: row.number)
    rows = [*run.ranking(), *failed]
    columns: dict[str, list[Any]] = {
        "rank": [index if row.score is not None else "" for index, row in enumerate(rows, 1)],
        "trial": [row.trial_id for row in rows],
        best: [row.score if row.score is not None else "" for row in rows],
        "best_epoch": [row.best_epoch if row.best_epoch is not None else "" for row in rows],
        "epochs_run": [row.epochs_run for row in rows],
        "status": ["FINISHED" if row.score is not None else "FAILED" for row in rows],
    }
    for name in hyperparameter_names(rows):
        columns[name if name not in columns else f"hp_{name}"] = [
            row.hyperparameters.get(name, "") for row in rows
        ]
    columns["reason"] = [row.reason for row in rows]
    return columns


def hyperparameter_names(rows: Sequence[TrialRow]) -> list[str]:
    """All hyperparameters of some trials, in the order of a trial that has the most of them."""
    longest_first = sorted(rows, key=lambda row: -len(row.hyperparameters))
    return list(dict.fromkeys(name for row in longest_first for name in row.hyperparameters))


def description(run: SearchRun, result: str = "", more: str = "") -> str:
    """Markdown for the top of the run page."""
    ranking, failures = run.ranking(), run.failures()
    if not result and ranking:
        best = ranking[0]
        result = f"Best {run.objective.name} **{_score(best)}**: {best.name}"
    counts = f"{len(run.rows)} trials" + (f", {len(failures)} failed" if failures else "")
    parts = [f"{result or 'No trial came to a score'} ({counts}).", more]
    if ranking:
        parts.append(_table(ranking[:SHOWN_BEST], run.objective))
    if failures:
        parts.append("Failed: " + "; ".join(f"{row.name}: {row.reason}" for row in failures[:5]))
    return "\n\n".join(part for part in parts if part)


def log_search_plots(tracker: Tracker, rows: Sequence[TrialRow], objective: Objective) -> None:
    """The objective over trials, and against each hyperparameter, as pictures."""
    from trialstack.plots.search import (
        TrialRecord,
        objective_by_hyperparameter,
        objective_over_trials,
    )
    from trialstack.plots.style import figure_png

    records = [
        TrialRecord(
            row.number,
            row.name,
            dict(row.hyperparameters),
            row.score,
            row.best_epoch,
            row.epochs_run,
        )
        for row in sorted(rows, key=lambda row: row.number)
    ]
    for name, draw in (
        ("objective_over_trials", objective_over_trials),
        ("objective_by_hyperparameter", objective_by_hyperparameter),
    ):
        figure = draw(records, objective.name, objective.direction)
        tracker.log_file(PARENT, f"plots/{name}.png", figure_png(figure))


def _table(rows: Sequence[TrialRow], objective: Objective) -> str:
    names = hyperparameter_names(rows)
    header = ["", objective.name, "best epoch", "epochs", *names]
    lines = [header, ["---"] * len(header)]
    for rank, row in enumerate(rows, 1):
        values = [format_value(row.hyperparameters.get(name, "")) for name in names]
        lines.append([str(rank), _score(row), str(row.best_epoch), str(row.epochs_run), *values])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _score(row: TrialRow) -> str:
    return f"{row.score:.4f}" if row.score is not None else "failed"


def _csv(columns: dict[str, list[Any]]) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return buffer.getvalue().encode()
