from __future__ import annotations

import copy
import gc
import math
from io import BytesIO
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from trialstack.errors import InputError
from trialstack.tracking.callback import MLflowCallback
from trialstack.tracking.store import Store, open_client

X = np.random.default_rng(0).normal(size=(40, 2)).astype("float32")
Y = (X[:, 0] > 0).astype("int32")


@pytest.fixture
def model() -> Any:
    keras.utils.set_random_seed(0)
    made = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(3, "relu"), keras.layers.Dense(1, "sigmoid")],
        name="tiny",
    )
    made.compile(keras.optimizers.Adam(0.0123456), "binary_crossentropy", metrics=["accuracy"])
    return made


def artifacts(run: Any) -> dict[str, bytes]:
    folder = Path(run.info.artifact_uri.removeprefix("file://"))
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


class Raises(keras.callbacks.Callback):
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        raise ValueError("no more")


def test_a_fit_is_a_finished_run(store: Store, model: Any) -> None:
    tracking = MLflowCallback(
        boundary=(X, Y),
        boundary_every=2,
        tracking_uri=store.tracking_uri,
        experiment_name="ladder",
        params={"batch_size": 8},
    )
    fitted = model.fit(
        X, Y, epochs=3, batch_size=8, validation_split=0.25, verbose=0, callbacks=[tracking]
    )
    client = open_client(store)
    assert tracking.run_id is not None
    run = client.get_run(tracking.run_id)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "tiny"
    assert client.get_experiment(run.info.experiment_id).name == "ladder"
    assert run.data.tags["trialstack.kind"] == "model"
    assert run.data.params == {
        "epochs": "3",
        "steps_per_epoch": "4",
        "optimizer": "adam",
        "learning_rate": "0.01235",
        "batch_size": "8",
        "weights": "13",
    }
    assert set(run.data.metrics) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    for name, values in fitted.history.items():
        points = client.get_metric_history(tracking.run_id, name)
        assert sorted((point.step, point.value) for point in points) == list(enumerate(values))
    files = artifacts(run)
    assert b"Total params" in files["summary.txt"]
    for name in ("learning_curves", "decision_boundary"):
        assert files[f"plots/{name}.png"].startswith(b"\x89PNG")
    # Untrained, after two epochs, and the end.
    assert Image.open(BytesIO(files["plots/boundary_evolution.gif"])).n_frames == 3
    pictures = sorted(path.split("+timestamp")[0] for path in files if "+compressed" in path)
    assert pictures == [
        "images/boundary+step+0",
        "images/boundary+step+2",
        "images/boundary_final+step+0",
    ]


def test_a_given_run_is_written_into_but_not_ended(store: Store, model: Any) -> None:
    client = open_client(store)
    run_id = client.create_run("0").info.run_id
    tracking = MLflowCallback(run_id, tracking_uri=store.tracking_uri)
    model.fit(X, Y, epochs=1, verbose=0, callbacks=[tracking])
    run = client.get_run(run_id)
    assert tracking.run_id == run_id
    assert run.info.status == "RUNNING"
    assert run.data.params["weights"] == "13"
    assert "loss" in run.data.metrics
    assert [experiment.name for experiment in client.search_experiments()] == ["Default"]


def test_the_global_active_run_is_left_alone(store: Store, model: Any) -> None:
    import mlflow

    before = mlflow.get_tracking_uri()
    model.fit(X, Y, verbose=0, callbacks=[MLflowCallback(tracking_uri=store.tracking_uri)])
    assert mlflow.active_run() is None
    assert mlflow.get_tracking_uri() == before


def test_a_copy_makes_a_run_of_its_own(store: Store, model: Any) -> None:
    tracking = MLflowCallback(tracking_uri=store.tracking_uri, boundary=(X, Y), boundary_every=0)
    model.fit(X, Y, verbose=0, callbacks=[tracking])
    copied = copy.deepcopy(tracking)
    model.fit(X, Y, verbose=0, callbacks=[copied])
    assert tracking.run_id != copied.run_id


def test_a_loss_that_is_nan_is_logged(store: Store, model: Any) -> None:
    tracking = MLflowCallback(tracking_uri=store.tracking_uri)
    model.fit(X, np.full(40, np.nan), epochs=2, verbose=0, callbacks=[tracking])
    client = open_client(store)
    losses = [point.value for point in client.get_metric_history(tracking.run_id, "loss")]
    assert [math.isnan(loss) for loss in losses] == [True, True]
    assert client.get_run(tracking.run_id).info.status == "FINISHED"


def test_training_that_raises_is_failed_inside_a_with(store: Store, model: Any) -> None:
    with (
        pytest.raises(ValueError, match="no more"),
        MLflowCallback(tracking_uri=store.tracking_uri) as tracking,
    ):
        model.fit(X, Y, verbose=0, callbacks=[tracking, Raises()])
    run = open_client(store).get_run(tracking.run_id)
    assert run.info.status == "FAILED"
    assert run.data.tags["trialstack.error"] == "ValueError: no more"


def test_training_that_raises_is_killed_when_the_callback_goes(store: Store, model: Any) -> None:
    def run_that_raises() -> str | None:
        tracking = MLflowCallback(tracking_uri=store.tracking_uri)
        with pytest.raises(ValueError, match="no more"):
            model.fit(X, Y, verbose=0, callbacks=[tracking, Raises()])
        return tracking.run_id

    run_id = run_that_raises()
    gc.collect()
    assert open_client(store).get_run(run_id).info.status == "KILLED"


def test_training_that_raises_is_killed_when_it_is_begun_again(store: Store, model: Any) -> None:
    tracking = MLflowCallback(tracking_uri=store.tracking_uri)
    with pytest.raises(ValueError, match="no more"):
        model.fit(X, Y, verbose=0, callbacks=[tracking, Raises()])
    first = tracking.run_id
    model.fit(X, Y, verbose=0, callbacks=[tracking])
    client = open_client(store)
    assert client.get_run(first).info.status == "KILLED"
    assert client.get_run(tracking.run_id).info.status == "FINISHED"


def test_problems_become_warnings(store: Store, model: Any) -> None:
    client = open_client(store)
    run_id = client.create_run("0").info.run_id
    client.log_param(run_id, "weights", "other")
    tracking = MLflowCallback(run_id, tracking_uri=store.tracking_uri)
    with pytest.warns(UserWarning, match="tracking: run 'model': MLflow refused param 'weights'"):
        model.fit(X, Y, verbose=0, callbacks=[tracking])


def test_the_evolution_is_on_by_default_and_can_be_left_out(store: Store, model: Any) -> None:
    def pictures(**settings: Any) -> list[str]:
        tracking = MLflowCallback(boundary=(X, Y), tracking_uri=store.tracking_uri, **settings)
        model.fit(X, Y, epochs=2, verbose=0, callbacks=[tracking])
        files = artifacts(open_client(store).get_run(tracking.run_id))
        shown = {path.split("+timestamp")[0] for path in files if path.startswith("images")}
        return sorted(shown) + [path for path in files if path.endswith(".gif")]

    final = "images/boundary_final+step+0"
    assert pictures(boundary_every=0) == [final]
    assert pictures() == [
        *(f"images/boundary+step+{step}" for step in range(3)),
        final,
        "plots/boundary_evolution.gif",
    ]


def test_parts_by_name_and_labels_as_text(store: Store, model: Any) -> None:
    labels = np.array(["left", "right"])[Y]
    parts = {"train": (X[:30], labels[:30]), "test": (X[30:], labels[30:])}
    with MLflowCallback(boundary=parts, tracking_uri=store.tracking_uri) as tracking:
        model.fit(X, Y, epochs=1, verbose=0, callbacks=[tracking])
    files = artifacts(open_client(store).get_run(tracking.run_id))
    figure = Image.open(BytesIO(files["plots/decision_boundary.png"]))
    assert figure.width > 1.6 * figure.height  # two pictures side by side


@pytest.mark.parametrize(
    ("boundary", "message"),
    [
        ((X, Y, Y), "boundary: 3 parts came; give the pair"),
        (X, "boundary: ndarray came; give the pair"),
        ({}, "boundary: no rows came; give the pair"),
        ({"test": (X, Y, Y)}, "boundary: 'test': 3 parts came"),
        ((X, Y[:30]), "boundary: 40 rows and 30 labels came; give one a row"),
        ((X, np.full(40, np.nan)), "40 of 40 labels are missing"),
    ],
)
def test_what_is_no_boundary_is_refused_before_training(boundary: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        MLflowCallback(boundary=boundary)


def test_a_negative_interval_is_refused() -> None:
    with pytest.raises(InputError, match="boundary_every: -1 came"):
        MLflowCallback(boundary_every=-1)


def test_rows_of_another_model_are_refused_before_the_first_epoch(store: Store, model: Any) -> None:
    class Epochs(keras.callbacks.Callback):
        ended = 0

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.ended += 1

    epochs, wide = Epochs(), np.zeros((40, 3))
    with (
        pytest.raises(InputError, match="the model takes 2 features, but the rows have 3"),
        MLflowCallback(boundary=(wide, Y), tracking_uri=store.tracking_uri) as tracking,
    ):
        model.fit(X, Y, verbose=0, callbacks=[tracking, epochs])
    assert epochs.ended == 0
    assert open_client(store).get_run(tracking.run_id).info.status == "FAILED"
