from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from sklearn.datasets import load_wine

from trialstack.errors import ModelRefusedError
from trialstack.registry.digest import files_sha256
from trialstack.registry.package import log_model, pip_requirements


def folder_of(store, reference):
    location = store.client.get_logged_model(reference.model_id).artifact_location
    return Path(mlflow.artifacts.download_artifacts(location))


def models_of(store):
    return store.client.search_logged_models([store.experiment_id])


@pytest.fixture
def loaded(store, monkeypatch):
    """Loads a model of the store in this process, whose global tracking URI it puts back."""

    def load(uri):
        return mlflow.pyfunc.load_model(uri)

    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(store.uri)
    yield load
    mlflow.set_tracking_uri(before)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")  # which MLflow has set


def test_it_belongs_to_its_run_and_experiment(store, log, sigmoid_model):
    run_id = store.new_run()
    store.client.log_param(run_id, "units_1", 7)
    store.client.log_metric(run_id, "test_auc", 0.99)
    store.client.log_metric(run_id, "loss", 0.5)
    reference = log(sigmoid_model, [0, 1], run_id, metric_names=["test_auc"])

    model = store.client.get_logged_model(reference.model_id)
    assert reference.uri == f"models:/{model.model_id}"
    assert model.status == "READY"
    assert model.experiment_id == store.experiment_id
    assert model.source_run_id == run_id
    assert model.params == {"units_1": "7"}
    assert {metric.key: metric.value for metric in model.metrics} == {"test_auc": 0.99}
    outputs = store.client.get_run(run_id).outputs.model_outputs
    assert [output.model_id for output in outputs] == [model.model_id]
    assert len(store.client.get_metric_history(run_id, "test_auc")) == 1


def test_the_digest_is_of_what_was_stored(store, log, sigmoid_model):
    reference = log(sigmoid_model, [0, 1])
    assert files_sha256(folder_of(store, reference)) == reference.files_sha256
    tags = store.client.get_logged_model(reference.model_id).tags
    assert tags["trialstack.files_sha256"] == reference.files_sha256


def test_text_labels_of_wine(store, loaded):
    import keras

    wine = load_wine(as_frame=True)
    rows, names = wine.data, sorted(wine.target_names)
    normalization = keras.layers.Normalization()
    normalization.adapt(rows.to_numpy("float32"))
    model = keras.Sequential(
        [keras.Input((13,)), normalization, keras.layers.Dense(3, activation="softmax")]
    )
    model.compile(keras.optimizers.Adam(0.05), loss="sparse_categorical_crossentropy")
    model.fit(rows.to_numpy("float32"), wine.target, epochs=30, verbose=0)
    reference = log_model(
        store.client,
        run_id=store.new_run(),
        experiment_id=store.experiment_id,
        model=model,
        feature_names=list(rows.columns),
        classes=names,
        example_frame=rows,
        metadata={"dataset": "wine"},
    )
    model = loaded(reference.uri)
    scores = model.predict(rows[rows.columns[::-1]].assign(cellar="B"))
    truth = wine.target.map(dict(enumerate(wine.target_names)))
    assert (scores["prediction"] == truth).mean() > 0.95
    assert list(scores.columns)[1:] == [f"probability_{name}" for name in names]
    assert list(model.metadata.signature.outputs.input_names()) == list(scores.columns)
    assert model.metadata.metadata == {"dataset": "wine"}
    example = model.input_example
    assert len(example) == 5
    pd.testing.assert_frame_equal(model.predict(example), scores.head())


def test_the_serving_example_is_valid(store, log, sigmoid_model, loaded):
    from mlflow.models.utils import load_serving_example
    from mlflow.pyfunc.scoring_server import infer_and_parse_data

    reference = log(sigmoid_model, [0, 1])
    request = json.loads(load_serving_example(reference.uri))
    scores = loaded(reference.uri).predict(infer_and_parse_data(request))
    assert scores["probability_1"].tolist() == pytest.approx([0.7310586, 0.7310586], abs=1e-6)


def test_mlmodel_knows_nothing_of_the_scratch_folder(store, log, sigmoid_model):
    folder = folder_of(store, log(sigmoid_model, [0, 1]))
    text = (folder / "MLmodel").read_text()
    assert "trialstack-model-" not in text
    assert "model_code_path: scorer.py" in text
    assert not [path for path in folder.rglob("*") if path.suffix in {".pkl", ".pickle"}]


def test_requirements_are_exact(store, log, sigmoid_model):
    folder = folder_of(store, log(sigmoid_model, [0, 1]))
    requirements = (folder / "requirements.txt").read_text().split()
    assert requirements == pip_requirements()
    assert f"keras=={importlib.metadata.version('keras')}" in requirements
    assert [line.split("==")[0] for line in requirements] == [
        "mlflow",
        "keras",
        "tensorflow",
        "numpy",
        "pandas",
    ]


def test_files_of_a_uv_project_stay_out(store, log, sigmoid_model, tmp_path, monkeypatch):
    project = tmp_path / "project"
    project.mkdir()
    (project / "uv.lock").write_text("version = 1")
    (project / "pyproject.toml").write_text("[project]\nname = 'mine'")
    monkeypatch.chdir(project)
    folder = folder_of(store, log(sigmoid_model, [0, 1]))
    assert not {"uv.lock", "pyproject.toml"} & {path.name for path in folder.iterdir()}


def test_mlflow_globals_are_left_alone(store, log, sigmoid_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = mlflow.get_tracking_uri()
    log(sigmoid_model, [0, 1])
    assert mlflow.get_tracking_uri() == before
    assert mlflow.active_run() is None
    assert [path.name for path in tmp_path.iterdir()] == ["mlruns"]


def test_a_failed_upload_leaves_no_model(store, log, sigmoid_model, monkeypatch):
    def fail(*args):
        raise OSError("disk full")

    run_id = store.new_run()
    monkeypatch.setattr(store.client, "log_model_artifacts", fail)
    with pytest.raises(OSError, match="disk full"):
        log(sigmoid_model, [0, 1], run_id)
    assert models_of(store) == []
    assert not store.client.get_run(run_id).outputs.model_outputs


def test_a_model_left_unfinished_is_deleted(store, log, sigmoid_model):
    run_id = store.new_run()
    store.client.create_logged_model(store.experiment_id, name="model", source_run_id=run_id)
    other = store.client.create_logged_model(
        store.experiment_id, name="model", source_run_id=store.new_run()
    )
    reference = log(sigmoid_model, [0, 1], run_id)
    assert {model.model_id for model in models_of(store)} == {reference.model_id, other.model_id}


def test_a_lambda_is_refused_before_anything_is_logged(store, log):
    import keras

    model = keras.Sequential(
        [keras.Input((2,)), keras.layers.Lambda(lambda x: x * 2), keras.layers.Dense(1)]
    )
    with pytest.raises(ModelRefusedError, match="Lambda"):
        log(model, [0, 1])
    assert models_of(store) == []


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        ([1, 0], "sorted order"),
        ([0, 0], "distinct"),
        ([0, "1"], "all str, all bool, all int or all float"),
        ([0, 1, 2], "1 outputs for 3 classes"),
    ],
)
def test_classes_that_do_not_fit(log, sigmoid_model, classes, words):
    with pytest.raises(ValueError, match=words):
        log(sigmoid_model, classes)


def test_logging_takes_no_inference_of_requirements(log, sigmoid_model, monkeypatch):
    def infer(*args, **kwargs):
        raise AssertionError("requirements are given, not inferred")

    monkeypatch.setattr(mlflow.models, "infer_pip_requirements", infer)
    log(sigmoid_model, [0, 1])
