"""Hypermodels of the user's own, from the first trial to the final model."""

from __future__ import annotations

import re

import pytest

from tests.pipeline.conftest import Place

EXPERIMENT = """
name = "own"

[dataset]
source = "moons"
params = {{ n_samples = 200 }}

[hypermodel]
type = "{module}:Own"

[search]
max_trials = {trials}
epochs = 2
seed = 3
"""

# A module name for each: Python imports one of a name only once.
BATCHES = """
import keras
import keras_tuner


class Own(keras_tuner.HyperModel):
    def build(self, hp):
        output = keras.layers.Dense(1, activation="sigmoid")
        model = keras.Sequential([keras.Input((2,)), output])
        model.compile("adam", "binary_crossentropy", metrics=[keras.metrics.AUC(name="auc")])
        return model

    def fit(self, hp, model, *args, **kwargs):
        history = model.fit(*args, batch_size=hp.Choice("batch_size", [16]), **kwargs)
        print("steps:", int(model.optimizer.iterations))
        return {"val_auc": max(history.history["val_auc"])}
"""

DEMANDING = """
import keras
import keras_tuner


class Own(keras_tuner.HyperModel):
    def build(self, hp):
        if hp.Int("units", 2, 9) <= 5:
            raise ValueError("too few units")
        hidden = keras.layers.Dense(hp.get("units"), activation="relu")
        output = keras.layers.Dense(1, activation="sigmoid")
        model = keras.Sequential([keras.Input((2,)), hidden, output])
        model.compile("adam", "binary_crossentropy", metrics=[keras.metrics.AUC(name="auc")])
        return model
"""


WITHOUT_INPUT = """
import keras
import keras_tuner


class Own(keras_tuner.HyperModel):
    def build(self, hp):
        hidden = keras.layers.Dense(hp.Int("units", 2, 9), activation="relu")
        model = keras.Sequential([hidden, keras.layers.Dense(1, activation="sigmoid")])
        model.compile("adam", "binary_crossentropy", metrics=[keras.metrics.AUC(name="auc")])
        return model
"""


def write(place: Place, module: str, text: str, trials: int = 1) -> None:
    (place.folder / f"{module}.py").write_text(text)
    place.write(EXPERIMENT.format(module=module, trials=trials))


@pytest.mark.slow
def test_the_final_fit_is_the_hypermodels_own(place: Place) -> None:
    write(place, "batches_of_its_own", BATCHES)
    answer = place.tune()
    assert answer.code == 0, answer.err
    assert answer.json["best"]["hyperparameters"] == {"batch_size": 16}
    final = place.client.get_run(answer.json["final"]["run_id"])
    assert final.data.params["batch_size"] == "16"
    assert final.info.run_name == "final · batch_size 16"
    epochs = answer.json["best"]["epochs"]
    steps = [int(count) for count in re.findall(r"steps: (\d+)", answer.err)]
    assert steps[-1] == epochs * 10  # 150 training rows
    assert [step for step, _ in place.curve(final.info.run_id, "loss")] == list(range(epochs))
    assert not [name for name in final.data.metrics if name.startswith("val_")]


@pytest.mark.slow
def test_one_that_does_not_build_by_default_is_searched(place: Place) -> None:
    write(place, "demanding_of_its_own", DEMANDING, trials=5)
    answer = place.tune()
    assert answer.code == 0, answer.err
    counts = answer.json["trials"]
    assert counts["completed"] + counts["failed"] == 5
    for run in place.runs("trial", "own"):
        failed = int(run.data.params["units"]) <= 5
        assert run.info.status == ("FAILED" if failed else "FINISHED")
        error = run.data.tags.get("trialstack.error")
        assert error == ("ValueError: too few units" if failed else None)
    assert {run.info.status for run in place.runs("trial", "own")} == {"FAILED", "FINISHED"}


@pytest.mark.slow
@pytest.mark.parametrize("ensemble", [0, 2])
def test_models_without_an_input_layer_are_fitted_and_registered(
    place: Place, ensemble: int
) -> None:
    """They have no weights before they have met rows."""
    module = f"without_input_{ensemble}"
    (place.folder / f"{module}.py").write_text(WITHOUT_INPUT)
    final_model = f"[final]\nensemble = {ensemble}\n"
    place.write(EXPERIMENT.format(module=module, trials=2) + final_model)
    answer = place.tune()
    assert answer.code == 0, answer.err
    final = place.client.get_run(answer.json["final"]["run_id"])
    assert int(final.data.params["weights"]) > 0
    assert answer.json["model"]["version"] == 1
