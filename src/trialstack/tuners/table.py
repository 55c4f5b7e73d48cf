"""The search algorithms there are, by the name that experiment files use."""

from __future__ import annotations

from typing import Any

import keras_tuner

from trialstack.experiment import Experiment
from trialstack.tuners.base import TrackedTuner
from trialstack.tuners.journal import Journal
from trialstack.tuners.random_search import RandomSearch
from trialstack.tuners.search_run import SearchRun

TUNERS: dict[str, type[TrackedTuner]] = {
    "random": RandomSearch,
}


def default_hyperparameters() -> keras_tuner.HyperParameters:
    """Those that a hypermodel is built with when nobody chooses: every one at its default."""
    return keras_tuner.HyperParameters()


def make_tuner(
    experiment: Experiment,
    hypermodel: Any,
    journal: Journal,
    run: SearchRun | None,
    max_trials: int,
) -> TrackedTuner:
    """The tuner that an experiment describes.

    Args:
        experiment: Its `[search]` table is used.
        hypermodel: What it tunes.
        journal: The search's, in its folder.
        run: The search's run, open already; None when nothing is going to be searched.
        max_trials: How many in all, those of earlier processes included.
    """
    search = experiment.search
    return TUNERS[search.algorithm](
        hypermodel,
        objective=keras_tuner.Objective(search.objective, search.direction),
        max_trials=max_trials,
        seed=search.seed,
        max_retries_per_trial=search.max_retries,
        executor=search.executor,
        tracking=run,
        journal=journal,
        needs_default_build=False,  # it fails as one trial's would, which costs that trial only
        directory=str(journal.path.parent.parent),
        project_name=journal.path.parent.name,
    )
