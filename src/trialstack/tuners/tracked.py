"""Opens the run of a search that was started from Python, and closes it again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trialstack.errors import DataError
from trialstack.executors.batch_order import bind_fit_arguments
from trialstack.hypermodels.naming import format_value
from trialstack.plots.painter import BoundaryPainter
from trialstack.plots.plane import plane_of
from trialstack.tracking.base import NewRun, Status, Tracker
from trialstack.tracking.off import NullTracker
from trialstack.tuners.journal import Journal
from trialstack.tuners.names import TrialNames
from trialstack.tuners.search_run import PARENT, SearchRun
from trialstack.tuners.summary import summarize

if TYPE_CHECKING:
    from trialstack.tuners.base import TrackedTuner

DEFAULT_TRACKING = "default"
"""MLflow at `MLFLOW_TRACKING_URI`, or the embedded store under the current directory."""


@contextlib.contextmanager
def tracked_search(
    tuner: TrackedTuner, fit_args: Sequence[Any], fit_kwargs: Mapping[str, Any]
) -> Iterator[SearchRun]:
    """The run that a tuner writes to: the pipeline's own, or one for this search alone."""
    if isinstance(tuner.tracking, SearchRun):
        yield tuner.tracking
        return
    tracker = make_tracker(tuner.tracking, tuner.project_name, tuner.journal.search_id)
    run = SearchRun(
        tracker,
        tuner.trialstack_objective,
        TrialNames.of(tuner.hypermodel),
        Path(tuner.project_dir),
        painter_of(bind_fit_arguments(tuple(fit_args), fit_kwargs)),
    )
    status: Status = "FAILED"
    try:
        open_parent(run, tuner)
        yield run
        status = "FINISHED"
    except BaseException as error:
        status = "FAILED" if isinstance(error, Exception) else "KILLED"
        raise
    finally:
        if run.rows:
            summarize(run)
        tracker.end_run(PARENT, status, time.time())
        tracker.close()
        if status == "FINISHED":
            run.drop_pictures()


def make_tracker(tracking: Any, experiment_name: str, search_id: str) -> Tracker:
    """What the argument `tracking` of a tuner stands for.

    Args:
        tracking: `DEFAULT_TRACKING`, a tracking URI, a `Tracker`, or None for no tracking.
        experiment_name: MLflow experiment, made if need be.
        search_id: Which search the runs belong to.
    """
    if tracking is None:
        return NullTracker()
    if not isinstance(tracking, str):
        return tracking  # type: ignore[no-any-return]
    from trialstack.tracking.mlflow import MlflowTracker
    from trialstack.tracking.store import resolve_store

    store = resolve_store(None if tracking == DEFAULT_TRACKING else tracking)
    return MlflowTracker(store, experiment_name, search_id)


def open_parent(run: SearchRun, tuner: TrackedTuner) -> None:
    """Opens the search's own run, or goes on with the one of an earlier process."""
    oracle = tuner.oracle
    new = NewRun(
        PARENT,
        "search",
        f"{type(tuner).__name__} {time.strftime('%Y-%m-%d %H:%M')}",
        time.time(),
        params={
            "algorithm": type(tuner).__name__,
            "objective": oracle.objective.name,
            "direction": oracle.objective.direction,
            "max_trials": format_value(oracle.max_trials),
            "executions_per_trial": format_value(tuner.executions_per_trial),
            "executor": tuner.executor.name,
            "seed": format_value(oracle.seed),
        },
    )
    enter_parent(run, new, tuner.journal)


def enter_parent(run: SearchRun, new: NewRun, journal: Journal) -> bool:
    """Opens the parent run, or resumes it and brings its children to what the journal says.

    Returns:
        Whether it is new.
    """
    known = {known.key: known for known in run.tracker.known_runs()}
    if PARENT in known:
        run.tracker.resume_run(PARENT, known[PARENT].run_id)
        run.tracker.kill_open_runs("interrupted; trained again in a run of its own")
    else:
        run.tracker.start_run(new)
    run.catch_up(journal, known)
    return PARENT not in known


def painter_of(fit: Mapping[str, Any]) -> BoundaryPainter | None:
    """Draws boundaries over the rows of a `fit` call; None where they cannot be drawn.

    They can for a table of numbers, `(rows, features)`, with one class label a row.
    """
    x, y = fit.get("x"), fit.get("y")
    if not isinstance(x, np.ndarray) or not isinstance(y, np.ndarray):
        return None
    if x.ndim != 2 or y.size != len(x) or not np.issubdtype(x.dtype, np.number):
        return None
    classes, labels = np.unique(y.reshape(-1), return_inverse=True)
    if not 2 <= len(classes) <= 20:
        return None
    try:
        return BoundaryPainter(plane_of(x), x, labels, len(classes))
    except DataError:
        return None
