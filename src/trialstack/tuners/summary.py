"""What a search comes to, written on its run: leaderboard, plots, description."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Sequence
from typing import Any

from trialstack.hypermodels.naming import format_value
from trialstack.markdown import escaped, table
from trialstack.trials import Objective
from trialstack.tuners.search_run import PARENT, SearchRun
from trialstack.tuners.trial_row import TrialRow

SHOWN_BEST = 10


def summarize(run: SearchRun, result: str = "", more: str = "", space: Sequence[Any] = ()) -> None:
    """Writes leaderboard, search plots and description on the parent run.

    Args:
        run: The search, all of its trials ended.
        result: First line of the description, which is all that the run page shows of it;
            by default the best trial.
        more: Markdown between the first line and the table.
        space: Keras Tuner's hyperparameters: those that are sampled on a log scale are drawn on it.
    """
    columns = leaderboard(run)
    run.tracker.log_file(PARENT, "leaderboard.csv", _csv(columns))
    shown = {name: [_short(value) for value in values] for name, values in columns.items()}
    run.tracker.log_table(PARENT, "leaderboard.json", shown)
    log_search_plots(run, log_sampled(space))
    run.tracker.describe(PARENT, description(run, result, more))


def leaderboard(run: SearchRun) -> dict[str, list[Any]]:
    """All trials, the best first, failed ones last: column name -> values."""
    failed = sorted(run.failures(), key=lambda row: row.number)
    rows = [*run.ranking(), *failed]
    columns: dict[str, list[Any]] = {
        "rank": [index if row.score is not None else "" for index, row in enumerate(rows, 1)],
        "trial": [_number(row) for row in rows],
        f"best_{run.objective.name}": [_or_empty(row.score) for row in rows],
    }
    epochs: dict[str, list[Any]] = {
        "best_epoch": [_or_empty(row.best_epoch) for row in rows],
        "epochs_run": [row.epochs_run for row in rows],
        "status": ["FINISHED" if row.score is not None else "FAILED" for row in rows],
    }
    taken = {*columns, *epochs, "reason"}
    for name in hyperparameter_names(rows):
        columns[name if name not in taken else f"hp_{name}"] = [
            row.hyperparameters.get(name, "") for row in rows
        ]
    columns |= epochs
    columns["reason"] = [row.reason for row in rows]
    return columns


def hyperparameter_names(rows: Sequence[TrialRow]) -> list[str]:
    """All hyperparameters of some trials, in the order of a trial that has the most of them."""
    longest_first = sorted(rows, key=lambda row: -len(row.hyperparameters))
    return list(dict.fromkeys(name for row in longest_first for name in row.hyperparameters))


def description(run: SearchRun, result: str = "", more: str = "") -> str:
    """Markdown for the top of the run page."""
    ranking, failures = run.ranking(), run.failures()
    counts = f"{len(run.rows)} trial{'s' * (len(run.rows) != 1)}"
    counts += f", {len(failures)} failed" if failures else ""
    if result:
        parts = [f"{result}.", f"{counts}. {more}".rstrip()]
    elif ranking:
        best = ranking[0]
        text = f"Best {run.objective.name} **{_score(best)}**: {best.name}"
        parts = [f"{text} ({counts}).", more]
    else:
        parts = [f"No trial came to a score ({counts}).", more]
    if ranking:
        parts.append(_table(ranking[:SHOWN_BEST], run.objective))
    if failures:
        parts.append("Failed: " + "; ".join(f"{row.name}: {row.reason}" for row in failures[:5]))
    return "\n\n".join(part for part in parts if part)


def log_sampled(space: Sequence[Any]) -> set[str]:
    """Names of the hyperparameters that are sampled on a log scale.

    Example:
        >>> import keras_tuner
        >>> hp = keras_tuner.HyperParameters()
        >>> hp.Float("rate", 1e-4, 1e-2, sampling="log"), hp.Int("units", 2, 9)
        (0.0001, 2)
        >>> log_sampled(hp.space)
        {'rate'}
    """
    return {hp.name for hp in space if getattr(hp, "sampling", None) in {"log", "reverse_log"}}


def log_search_plots(run: SearchRun, on_log_scale: Collection[str] = ()) -> None:
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
        for row in sorted(run.rows.values(), key=lambda row: row.number)
    ]
    objective = run.objective.name, run.objective.direction
    for name, figure in (
        ("objective_over_trials", objective_over_trials(records, *objective)),
        (
            "objective_by_hyperparameter",
            objective_by_hyperparameter(records, *objective, on_log_scale),
        ),
    ):
        run.tracker.log_file(PARENT, f"plots/{name}.png", figure_png(figure))


def _table(rows: Sequence[TrialRow], objective: Objective) -> str:
    names = hyperparameter_names(rows)
    header = ["rank", "trial", objective.name, *map(escaped, names)]
    header += ["best epoch (from 0)", "epochs"]
    lines = []
    for rank, row in enumerate(rows, 1):
        values = [escaped(format_value(row.hyperparameters.get(name, ""))) for name in names]
        epochs = [str(row.best_epoch), str(row.epochs_run)]
        lines.append([str(rank), _number(row), _score(row), *values, *epochs])
    return table(header, lines)


def _or_empty(value: float | None) -> float | str:
    return "" if value is None else value


def _number(row: TrialRow) -> str:
    """As in the names of runs; Keras Tuner's ids have as many digits as the search has trials."""
    return f"{row.number:03d}"


def _score(row: TrialRow) -> str:
    return f"{row.score:.4f}" if row.score is not None else "failed"


def _short(value: Any) -> Any:
    """A number as people read it; the file beside the table has all of its digits."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _csv(columns: dict[str, list[Any]]) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return buffer.getvalue().encode()
