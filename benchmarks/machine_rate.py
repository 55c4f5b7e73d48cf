"""How close a stack comes to the machine: needed operations a second against a matrix product's.

    python benchmarks/machine_rate.py [--trials 100]

Counted are the multiplications and additions of the Dense layers of every trial at its own width,
for the rows and epochs that it trained (forward, gradient of weights, gradient of inputs but in
the first layer) and validated. Padding, activations, penalties, the optimizer and metrics are not
counted: they are part of what is lost. The time is that from the first trial's start to the last
trial's end, tracing included.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from pathlib import Path

from trialstack.quiet import load_tensorflow

EXPERIMENT = Path(__file__).parents[1] / "experiments" / "breast_cancer_raw.toml"
SIZE = 4096  # of the matrices whose product is the machine's rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--save", type=Path, help="file for the figures, as JSON")
    options = parser.parse_args()
    load_tensorflow()
    machine = machine_rate()
    operations, seconds = train(options.trials)
    rate = operations / seconds / 1e9
    print(f"{options.trials} trials: {operations / 1e9:.1f} GFLOP needed in {seconds:.2f} s")
    print(f"{rate:.1f} GFLOP/s, {100 * rate / machine:.1f} % of a matrix product's {machine:.0f}")
    if options.save:
        figures = {"trials": options.trials, "gflop": operations / 1e9, "seconds": seconds}
        figures |= {"gflop_per_second": rate, "machine_gflop_per_second": machine}
        options.save.write_text(json.dumps(figures, indent=2) + "\n")


def machine_rate() -> float:
    """GFLOP/s of a large float32 matrix product, the best of five."""
    import tensorflow as tf

    a = tf.random.normal((SIZE, SIZE))
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        tf.linalg.matmul(a, a).numpy()
        best = min(best, time.perf_counter() - started)
    return 2 * SIZE**3 / best / 1e9


def train(trials: int) -> tuple[float, float]:
    """Floating-point operations that the trials needed, and the seconds that it took."""
    import keras
    import keras_tuner

    import trialstack
    from trialstack.experiment import Experiment
    from trialstack.hypermodels.make import make_hypermodel
    from trialstack.hypermodels.space import widths
    from trialstack.pipeline.data import Data

    experiment = Experiment.load(EXPERIMENT)
    search = experiment.search
    rows = Data.of(experiment)
    hypermodel = make_hypermodel(experiment, rows.fit.X, rows.dataset.n_classes)
    encode = hypermodel.encode_targets
    with tempfile.TemporaryDirectory() as folder:
        tuner = trialstack.RandomSearch(
            hypermodel,
            objective=keras_tuner.Objective(search.objective, search.direction),
            max_trials=trials,
            seed=search.seed,
            directory=folder,
            project_name="rate",
            tracking=None,
        )
        tuner.search(
            rows.fit.X,
            encode(rows.fit.y),
            validation_data=(rows.validation.X, encode(rows.validation.y)),
            epochs=search.epochs,
            batch_size=search.batch_size,
            callbacks=[
                keras.callbacks.EarlyStopping("val_auc", mode="max", patience=search.patience)
            ],
            verbose=0,
        )
        entries = list(tuner.journal.of("started", "finished"))
    seconds = max(e["time"] for e in entries) - min(e["time"] for e in entries)
    operations = 0.0
    for entry in entries:
        if entry["event"] != "finished":
            continue
        units = widths(entry["values"], experiment.hypermodel)
        weights = [a * b for a, b in itertools.pairwise([rows.fit.X.shape[1], *units, 1])]
        epochs = len(entry["history"]["loss"])
        trained = len(rows.fit.y) * (6 * sum(weights) - 2 * weights[0])
        operations += epochs * (trained + len(rows.validation.y) * 2 * sum(weights))
    return operations, seconds


if __name__ == "__main__":
    main()
