"""Takes up a search again to look at its trials and to load their models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trialstack.errors import InputError
from trialstack.experiment import Experiment
from trialstack.searches import searches_of
from trialstack.tracking.store import resolve_store
from trialstack.tuners.journal import FILE_NAME, Journal

if TYPE_CHECKING:
    from trialstack.tuners.base import TrackedTuner


def load_search(experiment: Experiment, *, tracking_uri: str | None = None) -> TrackedTuner:
    """The tuner of an experiment's latest search, with all trials that it has.

    The weights of the best ten trials are kept, so their models can be loaded.

    Args:
        experiment: Whose search is meant. Its settings are taken from the search's journal, so it
            does not matter if the file has changed since.
        tracking_uri: Store at which the search ran; by default `MLFLOW_TRACKING_URI`, or the
            embedded store under the current directory.

    Raises:
        InputError: The experiment has no search there.

    Example:
        ```python
        tuner = load_search(Experiment.load("experiments/breast_cancer.toml"))
        second_best = tuner.get_best_models(2)[1]
        trial = tuner.oracle.get_trial("007")
        model = tuner.load_model(trial)
        ```
    """
    root = resolve_store(tracking_uri).folder / "searches"
    folders = searches_of(root, experiment.name)
    if not folders:
        raise InputError(f"experiment {experiment.name!r} has no search in {root}; run it first")
    journal = Journal(folders[-1] / FILE_NAME)
    searched = Experiment.from_dict(
        journal.header["experiment"], experiment.where, experiment.folder
    )

    from trialstack.pipeline.data import Data
    from trialstack.pipeline.hypermodel import hypermodel_for
    from trialstack.pipeline.search import quiet_tuner

    data = Data.of(searched)
    hypermodel = hypermodel_for(searched, data, data.fit)
    asked = {entry["trial_id"] for entry in journal.of("asked")}
    return quiet_tuner(searched, hypermodel, journal, None, len(asked))
