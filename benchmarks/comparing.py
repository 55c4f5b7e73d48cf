"""What comparing costs: `compare`, `report` and MLflow's pages of a search of 100 and 1,000 trials.

    python benchmarks/comparing.py [--trials 100 1000] [--repeats 3]

Each search is a whole `trialstack tune` of `experiments/breast_cancer.toml`; how long the report
kept it at its end is measured within it. Then `compare` and `report` run as commands from a cold
start, medians of the repeats; their CPU seconds stand beside them, as other work on the machine
stretches the others. MLflow's pages are opened in a headless Chromium on the UI that `trialstack
ui` starts, where there is Chromium and Playwright: from the click on the printed link to the first
hundred rows, to the last row (MLflow gives a hundred more for each `Load more`), and to the curves
of the ten best.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
EXPERIMENT = ROOT / "experiments" / "breast_cancer.toml"
NAME = "breast-cancer"
PAGE_OF_ROWS = 100

# `trialstack` with a clock around the report at the end of `tune`; its seconds go to a file.
TIMED = """
import sys, time
from pathlib import Path
from trialstack.cli import run
from trialstack.pipeline import provenance

log_report = provenance.log_report

def timed(job):
    job.tracker.flush()  # what is still to be written is no work of the report
    wall, cpu = time.perf_counter(), time.process_time()
    log_report(job)
    seconds = time.perf_counter() - wall, time.process_time() - cpu
    Path("report_seconds.txt").write_text(" ".join(map(str, seconds)))

provenance.log_report = timed
sys.exit(run(sys.argv[1:]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--save", type=Path, help="file for the figures, as JSON")
    options = parser.parse_args()
    rows = []
    for trials in options.trials:
        with tempfile.TemporaryDirectory() as folder:
            row = {"trials": trials, **measure(trials, options.repeats, Path(folder))}
        rows.append(row)
        print(f"{trials} trials")
        for name, value in row.items():
            print(f"  {name:<22}{value:>10.2f}", flush=True)
    if options.save:
        options.save.write_text(json.dumps({"rows": rows}, indent=2) + "\n")


def measure(trials: int, repeats: int, folder: Path) -> dict[str, float]:
    """One search in a store of its own, and everything that looks at it."""
    command = ["tune", str(EXPERIMENT), "--trials", str(trials)]
    out, tune, _ = timed(["-c", TIMED, *command], folder)
    wall, cpu = map(float, (folder / "report_seconds.txt").read_text().split())
    found = {"tune": tune, "report_in_tune": wall, "report_in_tune_cpu": cpu}
    for name, more in {"compare": [], "report": ["-o", "report.html"]}.items():
        runs = [timed(["-m", "trialstack", name, NAME, *more], folder)[1:] for _ in range(repeats)]
        found[name], found[f"{name}_cpu"] = map(statistics.median, zip(*runs, strict=True))
    found["megabytes"] = (folder / "report.html").stat().st_size / 1e6
    return found | pages(trials, folder, out)


def timed(arguments: list[str], folder: Path) -> tuple[str, float, float]:
    """What a command prints, its seconds, and its CPU seconds."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    before, started = used(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        sys.exit(f"{' '.join(arguments[-4:])}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout, seconds, used() - before


def used() -> float:
    """CPU seconds of all processes that have ended so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def pages(trials: int, folder: Path, printed: str) -> dict[str, float]:
    """Seconds until MLflow shows the trials, and the curves of the ten best.

    Returns:
        Empty where there is no browser.
    """
    sys.path.append(str(ROOT / "tests" / "browser"))
    from mlflow_pages import Browser, find_chromium
    from shown_store import Shown, served

    executable = find_chromium()
    if executable is None or importlib.util.find_spec("playwright") is None:
        return {}
    from playwright.sync_api import sync_playwright

    links = dict(re.findall(r"^  (\S+): +(http://\S+)$", printed, re.MULTILINE))
    store = Shown(f"sqlite:///{folder}/mlruns/mlflow.db", {NAME: links, "": {}})
    with served(store) as shown, sync_playwright() as playwright:
        browser = Browser(playwright, executable)
        browser.open(shown.link(NAME, "search"))  # what is loaded once is no matter of a page
        browser.page.get_by_text("Show more").wait_for()
        started = time.perf_counter()
        browser.open(shown.link(NAME, "trials"))
        first = until_rows(browser, min(trials, PAGE_OF_ROWS)) - started
        for shown_rows in range(2 * PAGE_OF_ROWS, trials + 1, PAGE_OF_ROWS):
            # The button is the table's last row, which is there only when one has come to it.
            table = browser.page.locator(".ag-body-viewport").first
            table.evaluate("element => element.scrollTop = element.scrollHeight")
            browser.page.get_by_role("button", name="Load more").click()
            until_rows(browser, shown_rows)
        whole = time.perf_counter() - started
        started = time.perf_counter()
        browser.open(shown.link(NAME, "curves"))
        for card in browser.cards(4).values():
            browser.lines(card, count=min(trials, 10))
        curves = time.perf_counter() - started
        browser.close()
    return {"first_rows": first, "all_rows": whole, "curves": curves}


def until_rows(browser: Any, count: int) -> float:
    """When the table has so many rows."""
    browser.page.get_by_text(f"{count} matching runs").wait_for()
    browser.page.locator(".ag-center-cols-container .ag-row").first.wait_for()
    return time.perf_counter()


if __name__ == "__main__":
    main()
