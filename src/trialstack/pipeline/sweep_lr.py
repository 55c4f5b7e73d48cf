"""The learning-rate sweep of an experiment file, from its rows to the links."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from trialstack.errors import InputError
from trialstack.evaluation.lr_range import RateSchedule
from trialstack.experiment import CustomSettings, Experiment, Ladder, ModelSettings
from trialstack.pipeline.data import Data
from trialstack.pipeline.fixed_models import FixedModel
from trialstack.pipeline.job import Listener
from trialstack.quiet import load_tensorflow
from trialstack.searches import folder_name
from trialstack.tracking.store import Store, display_uri, open_client, resolve_store
from trialstack.trials import TrialSpec
from trialstack.tuners.lock import locked

if TYPE_CHECKING:
    from trialstack.evaluation.lr_range import RangeTest
    from trialstack.pipeline.sweep import SweepPlan

KEY = "sweep-lr"
"""Of the run, of all sweeps of an experiment, and of the folder that one process holds."""
NAME = "learning-rate sweep"
DEFAULT = "default hyperparameters"


@dataclass(frozen=True)
class SweepResult:
    """What a sweep comes to.

    Attributes:
        experiment: Name of the experiment.
        tracking_uri: Absolute, without credentials.
        run_id: Of the run.
        model: Name of the `[[model]]` table, or that it is the default hyperparameters'.
        params: What the model was built with, as a person reads it.
        test: The curves and the suggestion.
        links: Name -> address of a page of the MLflow UI.
    """

    experiment: str
    tracking_uri: str
    run_id: str
    model: str
    params: Mapping[str, Any]
    test: RangeTest
    links: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """As `sweep-lr --json` prints it."""
        test = self.test
        lowest = None
        if test.minimum is not None:
            rate, loss = test.schedule.rate(test.minimum), float(test.smoothed[test.minimum])
            lowest = {"learning_rate": rate, "loss": loss}
        return {
            "experiment": self.experiment,
            "tracking_uri": self.tracking_uri,
            "run_id": self.run_id,
            "model": self.model,
            "hyperparameters": dict(self.params),
            "suggested_learning_rate": test.suggestion,
            "reason": test.reason,
            "lowest": lowest,
            "seeds": len(test.losses),
        }


def sweep_learning_rate(
    experiment: Experiment | Ladder,
    schedule: RateSchedule,
    *,
    model: str | None = None,
    seeds: int = 1,
    tracking_uri: str | None = None,
    listener: Listener | None = None,
) -> SweepResult:
    """Trains a model with a growing learning rate and suggests one to train with.

    Args:
        experiment: Whose model. With a hypermodel it is the one of the default hyperparameters,
            trained on the rows that trials are trained on.
        schedule: How the learning rate grows.
        model: Name of a `[[model]]` table; by default the first.
        seeds: Trainings from different initial weights, whose median counts.
        tracking_uri: MLflow store; see `trialstack.tune`.
        listener: Told how far it is.

    Raises:
        InputError: Something about the experiment, the data or the store cannot be used.
        SearchHeldError: Another process is sweeping this experiment.
    """
    listener = listener or Listener()
    store = resolve_store(tracking_uri)
    _refuse_early(experiment, model, store)
    home = store.folder / "searches" / folder_name(experiment.name) / KEY
    with locked(home, f"experiment {experiment.name!r}"):
        data = Data.of(experiment, listener.stage)
        for warning in data.warnings:
            listener.warning(warning)
        if isinstance(experiment, Ladder):
            fixed = FixedModel.of(experiment, _chosen(experiment, model), data)
            label, plan_of = fixed.name, partial(_plan_of_fixed, fixed)
        else:
            label, plan_of = DEFAULT, partial(_plan_of_default, experiment, data)
        listener.stage("starting TensorFlow and the tracking store")
        load_tensorflow()
        return _sweep(plan_of(schedule, seeds), label, experiment.name, store, data, listener)


def _refuse_early(experiment: Experiment | Ladder, model: str | None, store: Store) -> None:
    """What can be refused at once is not left until TensorFlow and MLflow are imported."""
    from trialstack.hypermodels.refusals import require_hypermodel
    from trialstack.tracking.connection import probe

    if isinstance(experiment, Ladder):
        _chosen(experiment, model)
    elif model is not None:
        raise InputError(
            f"--model {model}: {experiment.where} has no [[model]] tables; leave it out to sweep "
            "the model of the default hyperparameters"
        )
    elif isinstance(experiment.hypermodel, CustomSettings):
        own = experiment.hypermodel
        require_hypermodel(own.type, own.params, experiment.folder, experiment.place_of)
    probe(store)


def _chosen(ladder: Ladder, model: str | None) -> ModelSettings:
    return ladder.chosen([model] if model else [], option="--model")[0]


def _sweep(
    plan: SweepPlan, label: str, experiment_name: str, store: Store, data: Data, listener: Listener
) -> SweepResult:
    from trialstack.pipeline.fits import failed_on_error
    from trialstack.pipeline.sweep import PICTURE, run_sweep
    from trialstack.tracking.experiments import require_editable
    from trialstack.tracking.mlflow import MlflowTracker

    client = open_client(store)
    require_editable(client, store, experiment_name)
    with MlflowTracker(store, experiment_name, KEY, client) as tracker:
        tracker.kill_open_runs(KEY)
        listener.stage(f"{plan.name}: {plan.schedule.describe()}")
        sweep = run_sweep(plan, tracker)
        with failed_on_error(tracker, KEY):
            tracker.log_dataset(KEY, data.record())
        tracker.end_run(KEY, "FINISHED", time.time())
        run_id = tracker.run_id(KEY)
        links = {
            "picture": tracker.links.run(run_id, f"artifacts/{PICTURE}"),
            "run": tracker.links.run(run_id),
        }
    for problem in tracker.problems:
        listener.warning(problem)
    return SweepResult(
        experiment=experiment_name,
        tracking_uri=display_uri(store.tracking_uri),
        run_id=run_id,
        model=label,
        params=plan.params,
        test=sweep.test,
        links=links,
    )


def _plan_of_default(
    experiment: Experiment, data: Data, schedule: RateSchedule, seeds: int
) -> SweepPlan:
    """The model of the hypermodel's default hyperparameters, on the rows of the trials."""
    from trialstack.hypermodels.own_fit import has_own_fit
    from trialstack.pipeline.fits import build_seeded
    from trialstack.pipeline.hypermodel import class_weight_for, hypermodel_for
    from trialstack.pipeline.refit import targets_of
    from trialstack.pipeline.sweep import SweepPlan
    from trialstack.plots.lr_range import LEARNING_RATE
    from trialstack.tuners.names import TrialNames
    from trialstack.tuners.table import default_hyperparameters

    search = experiment.search
    hypermodel = hypermodel_for(experiment, data, data.fit)
    hp = default_hyperparameters()
    specs = [TrialSpec(f"{KEY}/{n}", n, {}, (search.seed, n)) for n in range(seeds)]
    # Once before the sweep itself does it: only then are all hyperparameters known.
    build_seeded(specs[0].seed_for_keras(), lambda: hypermodel.build(hp))
    values = {name: value for name, value in hp.values.items() if name != LEARNING_RATE}
    names = TrialNames.of(hypermodel)
    what = names.run_name(0, values).partition(" · ")[2]
    return SweepPlan(
        key=KEY,
        name=f"{NAME} · {what}" if what else NAME,
        build=lambda: hypermodel.build(hp),
        train=data.fit,
        validation=data.validation,
        encode=targets_of(hypermodel),
        batch_size=search.batch_size,
        specs=specs,
        schedule=schedule,
        params=names.params(values),
        train_by=partial(hypermodel.fit, hp) if has_own_fit(hypermodel) else None,
        class_weight=class_weight_for(experiment, data.fit),
    )


def _plan_of_fixed(model: FixedModel, schedule: RateSchedule, seeds: int) -> SweepPlan:
    """A fixed model, on the rows that it is fitted on; its first seed is its own."""
    from trialstack.pipeline.steps import settings_of
    from trialstack.pipeline.sweep import SweepPlan

    of_training = {"learning rate", "epochs", "batch size", "rows"}
    params = {name: value for name, value in settings_of(model).items() if name not in of_training}
    return SweepPlan(
        key=KEY,
        name=f"{NAME} · {model.name}",
        build=model.build,
        train=model.train,
        validation=model.validation,
        encode=model.encode,
        batch_size=model.settings.batch_size,
        specs=[model.spec(model.settings.seed + number) for number in range(seeds)],
        schedule=schedule,
        params={name.replace(" ", "_"): value for name, value in params.items()},
    )
