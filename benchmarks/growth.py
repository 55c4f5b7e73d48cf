"""Seconds a trial, from 10 trials to 3,000: they must not rise with their number.

    python benchmarks/growth.py [--trials 10 30 100 300 1000 3000] [--repeats 1]

Every search is a whole `trialstack tune` of `experiments/breast_cancer_raw.toml` from a cold start,
tracked, plotted and registered. `search` is from the first trial asked to the last result; the
rest is start-up, baseline, final fit, registration and what tracking still had to write.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXPERIMENT = Path(__file__).parents[1] / "experiments" / "breast_cancer_raw.toml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, nargs="+", default=[10, 30, 100, 300, 1000, 3000])
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--save", type=Path, help="file for the figures, as JSON")
    options = parser.parse_args()
    print("  trials   search s   s a trial   process s   peak memory MB")
    rows = []
    for trials in options.trials:
        runs = [measure(trials) for _ in range(options.repeats)]
        row = {"trials": trials} | {
            key: statistics.median(run[key] for run in runs) for key in runs[0]
        }
        rows.append(row)
        print(
            f"{trials:>8}{row['search']:>11.1f}{row['search'] / trials:>12.4f}"
            f"{row['process']:>12.1f}{row['memory']:>17.0f}",
            flush=True,
        )
    if options.save:
        options.save.write_text(json.dumps({"rows": rows}, indent=2) + "\n")


def measure(trials: int) -> dict[str, float]:
    """One search in a process and a folder of its own."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    command = ["tune", str(EXPERIMENT), "--trials", str(trials), "--json"]
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        with subprocess.Popen(
            [sys.executable, "-m", "trialstack", *command],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            assert process.stdout is not None
            out = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - started
        if process.returncode:
            sys.exit(f"{trials} trials: exit code {process.returncode}")
        search = json.loads(out)["seconds"]["search"]
    return {"search": search, "process": seconds, "memory": peak_megabytes(usage)}


def peak_megabytes(usage: resource.struct_rusage) -> float:
    # Kilobytes on Linux, bytes on macOS.
    return usage.ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)


if __name__ == "__main__":
    main()
