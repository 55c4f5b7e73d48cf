from __future__ import annotations

import functools
import shutil
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

with warnings.catch_warnings():  # what MLflow's own modules warn of while they are imported
    warnings.simplefilter("ignore")
    import mlflow.pyfunc
    import mlflow.store.tracking.sqlalchemy_store


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    """An SQLite store with its schema, made once: that takes seconds."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    mlflow.MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture(scope="session")
def new_store(empty_database):
    """Makes a store in a folder: `client`, `uri`, `experiment_id`, `new_run()`."""

    def new_store(folder):
        database = folder / "mlruns" / "mlflow.db"
        database.parent.mkdir()
        shutil.copy(empty_database, database)
        uri = f"sqlite:///{database}"
        client = mlflow.MlflowClient(tracking_uri=uri)
        artifacts = (folder / "mlruns" / "artifacts").as_uri()
        experiment_id = client.create_experiment("flowers", artifact_location=artifacts)

        def new_run(**tags):
            return client.create_run(experiment_id, tags=tags).info.run_id

        return SimpleNamespace(
            folder=folder, client=client, uri=uri, experiment_id=experiment_id, new_run=new_run
        )

    return new_store


@pytest.fixture
def store(new_store, tmp_path):
    """A store of its own a test."""
    return new_store(tmp_path)


@pytest.fixture(scope="session")
def process():
    """One fresh process for all tests: to start it takes seconds."""
    from trialstack.registry.fresh import FreshProcess

    with FreshProcess.start() as process:
        yield process


def dense(weights, bias, activation, **layer):
    """One Keras layer with given weights: its outputs can be worked out by hand."""
    import keras

    weights, bias = np.array(weights, dtype="float32"), np.array(bias, dtype="float32")
    model = keras.Sequential(
        [
            keras.Input((weights.shape[0],)),
            keras.layers.Dense(weights.shape[1], activation=activation, **layer),
        ]
    )
    model.set_weights([weights, bias])
    return model


@pytest.fixture(scope="session")
def sigmoid_model():
    """P(second class) = sigmoid(x + 2 y)."""
    return dense([[1], [2]], [0], "sigmoid")


@pytest.fixture(scope="session")
def softmax_model():
    """Scores x, y and 0 for three classes."""
    return dense([[1, 0, 0], [0, 1, 0]], [0, 0, 0], "softmax")


@pytest.fixture(scope="session")
def log_into():
    """Logs a model of the columns x and y into a run of a store, or into a new one."""
    import pandas as pd

    from trialstack.registry.package import log_model

    def log_into(store, model, classes, run_id=None, **more):
        return log_model(
            store.client,
            run_id=run_id or store.new_run(),
            experiment_id=store.experiment_id,
            model=model,
            feature_names=["x", "y"],
            classes=classes,
            example_frame=pd.DataFrame({"x": [0.0, 1.0], "y": [0.5, 0.0]}),
            **more,
        )

    return log_into


@pytest.fixture
def log(store, log_into):
    """Logs a model of the columns x and y into a run of the test's store."""
    return functools.partial(log_into, store)


@pytest.fixture(scope="session")
def add_version(log_into):
    """Makes a version of a registered model, as the search `s<test AUC>` would."""
    from trialstack.registry.champion import Candidate, register
    from trialstack.registry.evidence import Evidence

    evidence = Evidence(
        test_digest="rows A",
        feature_names=("x", "y"),
        classes=(0, 1),
        y_test=np.array([0, 1]),
        probabilities_test=np.eye(2),
        training_row_hashes=np.array([], "uint64"),
        test_row_hashes=np.array([1, 2], "uint64"),
    )

    def add_version(store, name, model, auc):
        run_id = store.new_run(**{"trialstack.kind": "final"})
        interval = {"test_auc_ci_low": 0.65, "test_auc_ci_high": 0.8}
        for key, value in {"test_auc": auc, "test_accuracy": 0.75, "auc": 1.0, **interval}.items():
            store.client.log_metric(run_id, key, value)
        reference = log_into(store, model, [0, 1], run_id)
        candidate = Candidate(reference, run_id, "s", f"s{auc}", "d", auc, evidence)
        return register(
            store.client, name, candidate, compare=None, description=f"About **{name}**."
        ).version

    return add_version


@pytest.fixture(scope="session")
def shelf(new_store, add_version, sigmoid_model, tmp_path_factory):
    """A store with two versions of the model `circles`, for tests that change nothing."""
    store = new_store(tmp_path_factory.mktemp("shelf"))
    add_version(store, "circles", sigmoid_model, 0.75)
    add_version(store, "circles", sigmoid_model, 0.5)
    return store


@pytest.fixture
def files(shelf, tmp_path):
    """Where the store keeps the first version: for a test to damage, mended after it."""
    source = shelf.client.get_model_version("circles", "1").source
    files = Path(source.removeprefix("file://"))
    shutil.copytree(files, tmp_path / "kept")
    yield files
    shutil.rmtree(files, ignore_errors=True)
    shutil.copytree(tmp_path / "kept", files)
