"""The mean of the best trials as the final model."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.pipeline.conftest import RINGS, Place
from trialstack.errors import ExperimentError, TrialstackError
from trialstack.experiment import Experiment
from trialstack.pipeline import ensemble
from trialstack.pipeline.data import Data
from trialstack.pipeline.ensemble import Member, choose_members, fit_ensemble
from trialstack.pipeline.fits import fit
from trialstack.pipeline.fitted import probabilities_of
from trialstack.pipeline.hypermodel import hypermodel_for
from trialstack.pipeline.job import FINAL, Job, Listener
from trialstack.pipeline.refit import plan_refit, targets_of
from trialstack.pipeline.search import quiet_tuner, search_arguments
from trialstack.searches import OpenSearch
from trialstack.tracking.base import NewRun
from trialstack.tracking.memory import MemoryTracker
from trialstack.tracking.off import NullTracker
from trialstack.trials import Failed
from trialstack.tuners.journal import Journal
from trialstack.tuners.names import TrialNames
from trialstack.tuners.search_run import PARENT, SearchRun

TABLES: dict[str, Any] = {
    "name": "rings",
    "dataset": {"source": "circles", "params": {"n_samples": 120, "noise": 0.2}},
    "hypermodel": {"units": [[2, 8]], "l2": [0.0, 1e-3], "learning_rate": [0.01, 0.03]},
    "search": {"max_trials": 3, "epochs": 4, "patience": 2, "seed": 5},
    "final": {"ensemble": 2},
}


def searched(tables: dict[str, Any], folder: Path, tracker: Any) -> tuple[Job, Any, SearchRun]:
    """A search without a store, up to its final fit."""
    experiment = Experiment.from_dict(tables)
    data = Data.of(experiment)
    hypermodel = hypermodel_for(experiment, data, data.fit)
    journal, trials = Journal(folder / "journal.jsonl"), experiment.search.max_trials
    run = SearchRun(NullTracker(), experiment.objective, TrialNames.of(hypermodel), folder)
    tuner = quiet_tuner(experiment, hypermodel, journal, run, trials)
    args, kwargs = search_arguments(experiment, data, hypermodel)
    tuner.search(*args, **kwargs)
    search: Any = OpenSearch(folder, journal, trials, False)
    nothing: Any = None
    job = Job(experiment, nothing, data, search, tracker, nothing, nothing, Listener())
    return job, tuner, run


@dataclass(frozen=True)
class Searched:
    job: Job
    tuner: Any
    run: SearchRun


@pytest.fixture(scope="module")
def rings_search(tmp_path_factory: pytest.TempPathFactory) -> Searched:
    folder = tmp_path_factory.mktemp("ensemble") / "searches" / "rings"
    return Searched(*searched(TABLES, folder, NullTracker()))


def test_members_are_the_best_trials(rings_search: Searched) -> None:
    members = choose_members(rings_search.job, rings_search.tuner, rings_search.run.ranking())
    assert members == [Member(row, 1) for row in rings_search.run.ranking()[:2]]


def test_members_may_be_more_than_have_kept_weights(rings_search: Searched) -> None:
    experiment = rings_search.job.experiment.with_settings({"final.ensemble": 20})
    job: Any = replace(rings_search.job, experiment=experiment)
    best = rings_search.run.ranking()[0]
    ranking = [replace(best, trial_id=str(number)) for number in range(30)]
    members = choose_members(job, rings_search.tuner, ranking)
    assert [member.row.trial_id for member in members] == [str(number) for number in range(20)]


def test_the_final_model_says_what_its_members_say_fitted_alone(rings_search: Searched) -> None:
    job, tuner = rings_search.job, rings_search.tuner
    train, test = job.data.train, job.data.test
    assert test is not None
    hypermodel = hypermodel_for(job.experiment, job.data, train)
    members = [
        Member(row, times)
        for row, times in zip(rings_search.run.ranking()[:2], (3, 1), strict=True)
    ]
    whole, used = fit_ensemble(job, tuner, members, hypermodel, train)
    assert used == members
    alone = []
    for member in members:
        plan = plan_refit(job, tuner, member.row, hypermodel, train)
        fitted = fit(plan, NullTracker(), targets_of(hypermodel), None)
        alone.append(probabilities_of(fitted.model, test.X))
    expected = np.average(alone, axis=0, weights=[3, 1])
    np.testing.assert_allclose(probabilities_of(whole.model, test.X), expected, atol=1e-4)


def tracked(search: Searched) -> tuple[Job, MemoryTracker]:
    tracker = MemoryTracker()
    tracker.start_run(NewRun(PARENT, "search", "rings", 0.0))
    job: Any = replace(search.job, tracker=tracker)
    return job, tracker


def members_of(search: Searched, count: int) -> list[Member]:
    return [Member(row, 1) for row in search.run.ranking()[:count]]


def test_its_run_tells_who_is_in_the_mean(
    rings_search: Searched, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, tracker = tracked(rings_search)
    members = members_of(rings_search, 3)
    diverge(monkeypatch, members[1].row.trial_id)
    hypermodel = hypermodel_for(job.experiment, job.data, job.data.train)
    fitted, used = fit_ensemble(job, rings_search.tuner, members, hypermodel, job.data.train)
    assert used == [members[0], members[2]]
    run = tracker.runs[-1]
    assert run.new is not None
    assert run.new.name == "final · mean of 3 trials"
    assert run.params["members"] == "2"
    assert run.params["weights"] == str(fitted.n_weights)
    assert len(run.metrics["loss"]) == int(run.params["epochs"]) == len(fitted.history["loss"])
    table = list(csv.DictReader(io.StringIO(run.files["members.csv"].decode())))
    assert [row["trial_id"] for row in table] == [one.row.trial_id for one in used]
    assert [row["share"] for row in table] == ["0.5", "0.5"]


def test_members_that_all_diverge_fail_the_run(
    rings_search: Searched, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, tracker = tracked(rings_search)
    members = members_of(rings_search, 2)
    diverge(monkeypatch, *(member.row.trial_id for member in members))
    hypermodel = hypermodel_for(job.experiment, job.data, job.data.train)
    with pytest.raises(TrialstackError, match="the loss of all members diverged"):
        fit_ensemble(job, rings_search.tuner, members, hypermodel, job.data.train)
    assert tracker.runs[-1].key == FINAL
    assert tracker.runs[-1].status == "FAILED"


def diverge(monkeypatch: pytest.MonkeyPatch, *trial_ids: str) -> None:
    """Lets the fits of some trials end as those whose loss becomes NaN."""
    train = ensemble.train_stacked

    def train_stacked(specs: Any, job: Any) -> list[Any]:
        ends = train([spec for spec in specs if spec.trial_id not in trial_ids], job)
        whole = {end.trial_id: end for end in ends}
        return [whole.get(spec.trial_id, Failed(spec.trial_id, 0.0, "NaN")) for spec in specs]

    monkeypatch.setattr(ensemble, "train_stacked", train_stacked)


def test_greedy_selection_goes_by_the_weights_that_were_kept(rings_search: Searched) -> None:
    settings = {"final.ensemble": 3, "final.members": "greedy"}
    experiment = rings_search.job.experiment.with_settings(settings)
    job: Any = replace(rings_search.job, experiment=experiment)
    members = choose_members(job, rings_search.tuner, rings_search.run.ranking())
    assert 1 <= len(members) <= 3
    assert all(member.times >= 1 for member in members)
    validation = job.data.validation
    said = [
        probabilities_of(rings_search.tuner.load_model(trial), validation.X)
        for trial in rings_search.tuner.oracle.get_best_trials(3)
    ]
    rows = np.arange(len(validation.y))
    losses = [-np.log(p[rows, validation.y]).mean() for p in said]
    ids = [trial.trial_id for trial in rings_search.tuner.oracle.get_best_trials(3)]
    mean = np.average(
        [said[ids.index(member.row.trial_id)] for member in members],
        axis=0,
        weights=[member.times for member in members],
    )
    assert -np.log(mean[rows, validation.y]).mean() <= min(losses) + 1e-6


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"final.ensemble": 101}, "'final.ensemble': 101 came; allowed: an integer from 0 to 100"),
        (
            {"final.ensemble": 11, "final.members": "greedy"},
            '11 came; allowed: with members = "greedy", an integer from 0 to 10',
        ),
        ({"final.members": "some"}, "'final.members'"),
        (
            {"dataset.validation_size": 0.0, "search.objective": "auc", "final.members": "greedy"},
            "leaves no rows to select members by",
        ),
    ],
)
def test_what_cannot_be(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ExperimentError, match=said):
        Experiment.from_dict(TABLES).with_settings(settings)


@pytest.mark.slow
def test_from_the_command_to_a_strangers_prediction(place: Place) -> None:
    import mlflow.pyfunc

    place.write(RINGS + "\n[final]\nensemble = 2\n")
    answer = place.tune("--executor", "auto")
    assert answer.code == 0, answer.err
    [final] = place.runs("final")
    assert final.data.params["members"] == "2"
    assert final.data.metrics["test_auc"] == answer.json["final"]["test"]["auc"]
    said = final.data.tags["mlflow.note.content"]
    assert "The mean of 2 networks (`members.csv`) with the hyperparameters of" in said
    [search] = place.runs("search")
    assert "and 1 other trial became" in search.data.tags["mlflow.note.content"]
    trials = place.runs("trial")
    assert sum("trialstack.model" in run.data.tags for run in trials) == 2
    assert {"members.csv", "summary.txt"} <= set(place.files(final.info.run_id))
    data = Data.of(Experiment.load(place.folder / "experiment.toml"))
    mlflow.set_tracking_uri(place.uri)
    model = mlflow.pyfunc.load_model(answer.json["model"]["uri"])
    scores = model.predict(data.frame(data.split.test))
    evidence = np.load(place.client.download_artifacts(final.info.run_id, "evidence/evidence.npz"))
    np.testing.assert_allclose(
        scores.filter(like="probability_"), evidence["probabilities_test"], atol=1e-5
    )
