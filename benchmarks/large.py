"""The memory of `trialstack tune` on a million rows, beside what the same command takes for few.

    python benchmarks/large.py [--rows 1000000]

Both are whole commands, from a cold start, on the table that `experiments/make_large.py` makes. The
difference of their peaks is compared with the features in single precision.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXPERIMENTS = Path(__file__).parents[1] / "experiments"
FEW = 1000
FEATURES = 30

SMALL_SEARCH = (
    *("--trials", "4", "--epochs", "1", "--set", "search.batch_size=4096"),
    *("--set", "baseline.epochs=1"),
)

TUNE = """
import os, re, sys
from pathlib import Path
from trialstack.cli import run
code = run(sys.argv[1:])
print("peak", re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
sys.stdout.flush()
os._exit(code)
"""


def measure(rows: int) -> tuple[float, float]:
    """Peak of the resident memory in MB, and seconds, of a search of a table of so many rows."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "large.toml").write_text((EXPERIMENTS / "large.toml").read_text())
        make = [EXPERIMENTS / "make_large.py", "--rows", str(rows), "-o", folder / "large.parquet"]
        subprocess.run([sys.executable, *make], check=True, stdout=subprocess.DEVNULL)
        started = time.monotonic()
        tune = [sys.executable, "-c", TUNE, "tune", "large.toml", *SMALL_SEARCH]
        answer = subprocess.run(tune, cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
        return int(answer.stdout.split()[-1]) * 1024 / 1e6, time.monotonic() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="default: %(default)s")
    rows = parser.parse_args().rows
    few, many = measure(FEW), measure(rows)
    matrix = rows * FEATURES * 4 / 1e6
    for count, (peak, seconds) in ((FEW, few), (rows, many)):
        print(f"{count:>9,} rows: {peak:6.0f} MB at the peak, {seconds:6.1f} s")
    print(f"difference: {many[0] - few[0]:.0f} MB, {(many[0] - few[0]) / matrix:.1f} matrices")


if __name__ == "__main__":
    main()
