"""A data set of 200,000 rows and 30 features: a stack of 32 trials against one after the other.

    python benchmarks/many_rows.py [--rows 200000] [--trials 32] [--one-by-one-trials 2]

Each side is a process of its own, so that its peak memory can be told. Trials one after the other
take long, so there are fewer of them; the table scales their time and says so.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from trialstack.quiet import load_tensorflow

FEATURES, EPOCHS, BATCH_SIZE = 30, 3, 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--trials", type=int, default=32)
    parser.add_argument("--one-by-one-trials", type=int, default=2)
    parser.add_argument("--save", type=Path, help="file for the figures, as JSON")
    parser.add_argument("--side", choices=["stacked", "one-by-one"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(search(options.side, options.rows, options.trials)))
        return
    print(f"{options.rows} rows, {FEATURES} features, {EPOCHS} epochs, batches of {BATCH_SIZE}")
    print("side           trials run   s a trial   peak memory MB")
    figures = {"rows": options.rows, "trials": options.trials, "sides": []}
    for side, trials in (("stacked", options.trials), ("one-by-one", options.one_by_one_trials)):
        result = measure(side, options.rows, trials)
        figures["sides"].append({"side": side, "trials": trials} | result)
        print(f"{side:<12}{trials:>13}{result['seconds'] / trials:>12.2f}{result['memory']:>17.0f}")
    if options.save:
        options.save.write_text(json.dumps(figures, indent=2) + "\n")


def measure(side: str, rows: int, trials: int) -> dict[str, float]:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    arguments = ["--side", side, "--rows", str(rows), "--trials", str(trials)]
    with tempfile.TemporaryDirectory() as folder:
        answer = subprocess.run(
            [sys.executable, str(Path(__file__).resolve()), *arguments],
            capture_output=True, text=True, cwd=folder, env=environment, check=False,
        )  # fmt: skip
    if answer.returncode:
        sys.exit(f"{side} failed: {answer.stderr.strip().splitlines()[-1:]}")
    return json.loads(answer.stdout.strip().splitlines()[-1])


def search(executor: str, n_rows: int, trials: int) -> dict[str, float]:
    """Seconds and peak memory (MB) of a search in this process."""
    load_tensorflow()
    import keras
    import keras_tuner
    import numpy as np

    import trialstack

    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, FEATURES)).astype(np.float32)
    y = (X @ rng.normal(size=FEATURES) + rng.normal(size=n_rows) > 0).astype(np.float32)

    def build(hp: keras_tuner.HyperParameters) -> keras.Model:
        l2 = keras.regularizers.L2(hp.Float("l2", 1e-6, 1e-3, sampling="log"))
        layers = [
            keras.layers.Dense(hp.Int(f"units_{k}", 20, 99), "relu", kernel_regularizer=l2)
            for k in (1, 2)
        ]
        output = keras.layers.Dense(1, "sigmoid")
        model = keras.Sequential([keras.Input((FEATURES,)), *layers, output])
        model.compile("adam", "binary_crossentropy", metrics=[keras.metrics.AUC(name="auc")])
        return model

    tuner = trialstack.RandomSearch(
        build,
        objective=keras_tuner.Objective("val_auc", "max"),
        max_trials=trials,
        seed=1,
        executor=executor,
        project_name="many-rows",
    )
    tuner.search(X, y, validation_split=0.1, epochs=EPOCHS, batch_size=BATCH_SIZE, verbose=0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    megabytes = peak / (1024 if sys.platform == "linux" else 1024**2)
    return {"seconds": tuner.seconds, "memory": megabytes}


if __name__ == "__main__":
    main()
