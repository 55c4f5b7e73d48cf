"""What tracking costs: our one-by-one search, fully tracked, against plain Keras Tuner, untracked.

    python benchmarks/one_by_one.py [--trials 6] [--epochs 20] [--rounds 3]

Both search the space of `experiments/breast_cancer_raw.toml` (widths of two layers, elastic net)
on the same rows; they take turns, and the medians of the seconds a trial are compared. Nothing is
stopped early, so that every trial of either side is as much work.

Plain Keras Tuner 1.4.8 cannot run a single trial beside TensorFlow 2.21: before each it imports
tensorboard, which TensorFlow no longer brings along. Its only change here is that it does not.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trialstack.quiet import load_tensorflow

EXPERIMENT = Path(__file__).parents[1] / "experiments" / "breast_cancer_raw.toml"


def main() -> None:
    parser = argparse.ArgumentParser(description="Our one-by-one search against Keras Tuner's.")
    parser.add_argument("--trials", type=int, default=6, help="trials of a search (default: 6)")
    parser.add_argument("--epochs", type=int, default=20, help="epochs of a trial (default: 20)")
    parser.add_argument("--rounds", type=int, default=3, help="searches a side (default: 3)")
    parser.add_argument("--save", type=Path, help="file for the medians, as JSON")
    options = parser.parse_args()

    load_tensorflow()
    names = sides(options.epochs)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        for name, search in names.items():  # what is done once a process costs neither of them
            search(1, Path(folder, name, "first"))
        for round_number in range(options.rounds):
            for name, search in names.items():
                started = time.perf_counter()
                search(options.trials, Path(folder, name, str(round_number)))
                seconds[name].append((time.perf_counter() - started) / options.trials)
    report(seconds)
    if options.save:
        medians = {name: statistics.median(times) for name, times in seconds.items()}
        options.save.write_text(json.dumps(medians, indent=2) + "\n")


def sides(epochs: int) -> dict[str, Callable[[int, Path], None]]:
    """The two searches by name: each takes the number of trials and a folder of its own."""
    import keras_tuner

    import trialstack
    from trialstack.hypermodels.make import make_hypermodel
    from trialstack.pipeline.data import Data

    class PlainRandomSearch(keras_tuner.RandomSearch):
        """Keras Tuner's own, without its import of tensorboard."""

        def _configure_tensorboard_dir(self, *_: Any) -> None:
            return None

    experiment = trialstack.Experiment.load(EXPERIMENT)
    settings, data = experiment.search, Data.of(experiment)
    hypermodel = make_hypermodel(experiment, data.fit.X, data.dataset.n_classes)
    fit, validation = data.fit, data.validation
    assert validation is not None

    def search(tuner_class: Any, trials: int, folder: Path, **more: Any) -> None:
        tuner = tuner_class(
            hypermodel,
            objective=keras_tuner.Objective(settings.objective, settings.direction),
            max_trials=trials,
            seed=settings.seed,
            directory=folder,
            project_name="search",
            **more,
        )
        tuner.search(
            fit.X,
            hypermodel.encode_targets(fit.y),
            validation_data=(validation.X, hypermodel.encode_targets(validation.y)),
            epochs=epochs,
            batch_size=settings.batch_size,
            verbose=0,
        )

    def plain(trials: int, folder: Path) -> None:
        search(PlainRandomSearch, trials, folder)

    def tracked(trials: int, folder: Path) -> None:
        uri = f"sqlite:///{folder}/mlflow.db"
        search(trialstack.RandomSearch, trials, folder, executor="one-by-one", tracking=uri)

    return {"plain Keras Tuner, untracked": plain, "one-by-one, tracked": tracked}


def report(seconds: dict[str, list[float]]) -> None:
    """Prints both sides and their ratio."""
    print(f"{'seconds a trial':<30} {'median':>6}  rounds")
    for name, times in seconds.items():
        rounds = " ".join(f"{value:.2f}" for value in times)
        print(f"{name:<30} {statistics.median(times):>6.2f}  {rounds}")
    plain, tracked = map(statistics.median, seconds.values())
    print(f"\nplain / tracked = {plain / tracked:.2f} (1 or more: tracking costs nothing)")


if __name__ == "__main__":
    main()
