from __future__ import annotations

import shutil
import warnings
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


@pytest.fixture
def store(empty_database, tmp_path):
    """A store of its own a test: `client`, `uri`, `experiment_id`, `new_run()`."""
    database = tmp_path / "mlruns" / "mlflow.db"
    database.parent.mkdir()
    shutil.copy(empty_database, database)
    uri = f"sqlite:///{database}"
    client = mlflow.MlflowClient(tracking_uri=uri)
    artifacts = (tmp_path / "mlruns" / "artifacts").as_uri()
    experiment_id = client.create_experiment("flowers", artifact_location=artifacts)

    def new_run():
        return client.create_run(experiment_id).info.run_id

    return SimpleNamespace(client=client, uri=uri, experiment_id=experiment_id, new_run=new_run)


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


@pytest.fixture
def log(store):
    """Logs a model of the columns x and y into a new run."""
    import pandas as pd

    from trialstack.registry.package import log_model

    def log(model, classes, run_id=None, **more):
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

    return log
