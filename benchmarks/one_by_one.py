"""What tracking costs: our one-by-one search, fully tracked, against plain Keras Tuner, untracked.

    python benchmarks/one_by_one.py [--trials 6] [--rounds 3]

Both search the space of `experiments/breast_cancer_raw.toml` (widths of two layers, elastic net)
on the same rows with the same seeds, epochs and early stopping; they take turns, and the medians
of the seconds a trial are compared. A trial that is stopped early is cheap, so the numbers of
epochs are printed too.

Plain Keras Tuner 1.4.8 cannot run a single trial beside TensorFlow 2.21: before each it imports
tensorboard, which TensorFlow no longer brings along. Its only change here is that it does not.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trialstack.quiet import load_tensorflow

EXPERIMENT = Path(__file__).parents[1] / "experiments" / "breast_cancer_raw.toml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--trials", type=int, default=6, help="trials of a search (default: 6)")
    parser.add_argument("--rounds", type=int, default=3, help="searches a side (default: 3)")
    options = parser.parse_args()

    load_tensorflow()
    plain, tracked = sides()
    names = {"plain Keras Tuner, untracked": plain, "one-by-one, tracked": tracked}
    with tempfile.TemporaryDirectory() as folder:
        for side in names.values():  # what is done once a process costs neither of them
            side(1, Path(folder, f"first-{id(side)}"))
        seconds: dict[str, list[float]] = {name: [] for name in names}
        epochs: dict[str, list[int]] = {name: [] for name in names}
        for round_number in range(options.rounds):
            for number, (name, side) in enumerate(names.items()):
                started = time.perf_counter()
                ran = side(options.trials, Path(folder, f"{round_number}-{number}"))
                seconds[name].append((time.perf_counter() - started) / options.trials)
                epochs[name].append(ran)
    report(options.trials, seconds, epochs)


def sides() -> tuple[Callable[[int, Path], int], Callable[[int, Path], int]]:
    """The two searches: each takes the number of trials and a folder, and returns its epochs."""
    import keras
    import keras_tuner

    import trialstack
    from trialstack.hypermodels.make import make_hypermodel
    from trialstack.pipeline.data import Data

    class PlainRandomSearch(keras_tuner.RandomSearch):
        """Keras Tuner's own, without its import of tensorboard."""

        def _configure_tensorboard_dir(self, *_: Any) -> None:
            return None

    experiment = trialstack.Experiment.load(EXPERIMENT)
    search, data = experiment.search, Data.of(experiment)
    hypermodel = make_hypermodel(experiment, data.dataset, data.fit.X)
    fit, validation = data.fit, data.validation
    assert validation is not None

    class CountEpochs(keras.callbacks.Callback):
        """Counts the epochs of all trials."""

        total = 0

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            CountEpochs.total += 1

    def run(tuner_class: Any, trials: int, folder: Path, **more: Any) -> int:
        CountEpochs.total = 0
        tuner = tuner_class(
            hypermodel,
            objective=keras_tuner.Objective(search.objective, search.direction),
            max_trials=trials,
            seed=search.seed,
            directory=folder,
            project_name="search",
            **more,
        )
        tuner.search(
            fit.X,
            hypermodel.encode_targets(fit.y),
            validation_data=(validation.X, hypermodel.encode_targets(validation.y)),
            epochs=search.epochs,
            batch_size=search.batch_size,
            callbacks=[
                keras.callbacks.EarlyStopping(
                    search.objective,
                    mode=search.direction,
                    patience=search.patience,
                    restore_best_weights=True,
                ),
                CountEpochs(),
            ],
            verbose=0,
        )
        return CountEpochs.total

    def plain(trials: int, folder: Path) -> int:
        return run(PlainRandomSearch, trials, folder)

    def tracked(trials: int, folder: Path) -> int:
        uri = f"sqlite:///{folder}/mlflow.db"
        return run(trialstack.RandomSearch, trials, folder, executor="one-by-one", tracking=uri)

    return plain, tracked


def report(trials: int, seconds: dict[str, list[float]], epochs: dict[str, list[int]]) -> None:
    """Prints both sides and their ratio."""
    print(f"\n{'':<30} {'s a trial':>9}  {'epochs a trial':>14}  {'ms an epoch':>11}  rounds")
    medians = []
    for name, times in seconds.items():
        median = statistics.median(times)
        ran = statistics.median(epochs[name]) / trials
        rounds = " ".join(f"{value:.2f}" for value in times)
        print(f"{name:<30} {median:>9.2f}  {ran:>14.1f}  {1000 * median / ran:>11.1f}  {rounds}")
        medians.append(median)
    print(f"\nplain / tracked = {medians[0] / medians[1]:.2f} (above 1: tracking costs nothing)")


if __name__ == "__main__":
    main()
