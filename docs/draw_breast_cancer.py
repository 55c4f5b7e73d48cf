"""Runs the breast-cancer searches and draws the pictures of the tutorial's second part.

    python docs/draw_breast_cancer.py

Takes some minutes. Everything runs in a temporary folder; what the text states goes to stdout.

A score of one training depends on its initial weights, so every model that is compared here is
trained from 30 seeds, as a search of 30 trials that differ in nothing else.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from mlflow import MlflowClient
from small_png import save_png

import trialstack
from trialstack.pipeline.data import Data
from trialstack.plots.style import (
    BLUE,
    GREY,
    ORANGE,
    VERMILION,
    figure_png,
    legend_below,
    new_figure,
    style_axes,
)

EXPERIMENTS = Path(__file__).resolve().parents[1] / "experiments"
SEEDS = 30
EPOCHS = 50
PATIENCE = 10
THRESHOLDS = 4000
"""Of Keras' AUC, which is then exact to the fourth digit on 143 rows."""
TUTORIAL = {"naive": 0.9220, "tuned": 0.9463}
LOWEST_SHOWN = 0.85


def main() -> None:
    """Searches, trains from many seeds, draws, and prints."""
    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{folder}/mlflow.db"
        raw = trialstack.Experiment.load(EXPERIMENTS / "breast_cancer_raw.toml")
        scaled = trialstack.Experiment.load(EXPERIMENTS / "breast_cancer.toml")
        of_raw = trialstack.tune(raw, tracking_uri=store)
        of_scaled = trialstack.tune(scaled, tracking_uri=store)
        for result in (of_raw, of_scaled):
            print(result.experiment, result.best, result.baseline, result.final, result.sentence)
        client = MlflowClient(store)
        trials = trialstack.leaderboard(raw.name, tracking_uri=store)
        histories = [history_of(client, run_id) for run_id in trials["run_id"]]
        as_tutorial = [epochs_run(values, lambda new, best: new < best) for values in histories]
        save_png("raw_early_stopping", draw_epochs(trials["epochs_run"].tolist(), as_tutorial))
        last = [values[epochs - 1] for values, epochs in zip(histories, as_tutorial, strict=True)]
        theirs = int(np.argmax(last))
        print("wrong mode: epochs", np.unique(as_tutorial, return_counts=True))
        stopped = trials.assign(epochs=as_tutorial)
        of_tutorial, of_ours = stopped.iloc[theirs].to_dict(), trials.iloc[0].to_dict()
        print("their winner:", stopped.iloc[theirs].to_dict(), last[theirs])
        best = of_scaled.best.hyperparameters
        models = {
            "naive, raw inputs": [{}],
            "a random trial, as they stopped": stopped.sample(SEEDS, random_state=0).to_dict(
                "records"
            ),
            "their winner, as they stopped": [of_tutorial],
            "the winner, stopped rightly": [of_ours | {"epochs": of_ours["epochs_run"]}],
            "naive, standardised": [{"standardize": True}],
            "the winner, standardised": [
                {**best, "epochs": of_scaled.best.epochs, "standardize": True}
            ],
        }
        data = Data.of(raw)
        aucs = {
            name: test_aucs(settings, data, store, f"seeds-{number}", folder)
            for number, (name, settings) in enumerate(models.items())
        }
    for name, values in aucs.items():
        print(f"{name}: {np.min(values):.4f} {np.median(values):.4f} {np.max(values):.4f}")
    save_png("breast_cancer_seeds", draw_aucs(aucs))


def history_of(client: MlflowClient, run_id: str) -> list[float]:
    """Validation AUC of every epoch of a trial."""
    return [point.value for point in client.get_metric_history(run_id, "val_auc")]


def epochs_run(values: Sequence[float], better: Callable[[float, float], bool]) -> int:
    """Epochs after which early stopping ends a training, given what counts as better."""
    best, waited = values[0], 0
    for epoch, value in enumerate(values[1:], start=2):
        best, waited = (value, 0) if better(value, best) else (best, waited + 1)
        if waited == PATIENCE:
            return epoch
    return len(values)


def test_aucs(
    settings: Sequence[Mapping[str, Any]], data: Data, store: str, name: str, folder: str
) -> list[float]:
    """Test AUCs of models fitted on all training rows, from 30 seeds.

    Args:
        settings: Of one model, which every seed has, or of one for each seed.
        data: The rows; the test rows take the place of validation rows.
        store: Where the runs go.
        name: Of their experiment.
        folder: Of the search.
    """
    train, test = data.train, data.test
    assert test is not None

    def build(hp: Any) -> keras.Model:
        own = settings[hp.Int("seed", 0, SEEDS - 1) % len(settings)]
        return network(own, train.X)

    tuner = trialstack.RandomSearch(
        build,
        objective="val_auc",
        max_trials=SEEDS,
        directory=folder,
        project_name=name,
        tracking=store,
        seed=1,
    )
    tuner.search(
        train.X, train.y, validation_data=(test.X, test.y), epochs=EPOCHS, batch_size=96, verbose=0
    )
    client, trials = MlflowClient(store), trialstack.leaderboard(name, tracking_uri=store)
    return [
        history_of(client, run_id)[int(settings[seed % len(settings)].get("epochs", EPOCHS)) - 1]
        for run_id, seed in zip(trials["run_id"], trials["seed"], strict=True)
    ]


def network(settings: Mapping[str, Any], X: Any) -> keras.Model:
    """Two hidden layers and an elastic net, as both tutorial and searches have them."""
    penalty = {
        f"{part}_regularizer": keras.regularizers.L1L2(settings.get("l1", 0), settings.get("l2", 0))
        for part in ("kernel", "bias")
    }
    layers: list[Any] = [keras.Input((X.shape[1],))]
    if settings.get("standardize"):
        layers.append(keras.layers.Normalization(mean=X.mean(0), variance=X.var(0)))
    widths = [int(settings.get(name, 100)) for name in ("units_1", "units_2")]
    layers += [keras.layers.Dense(width, "relu", **penalty) for width in widths]
    layers.append(keras.layers.Dense(1, "sigmoid", **penalty))
    model = keras.Sequential(layers)
    optimizer = keras.optimizers.Adam(settings.get("learning_rate", 0.001))
    auc = keras.metrics.AUC(num_thresholds=THRESHOLDS, name="auc")
    model.compile(optimizer, "binary_crossentropy", metrics=[auc])
    return model


def draw_epochs(right: Sequence[int], wrong: Sequence[int]) -> bytes:
    """How many trials were stopped after how many epochs, by either rule."""
    figure = new_figure(7.2, 3.6)
    axes = figure.subplots()
    bins = np.arange(PATIENCE + 0.5, EPOCHS + 1)
    axes.hist(wrong, bins, color=VERMILION, alpha=0.75, label="a lower AUC counts as better")
    axes.hist(right, bins, color=BLUE, alpha=0.75, label="a higher AUC counts as better")
    style_axes(
        axes,
        title="When 100 trials stop",
        subtitle="the same trainings under either rule, with a patience of 10 epochs",
        x="epochs run",
        y="trials",
    )
    axes.legend(frameon=False, fontsize=9.5)
    return figure_png(figure)


def draw_aucs(aucs: Mapping[str, Sequence[float]]) -> bytes:
    """Test AUCs of 30 seeds a model, one line of dots each, with medians."""
    from matplotlib.lines import Line2D

    beyond = sum(value < LOWEST_SHOWN for values in aucs.values() for value in values)
    figure = new_figure(7.6, 4.4)
    axes = figure.subplots()
    shift = np.random.default_rng(0)
    for place, values in enumerate(aucs.values()):
        heights = place + shift.uniform(-0.22, 0.22, len(values))
        axes.plot(values, heights, "o", ms=4.5, color=BLUE, alpha=0.55, mec="none")
        axes.plot([np.median(values)] * 2, [place - 0.34, place + 0.34], color="black", lw=2)
    for value in TUTORIAL.values():
        axes.axvline(value, color=ORANGE, ls="--", lw=1.4)
    axes.set_yticks(range(len(aucs)), list(aucs))
    axes.invert_yaxis()
    style_axes(
        axes,
        title="Test AUC from 30 seeds",
        subtitle=f"143 test rows; {beyond} seeds below {LOWEST_SHOWN} are left of the picture",
        x="area under the ROC curve",
    )
    axes.tick_params(axis="y", labelcolor="black", left=False)
    axes.spines["left"].set_color(GREY)
    axes.set_xlim(LOWEST_SHOWN, 1.002)
    entries = [
        (Line2D([], [], ls="", marker="o", color=BLUE, alpha=0.55), "one seed"),
        (Line2D([], [], color="black", lw=2), "median"),
        (Line2D([], [], color=ORANGE, ls="--"), "printed by the tutorial: 0.9220, 0.9463"),
    ]
    legend_below(figure, entries, columns=3)
    return figure_png(figure)


if __name__ == "__main__":
    main()
