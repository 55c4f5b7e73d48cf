"""What the page shows curves and pictures of: trials, models, or runs that somebody chose."""

from __future__ import annotations

from dataclasses import dataclass

from trialstack.hypermodels.naming import format_value
from trialstack.report.compared import ComparedRun
from trialstack.report.runs import StoredRun
from trialstack.report.search import StoredSearch, Trial

BASELINE, FINAL = "baseline", "final"


@dataclass(frozen=True)
class Entry:
    """A run on the page.

    Attributes:
        key: The page's own name of it: a trial's number, `baseline`, `final`, or a run's id.
        label: What it is called, briefly.
        detail: What tells it from others: its hyperparameters.
        score: As people read it; empty if it has none.
        run: The run itself.
        best_epoch: Index of the epoch that counts, from 0; None if that is the last one.
        value: The score itself.
    """

    key: str
    label: str
    detail: str
    score: str
    run: StoredRun
    best_epoch: int | None = None
    value: float | None = None


def shown_score(score: float | None) -> str:
    """A score as the page writes it.

    Example:
        >>> shown_score(0.98765), shown_score(None), shown_score(1234.5678)
        ('0.9877', '', '1235')
    """
    if score is None:
        return ""
    return f"{score:.4f}" if abs(score) < 1000 else f"{score:.0f}"


def entry_of_trial(trial: Trial) -> Entry | None:
    """A trial that MLflow has a run of."""
    if trial.run is None:
        return None
    _, _, detail = trial.name.partition(" · ")
    label = f"trial {trial.number:03d}"
    score, epoch = shown_score(trial.score), trial.best_epoch
    return Entry(str(trial.number), label, detail, score, trial.run, epoch, trial.score)


def ranked_entries(search: StoredSearch) -> list[Entry]:
    """The trials of a search, the best first, then those without a score that have begun."""
    unscored = [trial for trial in search.trials if trial.score is None]
    entries = map(entry_of_trial, [*search.ranking, *unscored])
    return [entry for entry in entries if entry is not None]


def model_entries(search: StoredSearch) -> list[Entry]:
    """The final model and the baseline, as far as they are there."""
    found = [(FINAL, search.final), (BASELINE, search.baseline)]
    return [
        Entry(
            kind, f"{kind} model" if kind == FINAL else kind, run.name.partition(" · ")[2], "", run
        )
        for kind, run in found
        if run is not None
    ]


def entry_of_row(row: ComparedRun, several_searches: bool) -> Entry:
    """A run of a comparison.

    Args:
        row: The run.
        several_searches: Whether its label needs its id beside it.
    """
    label = f"{row.label} {row.run.run_id[:8]}" if several_searches else row.label
    values = [f"{name} {format_value(value)}" for name, value in row.hyperparameters.items()]
    score, epoch = shown_score(row.score), row.best_epoch
    detail = " · ".join(values)
    return Entry(row.run.run_id, label, detail, score, row.run, epoch, row.score)
