"""Searches after the first: the same again, more trials, an interruption before the first."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from tests.pipeline.conftest import RINGS, Answer, Place
from trialstack.errors import Interrupted


@pytest.fixture(scope="module")
def again(rings: tuple[Place, Answer]) -> tuple[Place, dict[str, Any], dict[str, Any]]:
    """The finished search's command once more, then with a fourth trial."""
    place, _ = rings
    second = place.tune()
    assert second.code == 0, second.err
    third = place.tune("--trials", "4")
    assert third.code == 0, third.err
    return place, second.json, third.json


Again = tuple[Place, dict[str, Any], dict[str, Any]]


@pytest.mark.slow
class TestTheSameAgain:
    def test_is_a_new_search_with_the_same_numbers(
        self, again: Again, rings: tuple[Place, Answer]
    ) -> None:
        place, second, _ = again
        first = rings[1].json
        assert second["search_run_id"] != first["search_run_id"]
        assert second["trials"]["resumed"] == 0
        for part in ("score", "hyperparameters", "epochs"):
            assert second["best"][part] == first["best"][part]
        assert second["final"]["test"] == first["final"]["test"]
        assert len(place.runs("search")) == 2

    def test_a_tie_keeps_the_champion(self, again: Again) -> None:
        place, second, _ = again
        assert second["model"] == {
            "name": "rings",
            "version": 2,
            "alias": None,
            "uri": "models:/rings/2",
        }
        assert place.client.get_model_version_by_alias("rings", "champion").version == 1
        tags = place.client.get_model_version("rings", "2").tags
        assert tags["trialstack.test_uses"] == "2"
        assert "difference in AUC +0.0000" in tags["trialstack.champion_reason"]


@pytest.mark.slow
class TestMoreTrials:
    def test_go_on_with_the_finished_search(self, again: Again) -> None:
        place, second, third = again
        assert third["search_run_id"] == second["search_run_id"]
        assert third["trials"]["resumed"] == 3
        assert third["trials"]["completed"] == 4
        assert third["model"]["version"] == 3
        trials = place.runs("trial", search=third["search_run_id"])
        assert [run.info.status for run in trials] == ["FINISHED"] * 4
        assert [step for step, _ in place.curve(third["search_run_id"], "search_best")] == [
            *range(4)
        ]
        assert place.client.get_run(third["search_run_id"]).info.status == "FINISHED"

    def test_extend_adds_to_them(self, again: Again) -> None:
        place, _, third = again
        answer = place.tune("--extend", "1", "--time-limit", "0.000001s")
        # The time is up before a fifth trial is asked: what was there is summed up again.
        assert answer.code == 0, answer.err
        assert answer.json["trials"]["resumed"] == answer.json["trials"]["completed"] == 4
        assert answer.json["model"]["version"] == third["model"]["version"]

    def test_models_of_the_best_trials_can_be_loaded(self, again: Again) -> None:
        from trialstack import Experiment
        from trialstack.pipeline import load_search
        from trialstack.pipeline.data import Data

        place, _, third = again
        experiment = Experiment.load(place.folder / "experiment.toml")
        tuner = load_search(experiment, tracking_uri=place.uri)
        best = tuner.oracle.get_best_trials(4)
        assert best[0].trial_id == third["best"]["trial_id"]
        validation = Data.of(experiment).validation
        assert validation is not None
        for trial, model in zip(best, tuner.get_best_models(4), strict=True):
            scores = model.evaluate(
                validation.X, validation.y[:, None], verbose=0, return_dict=True
            )
            assert scores["auc"] == pytest.approx(trial.score, abs=1e-6)


@pytest.mark.parametrize(
    ("interrupted", "fresh"),
    [("trialstack.quiet.load_tensorflow", True), ("trialstack.pipeline.main._tracked", False)],
)
def test_fresh_is_said_again_until_the_new_search_has_a_journal(
    interrupted: str, fresh: bool, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_arguments: Any) -> None:
        raise Interrupted(signal.SIGINT)

    monkeypatch.setattr(interrupted, interrupt)
    command = ["tune", "experiment.toml", "--fresh", "--seed", "5"]
    monkeypatch.setattr("sys.argv", ["trialstack", *command])
    place.write(RINGS)
    answer = place.trialstack(*command)
    assert answer.code == 130
    assert ("--fresh" in answer.err.splitlines()[-1]) == fresh
    assert len(place.journals()) == (not fresh)
