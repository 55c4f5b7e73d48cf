"""Fixed models by `trialstack train`: what MLflow holds, and what the command says."""

from __future__ import annotations

import json
import signal
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.pipeline.conftest import Answer, Place
from trialstack.errors import ExperimentError, Interrupted
from trialstack.executors.batch_order import OrderedFit
from trialstack.experiment import Ladder
from trialstack.pipeline import course as course_module
from trialstack.pipeline.course import Course
from trialstack.pipeline.data import Data
from trialstack.pipeline.fits import build_seeded
from trialstack.pipeline.fixed_models import FixedModel
from trialstack.pipeline.job import Listener
from trialstack.pipeline.lesson import Lesson
from trialstack.pipeline.lesson_runs import Classroom, training_in_stages
from trialstack.pipeline.steps import Step
from trialstack.plots.plane import plane_of
from trialstack.tracking.memory import MemoryTracker
from trialstack.tracking.off import NullTracker

CIRCLES = Path(__file__).parents[2] / "experiments" / "circles.toml"
BRIEFLY = ("--only", "model_2", "--seeds", "0", "--set", "model[2].epochs=1")

Trained = tuple[Place, Answer]

RINGS = """
name = "rings"
seed = 7
seeds = 3

[dataset]
source = "circles"
split = "first"
test_size = 0.25
params = { n_samples = 120, factor = 0.3 }

[[model]]
lesson = "A straight line parts no rings."
units = []
output = "linear"
optimizer = "sgd"
learning_rate = 0.001
epochs = [2, 3]
rows = "all"
tutorial = { loss = [0.70, 0.69], accuracy = 0.5 }
outcome = [0.3, 0.7]
expect = { accuracy = [0.0, 0.7], share = 0.9 }

[[model]]
units = [8]
learning_rate = 0.05
epochs = 12
batch_size = 16
seed = 1
outcome = [0.9, 1.0]
expect = { median = 0.9 }

[[model]]
units = [8]
optimizer = "sgd"
learning_rate = 1e30
epochs = 2
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Answer]:
    place = Place(tmp_path_factory.mktemp("rings"))
    place.write(RINGS)
    answer = place.trialstack("train", "experiment.toml", "--json")
    assert answer.code == 0, answer.err
    return place, answer


def runs_of(trained: Trained) -> dict[str, Any]:
    place, _ = trained
    return {run.info.run_name: run for run in place.runs()}


def test_each_model_is_a_run_of_its_own(trained: Trained) -> None:
    runs = runs_of(trained)
    assert {name: run.info.status for name, run in runs.items()} == {
        "model_01": "FINISHED",
        "model_02": "FINISHED",
        "model_03": "FAILED",
    }
    tags = {name: run.data.tags for name, run in runs.items()}
    assert {values["trialstack.kind"] for values in tags.values()} == {"model"}
    assert [tags[name]["trialstack.order"] for name in sorted(tags)] == ["01", "02", "03"]
    assert tags["model_02"]["trialstack.changed"] == (
        "hidden layers, output, optimizer, learning rate, epochs, batch size, rows"
    )
    assert "loss became" in tags["model_03"]["trialstack.error"]
    inputs = runs["model_01"].inputs.dataset_inputs
    assert [given.dataset.name for given in inputs] == ["circles"]


def test_params_are_what_a_person_reads(trained: Trained) -> None:
    runs = runs_of(trained)
    assert runs["model_01"].data.params == {
        "activation": "none",
        "output": "linear",
        "optimizer": "sgd",
        "learning_rate": "0.001",
        "stages": "2 + 3",
        "epochs": "5",
        "batch_size": "32",
        "seed": "0",
        "seeds": "3",
        "fitted_on": "all rows",
        "rows": "120",
        "weights": "3",
    }
    assert runs["model_02"].data.params == {
        "units_1": "8",
        "activation": "relu",
        "output": "sigmoid",
        "optimizer": "adam",
        "learning_rate": "0.05",
        "epochs": "12",
        "batch_size": "16",
        "seed": "1",
        "seeds": "3",
        "fitted_on": "training rows",
        "rows": "90",
        "weights": "33",
    }


def test_every_epoch_and_the_scores_after_the_last(trained: Trained) -> None:
    place, answer = trained
    runs, (linear, network) = runs_of(trained), answer.json["models"]
    curve = place.curve(runs["model_01"].info.run_id, "accuracy")
    assert [step for step, _ in curve] == [0, 1, 2, 3, 4, 5]  # the last is that of all rows
    assert runs["model_01"].data.metrics["accuracy"] == linear["accuracy"]
    assert runs["model_01"].data.metrics["log_loss"] == linear["loss"]
    assert "test_accuracy" not in runs["model_01"].data.metrics
    metrics = runs["model_02"].data.metrics
    assert (metrics["test_accuracy"], metrics["test_log_loss"]) == (
        network["accuracy"],
        network["loss"],
    )
    assert len(place.curve(runs["model_02"].info.run_id, "loss")) == 12


def test_a_training_in_stages_is_scored_between_them(trained: Trained) -> None:
    run, linear = runs_of(trained)["model_01"], trained[1].json["models"][0]
    (stage,) = linear["stages"]
    assert run.data.metrics["stage_1_log_loss"] == stage["loss"]
    assert run.data.metrics["stage_1_accuracy"] == stage["accuracy"]


def test_stages_have_the_numbers_of_a_training_in_one_piece() -> None:
    ladder = Ladder.from_dict(tomllib.loads(RINGS)).with_settings({"model[2].epochs": [2, 3]})
    model = FixedModel.of(ladder, ladder.model[1], Data.of(ladder))
    in_stages, whole = (build_seeded(3, model.build) for _ in range(2))
    scores: list[tuple[float, float]] = []
    arguments = {"x": model.train.X, "y": model.targets, "batch_size": 16, "verbose": 0}
    for network in (in_stages, whole):
        OrderedFit(7).attach(network)
    training_in_stages(model, scores)(in_stages, epochs=5, **arguments)
    whole.fit(epochs=5, **arguments)
    for one, other in zip(in_stages.get_weights(), whole.get_weights(), strict=True):
        assert one == pytest.approx(other, abs=0)
    assert len(scores) == 1


def test_lessons_are_judged_by_all_seeds(trained: Trained) -> None:
    place, answer = trained
    run, network = runs_of(trained)["model_02"], answer.json["models"][1]
    seeds = network["seeds"]
    assert (seeds["count"], len(seeds["accuracies"])) == (3, 3)
    # Trained in a stack, and by `model.fit`: the same.
    assert seeds["accuracies"][1] == network["accuracy"]
    metrics = run.data.metrics
    assert metrics["seeds_median_accuracy"] == np.median(seeds["accuracies"])
    assert metrics["seeds_as_tutorial"] == np.mean(np.array(seeds["accuracies"]) >= 0.9)
    assert metrics["lesson_holds"] == float(np.median(seeds["accuracies"]) >= 0.9)
    assert network["holds"] == bool(metrics["lesson_holds"])
    table = json.loads(place.read(run.info.run_id, "seeds.json"))
    assert table["columns"] == ["seed", "loss", "accuracy"]
    assert [row[2] for row in table["data"]] == seeds["accuracies"]
    assert table["data"][1][1] == pytest.approx(network["loss"], rel=1e-4)


def test_files_of_a_run(trained: Trained) -> None:
    place, _ = trained
    run_id = runs_of(trained)["model_02"].info.run_id
    files = place.files(run_id)
    assert {"summary.txt", "seeds.json", "plots/seeds.png", "plots/learning_curves.png"} <= {*files}
    assert "hidden_1" in place.read(run_id, "summary.txt").decode()


def test_the_description_says_the_result_and_marks_what_changed(trained: Trained) -> None:
    _, answer = trained
    network = answer.json["models"][1]
    notes = {
        name: runs_of(trained)[name].data.tags["mlflow.note.content"].replace("&nbsp;", "")
        for name in ("model_01", "model_02")
    }
    text = notes["model_02"]
    first, *rest = text.splitlines()
    assert first.startswith(
        f"Accuracy **{network['accuracy']:.3f}**, loss {network['loss']:.4f} on"
    )
    assert "the 30 test rows; " in first
    assert f"{network['found']} (wanted: {network['wanted']})" in first
    assert "| **learning rate** | 0.001 | **0.05** |" in rest
    assert "| **hidden layers** | none | **8 relu** |" in rest
    linear = notes["model_01"]
    assert "*A straight line parts no rings.*" in linear
    assert "| after 2 epochs, the tutorial | 0.7000 | - |" in linear


def test_one_json_object_and_what_failed(trained: Trained) -> None:
    _, answer = trained
    document = answer.json
    assert list(document) == ["experiment", "tracking_uri", "models", "failures", "seconds"]
    assert [model["name"] for model in document["models"]] == ["model_01", "model_02"]
    assert document["failures"] == {"model_03": "loss became nan in epoch 0"}
    assert "warning: model_03: loss became nan" in answer.err
    assert document["models"][0]["changed"].startswith("no hidden layer, linear output, sgd")


def test_the_same_again_makes_a_new_run_and_prints_a_table(trained: Trained) -> None:
    place, _ = trained
    before = len(place.runs())
    answer = place.trialstack(
        "train",
        "experiment.toml",
        "--only",
        "model_2",
        "--seeds",
        "0",
        "--set",
        "model[2].epochs=1",
    )
    assert answer.code == 0, answer.err
    assert len(place.runs()) == before + 1
    table = answer.out[: answer.out.index("Browse")].splitlines()
    assert max(map(len, table)) <= 80
    assert any(line.startswith("model_02  hidden 8 relu,") for line in table)
    assert "model_01" not in answer.out
    assert f"/runs/{place.runs()[-1].info.run_id}?" in answer.out


def test_ctrl_c_leaves_no_run_running(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    place, _ = trained

    def interrupted(*_: Any) -> None:
        raise Interrupted(signal.SIGINT)

    monkeypatch.setattr("trialstack.pipeline.lesson_runs._evaluate", interrupted)
    answer = place.trialstack(
        "train",
        "experiment.toml",
        "--only",
        "model_2",
        "--seeds",
        "0",
        "--set",
        "model[2].epochs=1",
    )
    assert answer.code == 130
    assert answer.err.splitlines()[-1].startswith("stopped; ")
    assert answer.out == ""
    assert place.runs()[-1].info.status == "KILLED"


def test_links_open_views_of_the_runs_that_were_made(trained: Trained) -> None:
    place, _ = trained
    (ladder_id,) = {run.data.tags["trialstack.ladder_id"] for run in place.runs()[:3]}
    experiment = place.client.get_experiment_by_name("rings")
    for name in ("models", "curves", "boundaries"):
        assert f"mlflow.sharedViewState.ladder-{name}-{ladder_id}" in experiment.tags


def test_an_output_must_fit_the_classes() -> None:
    ladder = Ladder.from_dict(tomllib.loads(RINGS), "rings.toml")
    for name, settings in (
        ("softmax", {"model[2].output": "softmax"}),
        ("sigmoid", {"model[2].output": "sigmoid", "dataset": {"source": "iris"}}),
        ("linear", {"model[2].output": "linear", "dataset": {"source": "iris"}}),
    ):
        changed = ladder.with_settings(settings)
        said = rf"^command line: key 'model\[2\].output': '{name}' came; allowed with . classes: "
        with pytest.raises(ExperimentError, match=said):
            FixedModel.of(changed, changed.model[1], Data.of(changed))


def test_a_linear_output_is_taken_for_a_probability_as_the_loss_does() -> None:
    ladder = Ladder.from_dict(tomllib.loads(RINGS))
    model = FixedModel.of(ladder, ladder.model[0], Data.of(ladder))
    found = model.probabilities(np.array([[-1.0], [2.0], [0.25]], np.float32))
    expected = [[1 - 1e-7, 1e-7], [1e-7, 1 - 1e-7], [0.75, 0.25]]
    assert found == pytest.approx(np.array(expected), rel=1e-6)


SWEPT = {
    "name": "rings",
    "dataset": {"source": "circles", "params": {"n_samples": 40}},
    "model": [
        {"units": [4], "epochs": 10, "sweep": {}},
        {"units": [4], "epochs": 1, "learning_rate": "model_01"},
    ],
}


@pytest.fixture
def taught(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A course whose lessons are not run: which were asked for, with what rate and tracker."""
    asked: list[tuple[str, float | None, type]] = []

    def teach(suggestion: float | None, chosen: list[str]) -> tuple[Course, list[Any]]:
        def sweep(room: Classroom, step: Step) -> Lesson:
            asked.append((step.model.name, step.model.learning_rate, type(room.tracker)))
            return Lesson(step, suggestion=suggestion)

        def lesson(room: Classroom, step: Step, study: Any) -> Lesson:
            asked.append((step.model.name, step.model.learning_rate, type(room.tracker)))
            return Lesson(step)

        monkeypatch.setattr(course_module, "run_sweep_lesson", sweep)
        monkeypatch.setattr(course_module, "run_lesson", lesson)
        ladder = Ladder.from_dict(SWEPT)
        data = Data.of(ladder)
        models = {str(each.name): FixedModel.of(ladder, each, data) for each in ladder.model}
        room = Classroom(data, plane_of(data.train.X), MemoryTracker(), "id")
        course = Course(ladder, models, room, Listener())
        course.run(chosen)
        return course, asked

    return teach


def test_a_learning_rate_comes_from_the_sweep(taught: Any) -> None:
    course, asked = taught(0.02, ["model_01", "model_02"])
    assert asked == [("model_01", None, MemoryTracker), ("model_02", 0.02, MemoryTracker)]
    assert course.lessons["model_02"].step.settings["learning rate"] == "0.02"


def test_a_sweep_for_another_model_alone_is_no_run(taught: Any) -> None:
    course, asked = taught(0.02, ["model_02"])
    assert asked == [("model_01", None, NullTracker), ("model_02", 0.02, MemoryTracker)]
    assert list(course.lessons) == ["model_02"]


def test_without_a_suggestion_there_is_no_fit(taught: Any) -> None:
    course, asked = taught(None, ["model_01", "model_02"])
    assert [name for name, _, _ in asked] == ["model_01"]
    assert course.failures == {"model_02": "the sweep of model_01 suggests no learning rate"}


@pytest.mark.slow
def test_the_whole_ladder_teaches_what_it_says(tmp_path: Path) -> None:
    """The figures that the lessons are judged by."""
    place = Place(tmp_path)
    answer = place.trialstack("train", str(CIRCLES), "--json")
    assert answer.code == 0, answer.err
    document = answer.json
    assert document["failures"] == {}
    models = {model["name"]: model for model in document["models"]}
    assert list(models) == [f"model_{number:02d}" for number in range(1, 11)]
    assert all(model["holds"] for model in models.values())
    for name in ("model_01", "model_02", "model_03", "model_04", "model_05"):
        assert np.mean(np.array(models[name]["seeds"]["accuracies"]) <= 0.65) >= 0.95
    for name in ("model_01", "model_02", "model_03", "model_04", "model_05", "model_06"):
        assert 0.4 <= models[name]["accuracy"] <= 0.65
    assert models["model_07"]["seeds"]["median_accuracy"] >= 0.85
    assert models["model_07"]["accuracy"] >= 0.95
    assert models["model_10"]["seeds"]["median_accuracy"] >= 0.95
    assert models["model_10"]["accuracy"] >= 0.97
    assert models["model_10"]["learning_rate"] == models["model_09"]["suggested_learning_rate"]
    runs = place.runs(experiment="circles")
    assert sorted(run.info.run_name for run in runs) == list(models)
    assert {run.info.status for run in runs} == {"FINISHED"}
    seeds = {model["seeds"]["count"] for model in models.values() if model["seeds"]}
    assert seeds == {50}
