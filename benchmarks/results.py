"""Runs all benchmarks one after the other and writes `RESULTS.md` and its chart.

    python benchmarks/results.py            # about half an hour on two cores
    python benchmarks/results.py --only     # only writes them again, from `figures/*.json`

The machine should do nothing else meanwhile.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from tabular_quality import quality_table, summary_table

HERE = Path(__file__).parent
FIGURES = HERE / "figures"
RUNS = {
    "search_100": ["search_speed.py", "--trials", "100", "--slow-trials", "10", "--repeats", "3"],
    "search_1000": [
        "search_speed.py", "--trials", "1000", "--repeats", "3",
        "--sides", "trialstack", "scikit-learn",
    ],
    "growth": ["growth.py"],
    "machine_rate": ["machine_rate.py"],
    "many_rows": ["many_rows.py"],
    "one_by_one": ["one_by_one.py"],
    "comparing": ["comparing.py"],
}  # fmt: skip

ON_REQUEST = {"tabular_quality": ["tabular_quality.py"]}
"""Runs that take hours: only if they are named; their section is there if their figures are."""

COMPARING = {
    "compare": "`trialstack compare`, s",
    "compare_cpu": "of that CPU, s",
    "report": "`trialstack report`, s",
    "report_cpu": "of that CPU, s",
    "megabytes": "the report's file, MB",
    "report_in_tune": "the report at the end of `tune`, s",
    "report_in_tune_cpu": "of that CPU, s",
    "tune": "the whole of `tune`, s",
    "first_rows": "MLflow's table, first 100 trials, s",
    "all_rows": "MLflow's table, all trials, s",
    "curves": "MLflow's curves of the ten best, s",
}
"""Figure of `comparing.py` -> what the table calls it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="store_true", help="write from the figures that are there")
    parser.add_argument(
        "names", nargs="*", choices=[*RUNS, *ON_REQUEST, []], help="default: all but hours"
    )
    options = parser.parse_args()
    FIGURES.mkdir(exist_ok=True)
    if not options.only:
        for name in options.names or RUNS:
            script, *arguments = (RUNS | ON_REQUEST)[name]
            command = [sys.executable, str(HERE / script), *arguments]
            subprocess.run([*command, "--save", str(FIGURES / f"{name}.json")], check=True)
    files = {name: FIGURES / f"{name}.json" for name in RUNS | ON_REQUEST}
    figures = {name: json.loads(file.read_text()) for name, file in files.items() if file.exists()}
    (HERE / "RESULTS.md").write_text(report(figures), encoding="utf-8")
    draw(figures, HERE / "results.png")


def report(figures: dict[str, Any]) -> str:
    rate, rows = figures["machine_rate"], figures["many_rows"]
    whole = rate["machine_gflop_per_second"]
    share = 100 * rate["gflop_per_second"] / whole
    return f"""# Results

{machine()}

Written by `results.py`; each table comes from one run of the script that it names,
but the quality on small tables, whose fits were made in several runs.

![seconds of a search, and seconds a trial](results.png)

## A search of 100 trials (`search_speed.py`)

{speed_table(figures["search_100"])}

## A search of 1,000 trials (`search_speed.py`)

{speed_table(figures["search_1000"])}

`search` is from the first trial asked to the last result, building and tracing included; `process`
is the whole command from a cold start. Plain Keras Tuner writes each trial into MLflow by MLflow's
own callback; Optuna and scikit-learn track nothing, and scikit-learn has neither L1 nor curves.
trialstack's process also holds a baseline, the final fit, the evaluation and the registered model.

## Growth (`growth.py`)

{growth_table(figures["growth"]["rows"])}

## How close to the machine (`machine_rate.py`)

{rate["trials"]} trials need {rate["gflop"]:.0f} GFLOP without padding and take
{rate["seconds"]:.2f} s from the first start to the last end, at
{rate["gflop_per_second"]:.1f} GFLOP/s: {share:.1f} % of the {whole:.0f} GFLOP/s of a large
matrix product in the same run.

## {rows["rows"]:,} rows (`many_rows.py`)

{rows_table(rows["sides"])}

## One by one (`one_by_one.py`)

{one_by_one_table(figures["one_by_one"])}
{comparing_section(figures["comparing"]["rows"]) if "comparing" in figures else ""}\
{quality_section(figures["tabular_quality"]["cells"]) if "tabular_quality" in figures else ""}"""


def machine() -> str:
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("trialstack", "tensorflow", "keras", "keras-tuner", "mlflow", "scikit-learn")
    )
    return (
        f"Machine: {processor()}, {os.cpu_count()} cores, {memory_gib():.0f} GiB of memory, no "
        f"GPU;\n{platform.system()}, Python {platform.python_version()}, {versions}."
    )


def processor() -> str:
    info = Path("/proc/cpuinfo")
    names = [
        line.partition(":")[2].strip()
        for line in (info.read_text().splitlines() if info.exists() else [])
        if line.startswith("model name")
    ]
    return names[0] if names else platform.processor() or platform.machine()


def memory_gib() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30


def speed_table(figures: dict[str, Any]) -> str:
    own = figures["sides"][0]
    lines = [
        "| side | trials run | search, s | ratio | process, s | ratio |",
        "|---|" + "---:|" * 5,
    ]
    if figures["repeats"] > 1:
        lines = [f"Medians of {figures['repeats']} searches a side.", "", *lines]
    for each in figures["sides"]:
        run = round(figures["trials"] / each["scale"])
        scaled = "" if run == figures["trials"] else " (times scaled)"
        lines.append(
            f"| {each['side']} | {run}{scaled} | {each['search']:.1f} "
            f"| {each['search'] / own['search']:.1f} | {each['process']:.1f} "
            f"| {each['process'] / own['process']:.1f} |"
        )
    return "\n".join(lines)


def growth_table(rows: list[dict[str, float]]) -> str:
    lines = ["| trials | search, s | s a trial | process, s | peak memory, MB |", "|" + "---:|" * 5]
    lines += [
        f"| {row['trials']:,} | {row['search']:.1f} | {row['search'] / row['trials']:.3f} "
        f"| {row['process']:.1f} | {row['memory']:.0f} |"
        for row in rows
    ]
    return "\n".join(lines)


def rows_table(sides: list[dict[str, Any]]) -> str:
    lines = ["| executor | trials run | s a trial | peak memory, MB |", "|---|" + "---:|" * 3]
    lines += [
        f"| {each['side']} | {each['trials']} | {each['seconds'] / each['trials']:.2f} "
        f"| {each['memory']:.0f} |"
        for each in sides
    ]
    return "\n".join(lines)


def one_by_one_table(seconds: dict[str, float]) -> str:
    rows = [f"| {side} | {value:.2f} |" for side, value in seconds.items()]
    return "\n".join(["| side | s a trial |", "|---|---:|", *rows])


def comparing_section(rows: list[dict[str, Any]]) -> str:
    return f"""
## Comparing (`comparing.py`)

{comparing_table(rows)}

Of a real search of `breast_cancer.toml`; commands are from a cold start. The pages are MLflow's, in
a headless Chromium: from the link that `tune` prints to the first hundred rows, to the last row
(`Load more` clicked for each further hundred), and to the learning curves of the ten best.
"""


def comparing_table(rows: list[dict[str, float]]) -> str:
    """One column a search; a page that no browser could be asked for has a dash."""
    lines = [
        "| | " + " | ".join(f"{row['trials']:,} trials" for row in rows) + " |",
        "|---|" + "---:|" * len(rows),
    ]
    for key, name in COMPARING.items():
        cells = [f"{row[key]:.1f}" if key in row else "–" for row in rows]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def quality_section(cells: list[dict[str, Any]]) -> str:
    """Of the splits and sides that were run, which the section says itself."""
    sets = list(dict.fromkeys(cell["set"] for cell in cells))
    sides = list(dict.fromkeys(cell["side"] for cell in cells))
    splits = Counter((cell["set"], cell["side"]) for cell in cells).values()
    trials = sorted({cell["trials"] for cell in cells} - {0})
    timed = sum(cell["seconds"] is not None for cell in cells)
    of_set = f"{min(splits)}" if min(splits) == max(splits) else f"{min(splits)} to {max(splits)}"
    return f"""
## Quality on small tables (`tabular_quality.py`)

{summary_table(cells, sets, sides)}

{len(sets)} tables of at most 3,000 rows, {of_set} random splits of each; the search has
{" and ".join(map(str, trials))} trials. All sides are fitted on the same training rows and scored
on the same test rows (a quarter); the AUC of several classes is the mean over the classes, each
against the rest. Ranks are of the means over the splits. Seconds are without imports and tracking,
of the {timed} of these fits that were timed while little else ran.

{quality_table(cells, sets, sides)}
"""


def draw(figures: dict[str, Any], file: Path) -> None:
    """Seconds of a search on a logarithmic axis, and seconds a trial against their number."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    sides = figures["search_100"]["sides"][::-1]
    bars = left.barh(
        [each["side"] for each in sides],
        [each["search"] for each in sides],
        color=["#1f77b4" if each["side"] == "trialstack" else "#b0b7bf" for each in sides],
    )
    left.bar_label(bars, fmt="%.1f s", padding=4)
    left.set(xscale="log", title="100 trials: seconds of the search", xlabel="seconds")
    left.set_xlim(1, 4 * max(each["search"] for each in sides))
    rows = figures["growth"]["rows"]
    right.plot(
        [row["trials"] for row in rows], [row["search"] / row["trials"] for row in rows], "o-"
    )
    right.set(xscale="log", title="Growth", xlabel="trials", ylabel="seconds a trial")
    right.set_ylim(bottom=0)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=110)


if __name__ == "__main__":
    main()
