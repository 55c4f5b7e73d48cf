"""Searches after the first: the same again, more trials, an interruption."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.conftest import RINGS, Answer, Place
from trialstack.errors import Interrupted

PATIENCE = 120  # seconds for something that takes ten


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


def wait_for(what: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + PATIENCE
    while not what():
        assert process.poll() is None, "it ended too early"
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)


def journal(place: Place) -> str:
    return "".join(path.read_text(errors="replace") for path in place.journals())


def start(place: Place, error: Path) -> subprocess.Popen[str]:
    with error.open("w") as stderr:
        return subprocess.Popen(
            [sys.executable, "-m", "trialstack", "tune", "experiment.toml"],
            cwd=place.folder,
            env=os.environ | {"MLFLOW_TRACKING_URI": ""},
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            text=True,
        )


@pytest.mark.slow
def test_interrupted_then_killed_it_ends_as_if_nothing_had_been(
    rings: tuple[Place, Answer], tmp_path: Path
) -> None:
    place = Place(tmp_path)
    place.write(RINGS)
    error = tmp_path / "stderr"

    with start(place, error) as process:
        wait_for(lambda: '"event":"started"' in journal(place), process)
        process.send_signal(signal.SIGSTOP)  # or it might be through before the second one asks
        second = place.tune()
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        assert process.wait(PATIENCE) == 130
    assert second.code == 3
    assert f"process {process.pid} on " in second.err
    assert second.err.count("\n") == 1
    *progress, last = error.read_text().splitlines()
    assert [line for line in progress if not line.startswith("[")] == []  # no library's noise
    assert last.startswith("stopped; ")
    assert last.endswith("trialstack tune experiment.toml")
    assert {run.info.status for run in place.runs()} <= {"FINISHED", "KILLED"}

    with start(place, error) as process:
        wait_for(lambda: journal(place).count('"event":"finished"') > 1, process)
        process.kill()
    assert place.runs("search")[0].info.status == "RUNNING"

    refused = place.tune("--set", "search.patience=2")
    assert refused.code == 2
    assert "search.patience was 3, is 2" in refused.err

    answer = place.tune()
    assert answer.code == 0, answer.err
    whole = rings[1].json
    assert answer.json["best"]["score"] == pytest.approx(whole["best"]["score"], rel=1e-6)
    for name in ("auc", "log_loss", "accuracy"):
        score = whole["final"]["test"][name]
        assert answer.json["final"]["test"][name] == pytest.approx(score, rel=1e-6)
    assert answer.json["model"]["version"] == 1
    assert answer.json["trials"]["resumed"] in {2, 3}
    finished = [run for run in place.runs() if run.info.status == "FINISHED"]
    kinds = sorted(run.data.tags["trialstack.kind"] for run in finished)
    assert kinds == ["baseline", "final", "search", "trial", "trial", "trial"]
    assert "RUNNING" not in {run.info.status for run in place.runs()}
    scores = [
        {run.data.tags["trialstack.trial_id"]: run.data.metrics["best_val_auc"] for run in runs}
        for runs in (
            [run for run in finished if run.data.tags["trialstack.kind"] == "trial"],
            rings[0].runs("trial", search=whole["search_run_id"]),
        )
    ]
    assert scores[0] == pytest.approx(scores[1], rel=1e-6)


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
