"""Experiments of other kinds: several classes, no test rows, a hypermodel of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris, make_moons
from sklearn.metrics import accuracy_score, roc_auc_score

from tests.pipeline.conftest import Answer, Place

IRIS = """
name = "irises"

[dataset]
source = "iris"
test_size = 0.2

[hypermodel]
units = [[4, 8]]
layers = [1, 2]
dropout = [0.0, 0.1]
batch_normalization = true
optimizer = ["adam", "rmsprop"]

[search]
max_trials = 2
objective = "val_loss"
epochs = 3
final_epochs = "run"
"""

MOONS = """
name = "moons"

[dataset]
source = "moons"
split = "none"

[dataset.params]
n_samples = 200

[hypermodel]
units = [[3, 9]]

[baseline]
units = []
epochs = 2

[search]
max_trials = 1
epochs = 2
"""

FIRES = """
import keras
import keras_tuner


class Fires(keras_tuner.HyperModel):
    def __init__(self, n_features, burning):
        super().__init__()
        self.n_features = n_features
        self.burning = burning

    def build(self, hp):
        units = hp.Int("units", 2, 64)
        model = keras.Sequential(
            [keras.Input((self.n_features,)), keras.layers.Dense(1, activation="sigmoid")]
        )
        model.compile("adam", "binary_crossentropy", metrics=[keras.metrics.AUC(name="auc")])
        return model

    def fit(self, hp, model, *args, **kwargs):
        print("a word on stdout")
        if self.burning == "all" or hp.get("units") < 30:
            raise RuntimeError("fire!\\nand smoke")
        return model.fit(*args, **kwargs)
"""

FIRE = """
name = "fire"

[dataset]
source = "moons"

[hypermodel]
type = "fires_hypermodel:Fires"
params = {{ burning = "{burning}" }}

[search]
max_trials = 3
epochs = 1
seed = 5
"""


class TestSeveralClasses:
    @pytest.fixture(scope="class", name="irises")
    @classmethod
    def _irises(cls, tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Answer]:
        place = Place(tmp_path_factory.mktemp("irises"))
        place.write(IRIS)
        return place, place.tune()

    def test_scores_are_one_against_the_rest(self, irises: tuple[Place, Answer]) -> None:
        from sklearn.model_selection import train_test_split

        place, answer = irises
        assert answer.code == 0, answer.err
        data = load_iris()
        _, _, _, y = train_test_split(
            data.data, data.target, test_size=0.2, stratify=data.target, random_state=42
        )
        probabilities = np.load(place.journals("irises")[0].parent / "final.npy")
        assert probabilities.shape == (30, 3)
        test = answer.json["final"]["test"]
        assert test["auc"] == pytest.approx(roc_auc_score(y, probabilities, multi_class="ovr"))
        assert test["accuracy"] == accuracy_score(y, probabilities.argmax(axis=1))
        assert test["auc_ci"][0] <= test["auc"] <= test["auc_ci"][1]
        assert answer.json["baseline"] is answer.json["comparison"] is None
        files = place.files(answer.json["final"]["run_id"])
        names = ("score_histogram", "thresholds", "importance")
        assert {f"plots/{name}.png" for name in names} <= set(files)

    def test_a_trial_is_judged_by_the_least_loss(self, irises: tuple[Place, Answer]) -> None:
        place, answer = irises
        trials = place.runs("trial", "irises")
        for trial in trials:
            losses = [value for _, value in place.curve(trial.info.run_id, "val_loss")]
            assert trial.data.metrics["best_val_loss"] == min(losses)
            layers = int(trial.data.params["layers"])
            assert ("units_2" in trial.data.params) == (layers == 2)
            assert trial.data.params["optimizer"] in {"adam", "rmsprop"}
        best = min(trial.data.metrics["best_val_loss"] for trial in trials)
        assert answer.json["best"]["score"] == best
        assert answer.json["best"]["epochs"] == 3  # final_epochs = "run"

    def test_the_model_gives_a_label_and_a_probability_a_class(
        self, irises: tuple[Place, Answer]
    ) -> None:
        import mlflow

        place, _ = irises
        version = place.client.get_model_version_by_alias("irises", "champion")
        model = mlflow.pyfunc.load_model(version.source)
        table = load_iris(as_frame=True).data
        scores = model.predict(table)
        columns = ["prediction", "probability_0", "probability_1", "probability_2"]
        assert list(scores.columns) == columns
        assert set(scores["prediction"]) <= {0, 1, 2}
        assert scores[columns[1:]].sum(axis=1).to_numpy() == pytest.approx(1)


@pytest.mark.slow
class TestNoTestRows:
    @pytest.fixture(scope="class", name="moons")
    @classmethod
    def _moons(cls, tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Answer, Answer]:
        place = Place(tmp_path_factory.mktemp("moons"))
        place.write(MOONS)
        return place, place.tune(), place.tune()

    def test_nothing_is_said_of_a_test(self, moons: tuple[Place, Answer, Answer]) -> None:
        place, answer, _ = moons
        assert answer.code == 0, answer.err
        document = answer.json
        assert document["comparison"] is None
        assert document["final"]["test"] is document["baseline"]["test"] is None
        for run in place.runs(experiment="moons"):
            assert not [name for name in run.data.metrics if name.startswith("test_")]

    def test_the_final_run_has_the_scores_of_all_rows(
        self, moons: tuple[Place, Answer, Answer]
    ) -> None:
        place, answer, _ = moons
        run = place.client.get_run(answer.json["final"]["run_id"])
        _, y = make_moons(200, noise=0.2, random_state=42)
        probabilities = np.load(place.journals("moons")[0].parent / "final.npy")
        assert run.data.params["rows"] == "200"
        assert run.data.metrics["auc"] == roc_auc_score(y, probabilities[:, 1])
        assert run.data.metrics["accuracy"] == accuracy_score(y, probabilities.argmax(axis=1))

    def test_a_second_version_is_not_comparable(self, moons: tuple[Place, Answer, Answer]) -> None:
        place, first, second = moons
        assert first.json["model"]["alias"] == "champion"
        assert second.code == 0, second.err
        assert second.json["model"]["alias"] is None
        assert place.client.get_model_version("moons", "2").tags["not_comparable"] == "true"


class TestFailures:
    @pytest.fixture
    def fire(self, place: Place) -> Place:
        (place.folder / "fires_hypermodel.py").write_text(FIRES)
        return place

    def test_if_all_trials_fail_nothing_is_registered(self, fire: Place) -> None:
        fire.write(FIRE.format(burning="all"))
        answer = fire.tune()
        assert (answer.code, answer.out) == (1, "")
        assert answer.err.splitlines()[-1].startswith(
            "error: all 3 trials failed; the first: RuntimeError: fire!; mend that"
        )
        runs = fire.runs(experiment="fire")
        assert [run.info.status for run in runs] == ["FAILED"] * 4
        for run in runs[1:]:
            assert run.data.tags["trialstack.error"] == "RuntimeError: fire!"
            assert b"and smoke" in fire.read(run.info.run_id, "traceback.txt")
        assert runs[0].data.tags["mlflow.note.content"].startswith("No trial came to a score")
        assert not fire.client.search_registered_models()

        # There is nothing to go on with, so the same command starts over.
        assert fire.tune().code == 1
        assert len(fire.runs("search", "fire")) == 2

    def test_if_some_fail_the_search_goes_on(self, fire: Place) -> None:
        fire.write(FIRE.format(burning="some"))
        answer = fire.tune()
        assert answer.code == 0, answer.err
        assert "a word on stdout" in answer.err
        assert answer.json["trials"]["completed"] == 2
        assert answer.json["trials"]["failed"] == 1
        statuses = [run.info.status for run in fire.runs("trial", "fire")]
        assert sorted(statuses) == ["FAILED", "FINISHED", "FINISHED"]

    @pytest.mark.slow
    def test_a_baseline_that_diverges_costs_the_comparison_only(self, place: Place) -> None:
        place.write(MOONS.replace('split = "none"', "").replace("epochs = 2\n\n", LARGE_RATE))
        answer = place.tune()
        assert answer.code == 0, answer.err
        assert "warning: no comparison: the baseline fit failed: " in answer.err
        assert answer.json["baseline"] is answer.json["comparison"] is None
        (run,) = place.runs("baseline", "moons")
        assert run.info.status == "FAILED"
        assert " became " in run.data.tags["trialstack.error"]


LARGE_RATE = "epochs = 2\nlearning_rate = 1e38\n\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["experiment.toml", "--set", "search.patience=-1"], "search.patience"),
        (["experiment.toml", "--set", "dataset.test_size=2"], "dataset.test_size"),
        (["experiment.toml", "--set", "dataset.source=mooons"], "dataset.source"),
        (["experiment.toml", "--set", "search.objective=val_f1"], "search.objective"),
        (["experiment.toml", "--set", "search.speed=1"], "search.speed"),
        (["experiment.toml", "--algorithm", "grid"], "search.algorithm"),
        (["experiment.toml", "--trials", "0"], "search.max_trials"),
        (["experiment.toml", "--extend", "2"], "--extend 2"),
        (["experiment.toml", "--time-limit", "soon"], "--time-limit"),
        (["experiment.toml", "--set", "hypermodel={type='nowhere:Net'}"], "hypermodel.type"),
        (["experiment.toml", "--set", "hypermodel={type='numpy:Net'}"], "has no 'Net'"),
        (
            ["experiment.toml", "--set", "dataset.validation_size=0.9999"],
            "command line: key 'dataset.validation_size': 0.9999 of the 200 rows",
        ),
        (["experiment.toml", "--tracking-uri", "file:///tmp/x"], "file store"),
        (["missing.toml"], "missing.toml"),
    ],
)
def test_refusals_are_one_line_and_leave_nothing_behind(
    place: Place, arguments: list[str], said: str
) -> None:
    place.write(MOONS)
    answer = place.trialstack("tune", *arguments)
    assert (answer.code, answer.out) == (2, "")
    error = answer.err.splitlines()[-1]
    assert error.startswith("error: ")
    assert said in error
    assert sorted(Path(place.folder).iterdir()) == [place.folder / "experiment.toml"]


@pytest.mark.slow
def test_no_time_for_a_single_trial_is_said(place: Place) -> None:
    place.write(MOONS)
    answer: Any = place.tune("--time-limit", "0.000001s")
    assert answer.code == 2
    assert "--time-limit" in answer.err.splitlines()[-1]
