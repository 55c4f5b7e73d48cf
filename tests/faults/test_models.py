"""Trials and final models that come to nothing: what is said, what stays, how it goes on."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.conftest import Place
from trialstack.pipeline import registration

pytestmark = pytest.mark.faults

MOONS = """
name = "moons"

[dataset]
source = "moons"
params = {{ n_samples = 200 }}

[hypermodel]
{hypermodel}

[search]
max_trials = {trials}
epochs = 2
executor = "one-by-one"
seed = 3
"""

OWN = """
import pathlib

import keras
import keras_tuner


class Doubling(keras.layers.Layer):
    def call(self, inputs):
        return inputs * 2


class Own(keras_tuner.HyperModel):
    def build(self, hp):
        own = {own}
        if {when}:
            own = keras.layers.ReLU()
        layers = [keras.layers.Dense(hp.Int("units", 2, 9)), own]
        output = keras.layers.Dense(1, activation="sigmoid")
        model = keras.Sequential([keras.Input((2,)), *layers, output])
        model.compile("adam", "binary_crossentropy", metrics=[keras.metrics.AUC(name="auc")])
        return model
"""

LAYERS = {"Lambda": "keras.layers.Lambda(lambda x: x * 2)", "own": "Doubling(name='mine')"}

MENDED_LATER = """
    def fit(self, hp, model, *args, **kwargs):
        trained = pathlib.Path("trained")
        with trained.open("a") as file:
            file.write("x")
        if pathlib.Path("mended").exists():
            return model.fit(*args, **kwargs)
        if trained.stat().st_size > 3:
            raise KeyboardInterrupt  # somebody has seen enough
        return {"val_auc": float("nan")}
"""

numbers = itertools.count()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def write(place: Place, source: str = "", trials: int = 2) -> None:
    """An experiment with a hypermodel of its own, from a module of a fresh name, or with ours."""
    module = f"models_of_the_fault_suite_{next(numbers)}"
    if source:
        (place.folder / f"{module}.py").write_text(source)
    own = f'type = "{module}:Own"' if source else "units = [[3, 9]]"
    place.write(MOONS.format(hypermodel=own, trials=trials))


def registered(place: Place) -> list[Any]:
    return list(place.client.search_model_versions())


def models(place: Place) -> list[str]:
    """Runs of the logged models that are there."""
    experiment = place.client.get_experiment_by_name("moons").experiment_id
    return [model.source_run_id for model in place.client.search_logged_models([experiment])]


@pytest.mark.parametrize(
    ("layer", "line"), [("Lambda", "(Lambda) holds Python"), ("own", "'mine'")]
)
def test_a_layer_that_others_lack_is_refused_before_the_first_trial(
    place: Place, layer: str, line: str
) -> None:
    write(place, OWN.format(own=LAYERS[layer], when="False"))
    answer = place.tune()
    assert (answer.code, answer.out) == (2, "")
    assert line in answer.err.splitlines()[-1]
    assert not place.journals("moons")


@pytest.mark.parametrize("layer", ["Lambda", pytest.param("own", marks=pytest.mark.slow)])
def test_one_that_only_some_trials_have_is_not_registered(place: Place, layer: str) -> None:
    write(place, OWN.format(own=LAYERS[layer], when='hp.Int("units", 2, 9) == 2'))
    answer = place.tune()
    assert (answer.code, answer.out) == (1, "")
    assert "build the model of stock layers" in answer.err.splitlines()[-1]
    (final,) = place.runs("final", "moons")
    assert final.info.status == "FAILED"
    assert layer.lower() in final.data.tags["trialstack.error"].lower()
    assert registered(place) == models(place) == []


def test_one_that_does_not_load_in_a_fresh_process_is_not_registered(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same command then fits and logs another, and nothing of the first one stays."""
    write(place)
    log_model = registration.log_model

    def spoiled(client: Any, **arguments: Any) -> Any:
        logged = log_model(client, **arguments)
        location = client.get_logged_model(logged.model_id).artifact_location
        (weights,) = Path(location.removeprefix("file://")).rglob("*.keras")
        weights.write_bytes(weights.read_bytes()[:1000])
        return logged

    with monkeypatch.context() as patched:
        patched.setattr(registration, "log_model", spoiled)
        answer = place.tune()
    assert (answer.code, answer.out) == (1, "")
    assert " in a fresh process: " in answer.err.splitlines()[-1]
    assert registered(place) == []
    (final,), (search,) = place.runs("final", "moons"), place.runs("search", "moons")
    assert final.info.status == search.info.status == "FAILED"
    assert " in a fresh process: " in search.data.tags["trialstack.error"]
    assert models(place) == [final.info.run_id]

    answer = place.tune()
    assert answer.code == 0, answer.err
    assert answer.json["trials"]["resumed"] == 2
    assert answer.json["search_run_id"] == search.info.run_id
    (search,) = place.runs("search", "moons")
    assert search.info.status == "FINISHED"
    assert "trialstack.error" not in search.data.tags
    statuses = [run.info.status for run in place.runs("final", "moons")]
    assert statuses == ["FAILED", "FINISHED"]
    assert models(place) == [answer.json["final"]["run_id"]]
    assert [version.run_id for version in registered(place)] == models(place)


@pytest.mark.slow
def test_nan_three_times_then_mended_and_resumed(place: Place) -> None:
    source = OWN.format(own="keras.layers.ReLU()", when="False")
    write(place, source + MENDED_LATER, trials=5)
    answer = place.tune()
    assert answer.code == 130, answer.err
    statuses = sorted(run.info.status for run in place.runs("trial", "moons"))
    assert statuses == ["FAILED"] * 3 + ["KILLED"]

    (place.folder / "mended").touch()
    answer = place.tune()
    assert answer.code == 0, answer.err
    counts = answer.json["trials"]
    assert (counts["completed"], counts["failed"], counts["resumed"]) == (2, 3, 3)
    trials = place.runs("trial", "moons")
    statuses = sorted(run.info.status for run in trials)
    assert statuses == ["FAILED"] * 3 + ["FINISHED"] * 2 + ["KILLED"]
    (killed,) = (run for run in trials if run.info.status == "KILLED")
    successor = place.client.get_run(killed.data.tags["trialstack.successor"])
    assert successor.info.status == "FINISHED"
    assert successor.data.tags["trialstack.trial_id"] == killed.data.tags["trialstack.trial_id"]
