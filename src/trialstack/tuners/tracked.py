"""Opens the run of a search that was started from Python, and closes it again."""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from trialstack.errors import DataError
from trialstack.executors.batch_order import bind_fit_arguments
from trialstack.hypermodels.naming import format_value
from trialstack.plots.painter import TILE_RESOLUTION, BoundaryPainter
from trialstack.plots.plane import plane_of
from trialstack.tracking.base import NewRun, Status, Tracker, runs_by_key
from trialstack.tracking.off import NullTracker
from trialstack.tuners.journal import Journal
from trialstack.tuners.names import TrialNames
from trialstack.tuners.search_run import PARENT, SearchRun
from trialstack.tuners.summary import summarize

if TYPE_CHECKING:
    from trialstack.tuners.base import TrackedTuner

MOST_CLASSES = 20
"""Targets with more values are taken for numbers to be predicted."""

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
    fit = bind_fit_arguments(tuple(fit_args), fit_kwargs)
    tracker = make_tracker(tuner.tracking, tuner.project_name, tuner.journal.search_id)
    run = SearchRun(
        tracker,
        tuner.trialstack_objective,
        TrialNames.of(tuner.hypermodel),
        Path(tuner.project_dir),
        painter_of(fit) if tuner.tracking is not None else None,
    )
    try:
        open_parent(run, tuner)
        with _ended_parent(run, tuner):
            yield run
    finally:
        tracker.close()
        problems = getattr(tracker, "problems", ())
        for problem in problems:
            warnings.warn(f"tracking: {problem}", stacklevel=4)
    if not problems:
        run.drop_pictures()


@contextlib.contextmanager
def _ended_parent(run: SearchRun, tuner: TrackedTuner) -> Iterator[None]:
    """Summarizes and ends the search's run, whatever happens in between."""
    status: Status = "FAILED"
    try:
        yield
        status = "FINISHED"
    except BaseException as error:
        status = "FAILED" if isinstance(error, Exception) else "KILLED"
        raise
    finally:
        try:
            if tuner.tracking is not None and run.rows:
                summarize(run, space=tuner.oracle.get_space().space)
                _save_views(run, tuner)
        finally:
            run.tracker.end_run(PARENT, status, time.time())


def _save_views(run: SearchRun, tuner: TrackedTuner) -> None:
    """Saves what MLflow's pages open with, as the pipeline does for its searches."""
    from trialstack.tracking.mlflow import MlflowTracker
    from trialstack.tracking.views import BEST_SHOWN, save_views

    tracker = run.tracker
    if not isinstance(tracker, MlflowTracker):
        return
    names = run.names.readable(tuner.oracle.get_space().values)
    try:
        save_views(
            tracker.client,
            tracker.experiment_id,
            tracker.run_id(PARENT),
            run.objective.name,
            run.objective.direction,
            list(names),
            ["boundary_final"] if run.probe is not None else [],
            best=[run.run_id_of(row) for row in run.ranking()[:BEST_SHOWN]],
            tested=False,
        )
    except Exception as error:  # an undocumented format, and a server that may be away
        warnings.warn(f"the MLflow pages have no saved views: {error}", stacklevel=6)


def make_tracker(tracking: Any, experiment_name: str, search_id: str) -> Tracker:
    """What the argument `tracking` of a tuner stands for.

    Args:
        tracking: `DEFAULT_TRACKING`, a tracking URI, a `Tracker`, or None for no tracking.
        experiment_name: MLflow experiment, made if need be.
        search_id: Which search the runs belong to.

    Raises:
        InputError: The store cannot be used, or does not let one write into that experiment.
    """
    if tracking is None:
        return NullTracker()
    if not isinstance(tracking, str):
        return tracking  # type: ignore[no-any-return]
    from trialstack.tracking.experiments import require_editable
    from trialstack.tracking.mlflow import MlflowTracker
    from trialstack.tracking.store import open_client, resolve_store

    store = resolve_store(None if tracking == DEFAULT_TRACKING else tracking)
    client = open_client(store)
    require_editable(client, store, experiment_name)
    return MlflowTracker(store, experiment_name, search_id, client)


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
    known = runs_by_key(run.tracker.known_runs())
    if PARENT in known:
        run.tracker.resume_run(PARENT, known[PARENT].run_id)
        run.tracker.kill_open_runs(known[PARENT].run_id)
    else:
        run.tracker.start_run(new)
    run.catch_up(journal, known)
    return PARENT not in known


def painter_of(fit: Mapping[str, Any]) -> BoundaryPainter | None:
    """Draws boundaries over the rows of a `fit` call; None where they cannot be drawn.

    They can for a table of numbers, `(rows, features)`, with one class label or one-hot vector a
    row.
    """
    x, y = fit.get("x"), fit.get("y")
    if not isinstance(x, np.ndarray) or not isinstance(y, np.ndarray):
        return None
    if x.ndim != 2 or not np.issubdtype(x.dtype, np.number):
        return None
    labels, n_classes = _classes(y)
    if not 2 <= n_classes <= MOST_CLASSES:
        return None
    try:
        plane = plane_of(x, resolution=TILE_RESOLUTION)
        return BoundaryPainter(plane, x, labels, n_classes)
    except DataError:
        return None


def _classes(y: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """Class indices and the number of classes that targets seem to have."""
    if y.ndim == 2 and y.shape[1] > 1:
        one_hot = np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all()
        return y.argmax(axis=1), y.shape[1] if one_hot else 0
    values, labels = np.unique(y.reshape(-1), return_inverse=True)
    indices = np.arange(MOST_CLASSES)
    if len(values) and np.issubdtype(y.dtype, np.number) and np.isin(values, indices).all():
        # Indices already: a model has an output for each, also where the rows lack a class.
        return y.reshape(-1).astype(int), int(values.max()) + 1
    return labels, len(values)
