"""How long a search takes: trialstack, Keras Tuner with MLflow's callback, Optuna, scikit-learn.

All sides run in this one call, each as a process of its own, on the search space of
`experiments/breast_cancer_raw.toml` (100 trials, at most 50 epochs, early stopping on val_auc)::

    python benchmarks/search_speed.py --trials 100 --slow-trials 10 --repeats 3

Keras Tuner and Optuna take seconds a trial, so they are given fewer trials and their time is
scaled; the table says so. scikit-learn has no L1 penalty, no curves and no tracking; it is here as
the fastest peer. Optuna is left out where it is not installed (`pip install optuna`).

Plain Keras Tuner 1.4.8 cannot run a single trial beside TensorFlow 2.21: before each it imports
tensorboard, which TensorFlow no longer brings along. Its only change here is that it does not.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

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
    hypermodel = make_hypermodel(experiment, rows.fit.X, rows.dataset.n_classes)

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


def optuna_side(trials: int) -> dict[str, float]:
    """Optuna's random sampler over the same models, untracked."""
    import keras
    import keras_tuner
    import optuna

    from trialstack.hypermodels.make import make_hypermodel

    experiment, rows = data()
    hypermodel = make_hypermodel(experiment, rows.fit.X, rows.dataset.n_classes)
    search = experiment.search
    space = keras_tuner.HyperParameters()
    hypermodel.build(space)  # names what there is to choose

    def objective(trial: optuna.Trial) -> float:
        keras.backend.clear_session()
        hp = keras_tuner.HyperParameters()
        for each in space.space:
            hp.values[each.name] = suggested(trial, each)
        stopping = keras.callbacks.EarlyStopping("val_auc", mode="max", patience=search.patience)
        history = hypermodel.build(hp).fit(
            rows.fit.X,
            hypermodel.encode_targets(rows.fit.y),
            validation_data=(rows.validation.X, hypermodel.encode_targets(rows.validation.y)),
            epochs=search.epochs,
            batch_size=search.batch_size,
            callbacks=[stopping],
            verbose=0,
        )
        return max(history.history["val_auc"])

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage="sqlite:///optuna.db",
        direction="maximize",
        sampler=optuna.samplers.RandomSampler(seed=search.seed),
    )
    started = time.monotonic()
    study.optimize(objective, n_trials=trials)
    return {"search": time.monotonic() - started, "trials": trials}


def suggested(trial: Any, hyperparameter: Any) -> Any:
    """What Optuna chooses for a hyperparameter of Keras Tuner's."""
    name = hyperparameter.name
    if hasattr(hyperparameter, "values"):
        return trial.suggest_categorical(name, list(hyperparameter.values))
    bounds = hyperparameter.min_value, hyperparameter.max_value
    if isinstance(hyperparameter.min_value, int):
        return trial.suggest_int(name, *bounds, step=hyperparameter.step)
    return trial.suggest_float(name, *bounds, log=hyperparameter.sampling == "log")


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
    "optuna": optuna_side,
    "scikit-learn": sklearn_side,
}


SLOW = ("keras-tuner", "optuna")


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
    parser.add_argument("--trials", type=int, default=100, help="of each search (default: 100)")
    parser.add_argument(
        "--slow-trials", type=int, default=10, help="of Keras Tuner and Optuna (default: 10)"
    )
    parser.add_argument("--repeats", type=int, default=3, help="searches a side (default: 3)")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--save", type=Path, help="file for the figures, as JSON")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(SIDES[options.side](options.trials)))
        return
    sides = [side for side in options.sides if side != "optuna" or is_installed("optuna")]
    asked = {side: options.slow_trials if side in SLOW else options.trials for side in sides}
    runs: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    for _ in range(options.repeats):
        for side in sides:
            runs[side].append(measure(side, asked[side]))
    table = [row(side, runs[side], options.trials / asked[side]) for side in sides]
    report(table, asked, options.trials, options.repeats)
    if options.save:
        figures = {"trials": options.trials, "repeats": options.repeats, "sides": table}
        options.save.write_text(json.dumps(figures, indent=2) + "\n")


def is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def row(side: str, runs: list[dict[str, float]], scale: float) -> dict[str, float | str]:
    """Medians of one side, as if it had been asked for all trials."""
    search = statistics.median(run["search"] for run in runs) * scale
    beside = statistics.median(run["process"] - run["search"] for run in runs)
    return {"side": side, "scale": scale, "search": search, "process": beside + search}


def report(table: list[dict], asked: dict[str, int], trials: int, repeats: int) -> None:
    own = table[0]
    print(f"{trials} trials, medians of {repeats}; ratio = side / {own['side']}")
    titles = ("trials run", "search s", "ratio", "process s", "ratio")
    print(f"{'side':<14}" + "".join(f"{title:>11}" for title in titles))
    for each in table:
        note = "" if each["scale"] == 1 else f"   (scaled from {asked[each['side']]} trials)"
        print(
            f"{each['side']:<14}{asked[each['side']]:>11}{each['search']:>11.1f}"
            f"{each['search'] / own['search']:>11.1f}{each['process']:>11.1f}"
            f"{each['process'] / own['process']:>11.1f}{note}"
        )


if __name__ == "__main__":
    main()
