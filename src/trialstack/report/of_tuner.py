"""The trials of a tuner, from its journal: exact, and without a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trialstack.report.search import Trial
from trialstack.tracking.off import NullTracker
from trialstack.tuners.names import TrialNames
from trialstack.tuners.search_run import SearchRun

if TYPE_CHECKING:
    from trialstack.tuners.base import TrackedTuner


def trials_of_tuner(tuner: TrackedTuner) -> list[Trial]:
    """All trials that have come to an end.

    Args:
        tuner: Before, during or after its search, or reloaded in another process.
    """
    journal = tuner.journal
    objective, names = tuner.trialstack_objective, TrialNames.of(tuner.hypermodel)
    run = SearchRun(NullTracker(), objective, names, Path(tuner.project_dir))
    run.catch_up(journal, {})
    started = {entry["trial_id"]: entry["time"] for entry in journal.of("started")}
    ended = {entry["trial_id"]: entry for entry in journal.of("finished", "failed")}
    return [
        Trial(
            trial_id=row.trial_id,
            number=row.number,
            name=row.name,
            status="FINISHED" if row.score is not None else "FAILED",
            hyperparameters=row.hyperparameters,
            score=row.score,
            best_epoch=row.best_epoch,
            epochs_run=row.epochs_run,
            seconds=ended[row.trial_id]["time"] - started[row.trial_id],
            reason=row.reason,
            started=started[row.trial_id],
            stopped_by=ended[row.trial_id].get("stopped_by", "error"),
        )
        for row in run.rows.values()
    ]
