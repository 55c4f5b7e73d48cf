"""The ladder of fixed models, from an experiment file to one run a model."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trialstack.errors import AllTrialsFailedError
from trialstack.experiment import Ladder, ModelSettings
from trialstack.pipeline.data import Data
from trialstack.pipeline.job import Listener
from trialstack.searches import folder_name
from trialstack.tracking.store import Store, display_uri, open_client, resolve_store
from trialstack.tuners.lock import locked

if TYPE_CHECKING:
    from trialstack.pipeline.train_result import LessonRun, TrainResult
    from trialstack.tracking.mlflow import MlflowTracker

KEY = "train"
"""Of all runs of fixed models of an experiment, and of the folder that one process holds."""

FEW = 3
"""Runs that each get a link of their own."""


def train(
    ladder: Ladder,
    *,
    only: Sequence[str] = (),
    tracking_uri: str | None = None,
    listener: Listener | None = None,
) -> TrainResult:
    """Fits fixed models, each as a run of its own, and says whether their lessons hold.

    Every call makes new runs. A fit that diverges costs that model only.

    Args:
        ladder: The models.
        only: Names of those to fit; none = all. A learning rate that comes from the sweep of a
            model which is not among them is found without a run of that model.
        tracking_uri: MLflow store; see `trialstack.tune`.
        listener: Told how far it is.

    Raises:
        InputError: Something about the experiment, the data or the store cannot be used.
        SearchHeldError: Another process is fitting the models of this experiment.
        AllTrialsFailedError: No fit came to its end.
    """
    from trialstack.tracking.connection import probe

    listener = listener or Listener()
    store = resolve_store(tracking_uri)
    chosen = ladder.chosen(only)
    probe(store)
    home = store.folder / "searches" / folder_name(ladder.name) / KEY
    with locked(home, f"experiment {ladder.name!r}"):
        data = Data.of(ladder, listener.stage)
        for warning in data.warnings:
            listener.warning(warning)
        return _train(ladder, chosen, data, store, listener)


def _train(
    ladder: Ladder,
    chosen: Sequence[ModelSettings],
    data: Data,
    store: Store,
    listener: Listener,
) -> TrainResult:
    from trialstack.pipeline.fixed_models import FixedModel
    from trialstack.pipeline.train_result import LessonRun, TrainResult
    from trialstack.quiet import load_tensorflow

    # Whatever can be refused is refused before TensorFlow is imported.
    models = {str(each.name): FixedModel.of(ladder, each, data) for each in ladder.model}
    names = [str(each.name) for each in chosen]
    listener.stage("starting TensorFlow and the tracking store")
    load_tensorflow()

    from trialstack.pipeline.course import Course
    from trialstack.pipeline.lesson_runs import Classroom
    from trialstack.plots.plane import plane_of
    from trialstack.tracking.experiments import require_editable
    from trialstack.tracking.mlflow import MlflowTracker

    client = open_client(store)
    require_editable(client, store, ladder.name)
    ladder_id = uuid.uuid4().hex[:12]
    with MlflowTracker(store, ladder.name, KEY, client) as tracker:
        tracker.kill_open_runs(KEY)  # of a process that was killed: nobody else holds the lock
        plane = plane_of(data.train.X, data.feature_names)
        room = Classroom(data, plane, tracker, ladder_id)
        course = Course(ladder, models, room, listener)
        course.run(names)
        tracker.flush()
        runs = [
            LessonRun(course.lessons[name], tracker.run_id(course.lessons[name].step.key))
            for name in names
            if name in course.lessons
        ]
        links = _links(tracker, runs, ladder_id, ladder.description, listener)
    for problem in tracker.problems:
        listener.warning(problem)
    if not runs:
        raise AllTrialsFailedError(f"experiment {ladder.name!r}: no fit came to its end")
    return TrainResult(ladder.name, display_uri(store.tracking_uri), runs, course.failures, links)


def _links(
    tracker: MlflowTracker,
    runs: Sequence[LessonRun],
    ladder_id: str,
    about: str,
    listener: Listener,
) -> dict[str, str]:
    """Pages of the MLflow UI on the runs; on each by itself only if they are few."""
    from trialstack.tracking.ladder_views import save_ladder_views
    from trialstack.tracking.overview import describe_experiment

    links = {}
    try:
        views = save_ladder_views(tracker.client, tracker.experiment_id, ladder_id)
        links = {
            name: tracker.links.view(key, charts=name != "models") for name, key in views.items()
        }
        describe_experiment(tracker.client, tracker.experiment_id, about, {})
    except Exception as error:  # an undocumented format, and a server that may be away
        listener.warning(f"the MLflow pages have no saved views: {error}")
    if len(runs) <= FEW:
        links |= {run.lesson.step.model.name: tracker.links.run(run.run_id) for run in runs}
    return links
