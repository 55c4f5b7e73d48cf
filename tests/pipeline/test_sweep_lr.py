"""`trialstack sweep-lr`, from the command line to what MLflow then holds."""

from __future__ import annotations

import csv
import io

import pytest

from tests.pipeline.conftest import RINGS, Answer, Place
from trialstack.evaluation.lr_range import RateSchedule

FIXED = """
name = "fixed"

[dataset]
source = "circles"
params = { n_samples = 100 }

[[model]]
units = []
epochs = 5

[[model]]
units = [3]
epochs = 5
"""

EPOCHS = 10
SHORT = ("--from", "1e-3", "--to", "10", "--epochs", str(EPOCHS))


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Answer]:
    """The default hyperparameters of a hypermodel, from three seeds."""
    place = Place(tmp_path_factory.mktemp("swept"))
    place.write(RINGS)
    answer = place.trialstack("sweep-lr", "experiment.toml", *SHORT, "--seeds", "3", "--json")
    assert answer.code == 0, answer.err
    return place, answer


def test_the_json_is_what_mlflow_holds(swept: tuple[Place, Answer]) -> None:
    place, answer = swept
    [run] = place.runs("model")
    told = answer.json
    assert told["run_id"] == run.info.run_id
    assert told["model"] == "default hyperparameters"
    assert told["hyperparameters"] == {
        "units_1": "4",
        "units_2": "4",
        "activation": "relu",
        "l2": "0",
    }
    assert told["seeds"] == 3
    assert run.data.metrics["suggested_learning_rate"] == told["suggested_learning_rate"]
    assert told["lowest"]["learning_rate"] > told["suggested_learning_rate"]
    assert told["reason"] in run.data.tags["mlflow.note.content"].splitlines()[0]


def test_the_run(swept: tuple[Place, Answer]) -> None:
    place, _ = swept
    [run] = place.runs("model")
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "learning-rate sweep · 4-4 · relu · l2 0"
    assert "learning_rate" not in run.data.params
    assert run.data.params["learning_rate_from"] == "0.001"
    rates = RateSchedule(1e-3, 10.0, EPOCHS).rates
    steps, values = zip(*place.curve(run.info.run_id, "learning_rate"), strict=True)
    assert steps == tuple(range(EPOCHS))
    assert values == pytest.approx(rates)
    for metric in ("loss", "val_loss", "auc", "val_accuracy"):
        assert len(place.curve(run.info.run_id, metric)) == EPOCHS
    [dataset] = run.inputs.dataset_inputs
    assert dataset.dataset.name == "circles"


def test_its_files(swept: tuple[Place, Answer]) -> None:
    place, _ = swept
    [run] = place.runs("model")
    assert sorted(place.files(run.info.run_id)) == [
        "learning_rate_sweep.csv",
        "plots/learning_rate_sweep.png",
        "plots/swept_curves.png",
        "summary.txt",
    ]
    table = place.read(run.info.run_id, "learning_rate_sweep.csv").decode()
    rows = list(csv.DictReader(io.StringIO(table)))
    told = [float(row["loss_0"]) for row in rows]
    assert told == pytest.approx([v for _, v in place.curve(run.info.run_id, "loss")], rel=1e-6)


def test_progress_is_told_aside(swept: tuple[Place, Answer]) -> None:
    _, answer = swept
    assert "learning-rate sweep · 4-4 · relu · l2 0: 0.001 towards 10 in 10 epochs" in answer.err
    assert answer.out.count("\n") == 1


def test_a_fixed_model_by_its_name(place: Place) -> None:
    place.write(FIXED, "fixed.toml")
    answer = place.trialstack("sweep-lr", "fixed.toml", *SHORT, "--model", "model_2")
    assert answer.code == 0, answer.err
    [run] = place.runs("model", experiment="fixed")
    suggestion, model, blank, browse, picture, page = answer.out.splitlines()
    assert suggestion.lower().startswith(("suggested learning rate ", "no learning rate is sugg"))
    assert model == ("Model: model_02 (hidden_layers 3 relu, output sigmoid, optimizer adam)")
    assert (blank, browse) == ("", "Browse (start the UI with: trialstack ui)")
    assert picture.startswith("  picture:     http://127.0.0.1:5000/#/experiments/1/runs/")
    assert f"{run.info.run_id}/artifacts/plots/learning_rate_sweep.png" in picture
    assert f"/runs/{run.info.run_id}?" in page
    assert run.data.params["rows"] == "75"  # those that `train` fits it on
