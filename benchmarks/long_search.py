"""What a long search holds: memory, open files, threads and bytes on the disk, trial by trial.

    python benchmarks/long_search.py [--trials 300] [--executor one-by-one]

Prints a line at a tenth of the trials and at the end, and how much the one is above the other.
Every trial is trained by `model.fit` and is a run in a store of its own.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


class Held(NamedTuple):
    """What a process holds at one moment."""

    memory: float  # MiB, resident
    files: int
    threads: int  # of Python
    disk: float  # KiB of the search's folder, but for its journal
    journal: float  # KiB


def held(folder: Path) -> Held:
    """What this process holds now, and its search in a folder."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (memory,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    sizes = {path: path.stat().st_size / 1024 for path in folder.rglob("*") if path.is_file()}
    journal = sum(size for path, size in sizes.items() if path.name == "journal.jsonl")
    files = len(list(Path("/proc/self/fd").iterdir()))
    disk = sum(sizes.values()) - journal
    return Held(int(memory) / 1024, files, threading.active_count(), disk, journal)


def measure(trials: int, executor: str, folder: Path) -> tuple[Held, Held]:
    """What is held after a tenth of the trials, and after all."""
    import keras
    import keras_tuner
    import numpy as np

    import trialstack

    def build(hp: Any) -> Any:
        units = hp.Int("units", 4, 64)
        rate = hp.Float("rate", 1e-3, 1e-1, sampling="log")
        layers = [keras.Input((2,)), keras.layers.Dense(units, activation="relu")]
        model = keras.Sequential([*layers, keras.layers.Dense(1, activation="sigmoid")])
        model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
        return model

    seen: list[Held] = []

    class Watched(trialstack.RandomSearch):
        def on_trial_end(self, trial: Any) -> None:
            super().on_trial_end(trial)
            done = len(self.oracle.end_order)
            if done % max(trials // 10, 1) == 0:
                seen.append(held(Path(self.project_dir)))
                now = seen[-1]
                print(
                    f"{done:5} trials: {now.memory:7.1f} MiB, {now.files} files, "
                    f"{now.threads} threads, {now.disk:.0f} KiB beside a journal of "
                    f"{now.journal:.0f} KiB",
                    flush=True,
                )

    X = np.random.default_rng(0).normal(size=(60, 2)).astype("float32")
    tuner = Watched(
        build,
        keras_tuner.Objective("val_accuracy", "max"),
        max_trials=trials,
        seed=1,
        executor=executor,
        tracking=f"sqlite:///{folder}/mlruns/mlflow.db",
        directory=str(folder),
        project_name="long",
    )
    y = (X.sum(axis=1) > 0).astype(int)
    tuner.search(X, y, validation_split=0.25, epochs=2, batch_size=32, verbose=0)
    return seen[0], seen[-1]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--executor", default="one-by-one")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        first, last = measure(arguments.trials, arguments.executor, Path(folder))
    growth = last.memory / first.memory - 1
    print(
        f"memory {growth:+.1%}, files {last.files - first.files:+}, "
        f"threads {last.threads - first.threads:+}"
    )


if __name__ == "__main__":
    main()
