"""What a search leaves behind: in MLflow value by value, on stdout, in the registry."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_circles
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import train_test_split

from tests.pipeline.conftest import Answer, Place
from trialstack.experiment import Experiment

SETTINGS = {
    "dataset.source": "circles",
    "dataset.split": "stratified",
    "dataset.test_size": "0.25",
    "dataset.params.noise": "0.1",
    "hypermodel.units": "[[4, 16], [4, 8]]",
    "hypermodel.activation": "['relu', 'tanh']",
    "hypermodel.learning_rate.sampling": "log",
    "baseline.units": "[4]",
    "search.algorithm": "random",
    "search.max_trials": "3",
    "search.objective": "val_auc",
    "search.patience": "3",
    "search.final_epochs": "best",
    "search.seed": "7",
}
SCORES = [
    "auc",
    "average_precision",
    "log_loss",
    "brier",
    "ece",
    "accuracy",
    "balanced_accuracy",
    "f1",
    "mcc",
]


@pytest.fixture(scope="module")
def place(rings: tuple[Place, Answer]) -> Place:
    return rings[0]


@pytest.fixture(scope="module")
def document(rings: tuple[Place, Answer]) -> dict[str, Any]:
    return rings[1].json


@pytest.fixture(scope="module")
def trials(place: Place, document: dict[str, Any]) -> list[Any]:
    return place.runs("trial", search=document["search_run_id"])


def rows() -> tuple[Any, ...]:
    """The rows as the experiment's split has them: train, test, their labels, by scikit-learn."""
    X, y = make_circles(400, noise=0.1, factor=0.5, random_state=42)
    return tuple(
        train_test_split(X.astype("float32"), y, test_size=0.25, stratify=y, random_state=3)
    )


class TestJson:
    def test_has_the_keys_of_the_contract(self, document: dict[str, Any]) -> None:
        assert {key: set(part) for key, part in document.items() if isinstance(part, dict)} == {
            "trials": {"completed", "failed", "resumed", "stacked"},
            "best": {"trial_id", "run_id", "score", "epochs", "hyperparameters"},
            "baseline": {"run_id", "test"},
            "final": {"run_id", "test"},
            "comparison": set(document["comparison"]) | {"auc_difference", "ci", "p"},
            "model": {"name", "version", "alias", "uri"},
            "seconds": {"search", "total"},
        }
        assert document["experiment"] == "rings"
        assert document["trials"] == {"completed": 3, "failed": 0, "resumed": 0, "stacked": 0}
        assert 0 < document["seconds"]["search"] < document["seconds"]["total"]

    def test_the_store_is_the_embedded_one_and_absolute(
        self, place: Place, document: dict[str, Any]
    ) -> None:
        assert document["tracking_uri"] == place.uri

    def test_best_is_the_best_run(self, place: Place, document: dict[str, Any]) -> None:
        best = max(place.runs("trial"), key=lambda run: run.data.metrics["best_val_auc"])
        said = document["best"]
        assert said["run_id"] == best.info.run_id
        assert said["trial_id"] == best.data.tags["trialstack.trial_id"]
        assert said["score"] == best.data.metrics["best_val_auc"]
        assert said["epochs"] == best.data.metrics["best_epoch"] + 1
        assert list(said["hyperparameters"]) == list(best.data.params)


class TestSearchRun:
    @pytest.fixture
    def run(self, place: Place, document: dict[str, Any]) -> Any:
        return place.client.get_run(document["search_run_id"])

    def test_there_is_one_and_everything_is_finished(self, place: Place, run: Any) -> None:
        runs = place.runs()
        assert [r.info.status for r in runs] == ["FINISHED"] * 6
        kinds = sorted(r.data.tags["trialstack.kind"] for r in runs)
        assert kinds == ["baseline", "final", "search", "trial", "trial", "trial"]
        for child in runs:
            if child.info.run_id != run.info.run_id:
                assert child.data.tags["mlflow.parentRunId"] == run.info.run_id

    def test_settings_are_params(self, run: Any) -> None:
        assert {key: run.data.params.get(key) for key in SETTINGS} == SETTINGS

    def test_the_dataset_is_an_input_with_a_digest_of_all_rows(
        self, place: Place, run: Any
    ) -> None:
        from trialstack.datasets.fingerprint import fingerprint

        X, y = make_circles(400, noise=0.1, factor=0.5, random_state=42)
        digest = fingerprint(X.astype("float32"), y, ("X0", "X1"), (0, 1))
        (given,) = run.inputs.dataset_inputs
        assert given.dataset.name == "circles"
        assert given.dataset.digest == digest[:36]
        assert json.loads(given.dataset.profile)["num_rows"] == 400
        assert run.data.tags["trialstack.data_digest"] == digest

    def test_best_score_so_far_under_a_key_of_its_own(
        self, place: Place, run: Any, trials: list[Any]
    ) -> None:
        scores = [trial.data.metrics["best_val_auc"] for trial in trials]
        so_far = np.maximum.accumulate(scores)
        assert place.curve(run.info.run_id, "search_best") == list(enumerate(so_far))
        assert set(run.data.metrics) == {"search_best"}

    def test_what_lets_it_be_told_of_and_done_again(self, place: Place, run: Any) -> None:
        page = place.read(run.info.run_id, "report.html").decode()
        assert page.startswith("<!doctype html>")
        assert "sealed test rows" in page
        assert "still running" not in page
        file = place.read(run.info.run_id, "experiment.toml").decode()
        again = Experiment.from_dict(tomllib.loads(file))
        assert again.search.max_trials == 3
        versions = json.loads(run.data.tags["trialstack.versions"])
        assert {"python", "trialstack", "keras", "system"} <= set(versions)
        assert run.data.tags["trialstack.trials_stacked"].isdecimal()
        assert float(run.data.tags["trialstack.search_seconds"]) > 0

    def test_leaderboard_as_csv_and_as_table(
        self, place: Place, run: Any, trials: list[Any]
    ) -> None:
        text = place.read(run.info.run_id, "leaderboard.csv").decode()
        lines = list(csv.DictReader(io.StringIO(text)))
        ranked = sorted(trials, key=lambda trial: -trial.data.metrics["best_val_auc"])
        for rank, (line, trial) in enumerate(zip(lines, ranked, strict=True), 1):
            assert line["rank"] == str(rank)
            assert trial.info.run_name.startswith(f"trial {line['trial']} · ")
            assert float(line["best_val_auc"]) == trial.data.metrics["best_val_auc"]
            assert int(line["units_1"]) == int(trial.data.params["units_1"])
            assert line["status"] == "FINISHED"
        table = json.loads(place.read(run.info.run_id, "leaderboard.json"))
        assert table["columns"] == list(lines[0])
        assert len(table["data"]) == 3
        assert json.loads(run.data.tags["mlflow.loggedArtifacts"]) == [
            {"path": "leaderboard.json", "type": "table"}
        ]

    def test_plots(self, place: Place, run: Any) -> None:
        names = ["objective_over_trials", "objective_by_hyperparameter"]
        for name in [*names, "data_scatter", "class_counts"]:
            assert place.read(run.info.run_id, f"plots/{name}.png").startswith(b"\x89PNG")

    def test_the_result_stands_in_the_first_line(self, run: Any, document: dict[str, Any]) -> None:
        first = run.data.tags["mlflow.note.content"].splitlines()[0]
        assert f"**{document['final']['test']['auc']:.4f}**" in first

    def test_views_are_saved(self, place: Place) -> None:
        tags = place.client.get_experiment_by_name("rings").tags
        names = [json.loads(v)["name"] for k, v in tags.items() if "sharedViewState" in k]
        assert len(names) == 6


class TestTrials:
    def test_params_are_readable_and_exact_values_are_beside(
        self, place: Place, trials: list[Any]
    ) -> None:
        for trial in trials:
            exact = json.loads(place.read(trial.info.run_id, "trial.json"))
            values, params = exact["hyperparameters"], trial.data.params
            assert list(params) == ["units_1", "units_2", "activation", "l2", "learning_rate"]
            assert params["units_1"] == str(values["units_1"])
            assert params["activation"] == values["activation"]
            assert params["learning_rate"] == f"{values['learning_rate']:.4g}"
            assert float(params["l2"]) == values["l2"]
            assert exact["score"] == trial.data.metrics["best_val_auc"]

    def test_one_value_an_epoch(self, place: Place, trials: list[Any]) -> None:
        for trial in trials:
            epochs = int(trial.data.metrics["epochs_run"])
            for name in ("loss", "auc", "accuracy", "val_loss", "val_auc", "val_accuracy"):
                steps = [step for step, _ in place.curve(trial.info.run_id, name)]
                assert steps == list(range(epochs)), name

    def test_scores_are_those_of_the_best_epoch(self, place: Place, trials: list[Any]) -> None:
        for trial in trials:
            metrics = trial.data.metrics
            values = [value for _, value in place.curve(trial.info.run_id, "val_auc")]
            assert place.curve(trial.info.run_id, "best_val_auc") == [(0, max(values))]
            assert metrics["best_epoch"] == values.index(max(values))
            ran_out = len(values) - 1 - values.index(max(values)) == 3
            stopped_by = trial.data.tags["trialstack.stopped_by"]
            assert stopped_by == ("EarlyStopping" if ran_out and len(values) < 8 else "epochs")

    def test_each_has_a_picture_a_colour_and_an_id(self, place: Place, trials: list[Any]) -> None:
        for number, trial in enumerate(trials):
            tags = trial.data.tags
            assert tags["trialstack.trial_id"] == str(number)
            assert tags["mlflow.loggedImages"] == "True"
            (png,) = (f for f in place.files(trial.info.run_id) if f.endswith(".png"))
            assert png.startswith("images/boundary_final+step+0+")
        assert len({trial.data.tags["mlflow.runColor"] for trial in trials}) == 3

    def test_a_trial_is_what_plain_keras_makes_of_its_seed(
        self, place: Place, trials: list[Any]
    ) -> None:
        # Contract 3 by hand: weights from SeedSequence([search seed, number]), rows of an epoch
        # in the order of default_rng([search seed, epoch]), the same for every trial.
        import keras

        from trialstack.hypermodels.fixed import fixed_mlp

        trial = trials[1]
        exact = json.loads(place.read(trial.info.run_id, "trial.json"))["hyperparameters"]
        X_train, _, y_train, _ = rows()
        X, X_val, y, y_val = train_test_split(
            X_train, y_train, test_size=0.25, stratify=y_train, random_state=3
        )
        keras.utils.set_random_seed(int(np.random.SeedSequence([7, 1]).generate_state(1)[0]))
        model = fixed_mlp(
            [exact["units_1"], exact["units_2"]],
            2,
            2,
            mean=X.mean(axis=0),
            variance=X.var(axis=0),
            activation=exact["activation"],
            l2=exact["l2"],
            learning_rate=exact["learning_rate"],
        )
        for epoch in range(int(trial.data.metrics["epochs_run"])):
            order = np.random.default_rng([7, epoch]).permutation(len(X))
            history = model.fit(
                X[order],
                y[order, None],
                validation_data=(X_val, y_val[:, None]),
                batch_size=32,
                shuffle=False,
                verbose=0,
            ).history
            for name, (value,) in history.items():
                logged = dict(place.curve(trial.info.run_id, name))[epoch]
                assert logged == pytest.approx(value, rel=1e-4), (name, epoch)


class TestFits:
    def test_the_baseline(self, place: Place, document: dict[str, Any]) -> None:
        (run,) = place.runs("baseline")
        assert run.info.run_id == document["baseline"]["run_id"]
        assert run.data.params["units_1"] == "4"
        assert run.data.params["weights"] == str((2 * 4 + 4) + (4 + 1))
        assert run.data.params["rows"] == "225"
        assert [step for step, _ in place.curve(run.info.run_id, "val_auc")] == [0, 1, 2, 3]

    def test_the_final_model(
        self, place: Place, document: dict[str, Any], trials: list[Any]
    ) -> None:
        (run,) = place.runs("final")
        best = document["best"]
        h1, h2 = (best["hyperparameters"][f"units_{layer}"] for layer in (1, 2))
        params = run.data.params
        assert params["weights"] == str((2 * h1 + h1) + (h1 * h2 + h2) + (h2 + 1))
        assert (params["rows"], params["epochs"]) == ("300", str(best["epochs"]))
        assert params["learning_rate"] == f"{best['hyperparameters']['learning_rate']:.4g}"
        assert len(place.curve(run.info.run_id, "loss")) == best["epochs"]
        assert "val_loss" not in run.data.metrics

    def test_both_have_summary_curves_boundary_and_dataset(self, place: Place) -> None:
        for kind in ("baseline", "final"):
            (run,) = place.runs(kind)
            summary = place.read(run.info.run_id, "summary.txt").decode()
            assert "Param #" in summary
            assert f"Total params: {run.data.params['weights']} " in summary
            files = place.files(run.info.run_id)
            pictures = ("learning_curves", "decision_boundary", "data_scatter", "class_counts")
            assert {f"plots/{name}.png" for name in pictures} <= set(files)
            assert sum("boundary_final" in file for file in files) == 2
            assert len(run.inputs.dataset_inputs) == 1

    def test_the_boundary_of_the_final_model_evolves(
        self, place: Place, document: dict[str, Any]
    ) -> None:
        files = place.files(document["final"]["run_id"])
        steps = [
            int(file.split("+step+")[1].partition("+")[0])
            for file in files
            if file.startswith("images/boundary+") and file.endswith(".png")
        ]
        assert sorted(steps) == list(range(document["best"]["epochs"] + 1))
        assert "plots/boundary_evolution.gif" in files
        assert not [file for file in place.files(document["baseline"]["run_id"]) if "gif" in file]

    def test_what_stands_at_the_top_of_their_pages(
        self, place: Place, document: dict[str, Any]
    ) -> None:
        def text_of(run_id: str) -> list[str]:
            run = place.client.get_run(run_id)
            return str(run.data.tags["mlflow.note.content"]).split("\n\n")

        experiment = place.client.get_experiment_by_name("rings").experiment_id
        runs = f"#/experiments/{experiment}/runs/"
        search, best = document["search_run_id"], document["best"]["run_id"]
        first, origin, version, about = text_of(document["final"]["run_id"])
        assert first.startswith(f"AUC **{document['final']['test']['auc']:.4f}** (")
        assert " on 100 test rows; " in first
        assert f"]({runs}{best}?workflowType=machine_learning)" in origin
        assert f"[its search]({runs}{search}?workflowType=machine_learning)" in origin
        assert f"all 300 training rows in {document['best']['epochs']} epoch" in origin
        assert version.startswith("Registered as [`models:/rings/1`](#/models/rings/versions/1?")
        assert "with the alias `champion`: the first version." in version
        assert about == "Rings with noise."
        first, compared = text_of(document["baseline"]["run_id"])
        assert first.startswith(f"AUC **{document['baseline']['test']['auc']:.4f}** (")
        assert f"({runs}{search}?" in compared
        _, found, *_ = text_of(search)
        assert found.startswith("3 trials. Side by side: [trials, best first](#/experiments/")
        assert " The best, [trial 00" in found
        assert f"[the final model]({runs}{document['final']['run_id']}?" in found

    def test_pictures_of_the_evaluation(self, place: Place, document: dict[str, Any]) -> None:
        files = place.files(document["final"]["run_id"])
        names = ["roc", "precision_recall", "calibration", "confusion_matrix"]
        for name in [*names, "score_histogram", "thresholds", "importance"]:
            assert f"plots/{name}.png" in files

    def test_both_columns_of_the_rings_are_important(
        self, place: Place, document: dict[str, Any]
    ) -> None:
        text = place.read(document["final"]["run_id"], "importance.csv").decode()
        table = list(csv.DictReader(io.StringIO(text)))
        assert {line["feature"] for line in table} == {"X0", "X1"}
        assert min(float(line["auc_loss"]) for line in table) > 0.05

    @pytest.mark.parametrize("kind", ["baseline", "final"])
    def test_scores_of_the_sealed_rows(
        self, place: Place, document: dict[str, Any], kind: str
    ) -> None:
        (run,) = place.runs(kind)
        said = document[kind]["test"]
        probabilities = np.load(place.journals()[0].parent / f"{kind}.npy")
        _, _, _, y = rows()
        assert run.data.metrics["test_auc"] == roc_auc_score(y, probabilities[:, 1])
        assert run.data.metrics["test_log_loss"] == pytest.approx(log_loss(y, probabilities))
        assert run.data.metrics["test_accuracy"] == accuracy_score(y, probabilities.argmax(axis=1))
        assert {name: run.data.metrics[f"test_{name}"] for name in SCORES} == {
            name: said[name] for name in SCORES
        }
        for name in SCORES:
            low, high = said[f"{name}_ci"]
            assert low <= said[name] <= high
        assert said["rows"] == 100
        assert json.loads(place.read(run.info.run_id, "evaluation.json")) == said

    def test_the_comparison(self, document: dict[str, Any]) -> None:
        final, baseline = (document[kind]["test"]["auc"] for kind in ("final", "baseline"))
        found = document["comparison"]
        assert found["auc_difference"] == pytest.approx(final - baseline)
        assert found["ci"][0] <= found["auc_difference"] <= found["ci"][1]
        assert 0 <= found["p"] <= 1

    def test_the_comparison_of_accuracies(self, place: Place, document: dict[str, Any]) -> None:
        _, _, _, y = rows()
        final, baseline = (
            np.load(place.journals()[0].parent / f"{kind}.npy").argmax(axis=1) == y
            for kind in ("final", "baseline")
        )
        found = document["comparison"]
        assert found["only_new_right"] == np.count_nonzero(final & ~baseline)
        assert found["only_old_right"] == np.count_nonzero(baseline & ~final)
        assert found["accuracy_difference"] == pytest.approx(final.mean() - baseline.mean())
        assert (found["accuracy_p"] < 0.05) == (
            found["accuracy_ci"][0] > 0 or found["accuracy_ci"][1] < 0
        )


class TestModel:
    def test_the_first_version_is_champion(self, place: Place, document: dict[str, Any]) -> None:
        assert document["model"] == {
            "name": "rings",
            "version": 1,
            "alias": "champion",
            "uri": "models:/rings/1",
        }
        version = place.client.get_model_version_by_alias("rings", "champion")
        assert version.run_id == document["final"]["run_id"]
        assert version.tags["trialstack.test_uses"] == "1"
        assert version.tags["trialstack.search_run_id"] == document["search_run_id"]
        about, code = place.client.get_registered_model("rings").description.split("\n\n", 1)
        assert about == "Rings with noise."
        assert 'model = mlflow.pyfunc.load_model("models:/rings@champion")\n' in code

    def test_the_logged_model_is_in_the_right_experiment_and_linked_both_ways(
        self, place: Place, document: dict[str, Any]
    ) -> None:
        experiment = place.client.get_experiment_by_name("rings")
        (model,) = place.client.search_logged_models([experiment.experiment_id])
        assert str(model.status) == "LoggedModelStatus.READY" or model.status == "READY"
        assert model.source_run_id == document["final"]["run_id"]
        run = place.client.get_run(model.source_run_id)
        assert [output.model_id for output in run.outputs.model_outputs] == [model.model_id]
        shown = {metric.key: metric.value for metric in model.metrics}
        assert shown["test_auc"] == document["final"]["test"]["auc"]

    def test_its_example_has_the_values_of_the_data(self, place: Place) -> None:
        X, y = make_circles(400, noise=0.1, factor=0.5, random_state=42)
        _, test = train_test_split(X, stratify=y, test_size=0.25, random_state=3)
        experiment = place.client.get_experiment_by_name("rings")
        (model,) = place.client.search_logged_models([experiment.experiment_id])
        folder = Path(model.artifact_location.removeprefix("file://"))
        example = json.loads((folder / "input_example.json").read_text())
        # Each as the data has it, not as the nearest float32.
        assert example == {"columns": ["X0", "X1"], "data": test[:3].tolist()}

    def test_a_stranger_loads_it_and_gets_the_logged_score(
        self, place: Place, document: dict[str, Any], tmp_path: Any
    ) -> None:
        _, X, _, y = rows()
        table = pd.DataFrame(X.astype(float), columns=["X0", "X1"])
        table[["X1", "X0"]].assign(note="not asked for").to_csv(tmp_path / "rows.csv", index=False)
        program = (
            "import sys; sys.modules['trialstack'] = None\n"
            "import mlflow, pandas as pd\n"
            "mlflow.set_tracking_uri(sys.argv[1])\n"
            "model = mlflow.pyfunc.load_model('models:/rings@champion')\n"
            "print(model.predict(pd.read_csv('rows.csv')).to_json(orient='records'))\n"
        )
        answer = subprocess.run(
            [sys.executable, "-c", program, place.uri],
            cwd=tmp_path,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
            check=True,
        )
        scores = pd.DataFrame(json.loads(answer.stdout))
        assert list(scores.columns) == ["prediction", "probability_0", "probability_1"]
        auc = roc_auc_score(y, scores["probability_1"])
        assert auc == pytest.approx(document["final"]["test"]["auc"], abs=1e-6)
        assert accuracy_score(y, scores["prediction"]) == document["final"]["test"]["accuracy"]


def test_the_search_is_compared_from_what_mlflow_holds(
    place: Place, document: dict[str, Any]
) -> None:
    answer = place.trialstack("compare", "rings", "--json")
    assert (answer.code, answer.err) == (0, "")
    compared = answer.json
    assert compared["search"]["run_id"] == document["search_run_id"]
    assert compared["search"]["model"] == {"uri": "models:/rings/1", "alias": "champion"}
    assert [run["kind"] for run in compared["runs"]] == ["trial"] * 3 + ["baseline", "final"]
    assert compared["runs"][0]["run_id"] == document["best"]["run_id"]
    assert compared["runs"][0]["score"] == document["best"]["score"]
    (test,) = compared["paired_tests"]
    for key, value in document["comparison"].items():
        assert test[key] == (value if isinstance(value, str) else pytest.approx(value)), key
    final = compared["runs"][-1]
    assert final["test"]["auc_ci"] == pytest.approx(document["final"]["test"]["auc_ci"])
