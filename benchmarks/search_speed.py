"""How long a search takes: trialstack, Keras Tuner with MLflow's callback, scikit-learn.

All sides run in this one call, each as a process of its own, on the search space of
`experiments/breast_cancer_raw.toml` (100 trials, at most 50 epochs, early stopping on val_auc)::

    python benchmarks/search_speed.py --trials 100 --keras-tuner-trials 10 --repeats 3

Keras Tuner takes minutes, so it is given fewer trials and its time is scaled; the table says so.
scikit-learn has no L1 penalty, no curves and no tracking; it is here as the fastest peer.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXPERIMENT = Path(__file__).parents[1] / "experiments" / "breast_cancer_raw.toml"


def data():
    from trialstack.experiment import Experiment
    from trialstack.pipeline.data import Data

    experiment = Experiment.load(EXPERIMENT)
    return experiment, Data.of(experiment)


def trialstack_side(trials: int) -> dict[str, float]:
    """The whole command: baseline, search, final fit, everything tracked and registered."""
    command = ["tune", str(EXPERIMENT), "--trials", str(trials), "--fresh", "--json"]
    answer = subprocess.run(
        [sys.executable, "-m", "trialstack", *command], capture_output=True, text=True, check=True
    )
    document = json.loads(answer.stdout)
    return {"search": document["seconds"]["search"], "trials": document["trials"]["completed"]}


def keras_tuner_side(trials: int) -> dict[str, float]:
    """A plain Keras Tuner search with MLflow's own callback in nested runs."""
    import keras
    import keras_tuner
    import mlflow

    from trialstack.hypermodels.make import make_hypermodel

    mlflow.set_tracking_uri(f"sqlite:///{Path.cwd()}/mlflow.db")
    mlflow.set_experiment("keras-tuner")
    experiment, rows = data()
    hypermodel = make_hypermodel(experiment, rows.dataset, rows.fit.X)

    class Tracked(keras_tuner.RandomSearch):
        def _configure_tensorboard_dir(self, *_):
            """Keras Tuner imports tensorboard here, which TensorFlow does not bring any more."""

        def run_trial(self, trial, *args, callbacks=(), **kwargs):
            with mlflow.start_run(nested=True):
                mlflow.log_params(trial.hyperparameters.values)
                callbacks = [*callbacks, mlflow.keras.MlflowCallback()]
                return super().run_trial(trial, *args, callbacks=callbacks, **kwargs)

        def _deepcopy_callbacks(self, callbacks):
            return list(callbacks)  # MLflow's callback cannot be copied

    search = experiment.search
    tuner = Tracked(
        hypermodel,
        objective=keras_tuner.Objective(search.objective, search.direction),
        max_trials=trials,
        seed=search.seed,
        directory="search",
        project_name="search",
    )
    stopping = keras.callbacks.EarlyStopping("val_auc", mode="max", patience=search.patience)
    encode = hypermodel.encode_targets
    started = time.monotonic()
    with mlflow.start_run():
        tuner.search(
            rows.fit.X,
            encode(rows.fit.y),
            validation_data=(rows.validation.X, encode(rows.validation.y)),
            epochs=search.epochs,
            batch_size=search.batch_size,
            callbacks=[stopping],
            verbose=0,
        )
    return {"search": time.monotonic() - started, "trials": trials}


def sklearn_side(trials: int) -> dict[str, float]:
    """RandomizedSearchCV over MLPClassifier, on both cores."""
    import warnings

    import numpy as np
    from sklearn.model_selection import RandomizedSearchCV
    from sklearn.neural_network import MLPClassifier

    os.environ["PYTHONWARNINGS"] = "ignore"
    warnings.simplefilter("ignore")
    _, rows = data()
    X = np.concatenate([rows.fit.X, rows.validation.X])
    y = np.concatenate([rows.fit.y, rows.validation.y])
    border = len(rows.fit.y)
    split = [(np.arange(border), np.arange(border, len(y)))]
    rng = np.random.default_rng(0)
    wide = rng.integers(25, 100, 500)
    space = {
        "hidden_layer_sizes": [(int(a), int(rng.integers(20, a))) for a in wide],
        "alpha": [0.0, 1e-15, 1e-10, 1e-5, 1e-3, 1e-2, 1e-1],
    }
    model = MLPClassifier(max_iter=50, batch_size=96)
    started = time.monotonic()
    RandomizedSearchCV(
        model, space, n_iter=trials, scoring="roc_auc", cv=split, n_jobs=-1, random_state=0
    ).fit(X, y)
    return {"search": time.monotonic() - started, "trials": trials}


SIDES = {
    "trialstack": trialstack_side,
    "keras-tuner": keras_tuner_side,
    "scikit-learn": sklearn_side,
}


def measure(side: str, trials: int) -> dict[str, float]:
    """Runs a side from a cold start in an empty folder."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "MLFLOW_DISABLE_TELEMETRY": "true"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    script = Path(__file__).resolve()
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        answer = subprocess.run(
            [sys.executable, str(script), "--side", side, "--trials", str(trials)],
            capture_output=True, text=True, cwd=folder, env=environment, check=False,
        )  # fmt: skip
        if answer.returncode:
            sys.exit(f"{side} failed: {answer.stderr.strip().splitlines()[-1:]}")
        result = json.loads(answer.stdout.strip().splitlines()[-1])
        return result | {"process": time.monotonic() - started}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--keras-tuner-trials", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(SIDES[options.side](options.trials)))
        return
    asked = dict.fromkeys(SIDES, options.trials) | {"keras-tuner": options.keras_tuner_trials}
    runs: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for _ in range(options.repeats):
        for side, trials in asked.items():
            runs[side].append(measure(side, trials))
    print(f"{options.trials} trials, medians of {options.repeats}; ratio = side / trialstack")
    print(
        f"{'side':<14}{'trials run':>11}{'search s':>10}{'ratio':>8}{'process s':>11}{'ratio':>8}"
    )
    own: tuple[float, float] | None = None
    for side, results in runs.items():
        scale = options.trials / asked[side]
        search = statistics.median(r["search"] for r in results) * scale
        fixed = statistics.median(r["process"] - r["search"] for r in results)
        process = fixed + search
        own = own or (search, process)
        note = "" if scale == 1 else f"   (scaled from {asked[side]} trials)"
        print(
            f"{side:<14}{asked[side]:>11}{search:>10.1f}{search / own[0]:>8.1f}"
            f"{process:>11.1f}{process / own[1]:>8.1f}{note}"
        )


if __name__ == "__main__":
    main()
