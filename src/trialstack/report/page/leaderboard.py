"""The trials as a table that a reader can sort."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trialstack.durations import shown_duration
from trialstack.hypermodels.naming import format_value
from trialstack.report.differences import names_of
from trialstack.report.page.entries import shown_score
from trialstack.report.page.scales import Scale
from trialstack.report.runs import Value
from trialstack.report.search import StoredSearch, Trial
from trialstack.tracking.links import Links

SCORE = 2


@dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes:
        text: What stands there.
        sort: What it is sorted by; empty where there is nothing, which sorts last.
        is_number: Whether it stands on the right.
    """

    text: str
    sort: str
    is_number: bool


@dataclass(frozen=True)
class Row:
    """A trial.

    Attributes:
        number: Of the trial.
        cells: One a column.
        link: Its page in MLflow.
        status: In lower case, if it is not finished.
        share: Where its score stands between the worst and the best of the axis.
    """

    number: int
    cells: tuple[Cell, ...]
    link: str
    status: str
    share: float | None


@dataclass(frozen=True)
class Leaderboard:
    """The table.

    Attributes:
        columns: Headers.
        score: Index of the column with the objective.
        first_value: Index of the first column with a hyperparameter.
        rows: The best trial first.
        texts: Indices of the columns that hold no numbers.
        same: Hyperparameters that all trials share, which have no column: name and value.
    """

    columns: tuple[str, ...]
    score: int
    first_value: int
    rows: tuple[Row, ...]
    texts: frozenset[int]
    same: tuple[tuple[str, str], ...]


def leaderboard_of(search: StoredSearch, links: Links, y: Scale | None) -> Leaderboard:
    """All trials, the best first, those without a score last.

    Args:
        search: Whose trials.
        links: Addresses of its experiment.
        y: The axis of the objective.
    """
    trials = [*search.ranking, *(trial for trial in search.trials if trial.score is None)]
    all_names = names_of(trial.hyperparameters for trial in trials)
    several = [name for name in all_names if _varies(name, trials)]
    shows_status = any(trial.score is None for trial in trials)
    columns = ["", "trial", search.objective.name, "best epoch", "epochs", "time", *several]
    rows = []
    for rank, trial in enumerate(trials, 1):
        status = trial.status.lower() if trial.status != "FINISHED" else ""
        cells = [
            _number(rank if trial.score is not None else None),
            Cell(f"{trial.number:03d}", str(trial.number), True),
            Cell(shown_score(trial.score) or status, _sortable(trial.score), True),
            _number(trial.best_epoch),
            _number(trial.epochs_run),
            _time(trial.seconds),
            *(_cell(trial.hyperparameters.get(name)) for name in several),
        ]
        link = links.run(trial.run.run_id) if trial.run else ""
        share = y.share(trial.score) if y is not None and trial.score is not None else None
        rows.append(Row(trial.number, tuple(cells), link, status if shows_status else "", share))
    same = [name for name in all_names if name not in several]
    texts = {
        k for row in rows for k, cell in enumerate(row.cells) if cell.text and not cell.is_number
    }
    return Leaderboard(
        tuple(columns),
        SCORE,
        len(columns) - len(several),
        tuple(rows),
        frozenset(texts),
        tuple((name, _cell(trials[0].hyperparameters[name]).text) for name in same),
    )


def _varies(name: str, trials: Sequence[Trial]) -> bool:
    return len({repr(trial.hyperparameters.get(name)) for trial in trials}) > 1


def _cell(value: Value | None) -> Cell:
    if value is None:
        return Cell("", "", False)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return Cell(format_value(value), repr(value) if is_number else str(value), is_number)


def _number(value: int | None) -> Cell:
    return Cell("" if value is None else str(value), _sortable(value), True)


def _time(seconds: float | None) -> Cell:
    return Cell("" if seconds is None else shown_duration(seconds), _sortable(seconds), True)


def _sortable(value: float | None) -> str:
    return "" if value is None else repr(value)
