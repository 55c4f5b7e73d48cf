"""Quality on small tables: the default search of `tune --data` against scikit-learn's classifiers.

    python benchmarks/tabular_quality.py --save quality.json            # three hours on two cores
    python benchmarks/tabular_quality.py --sets pima wine --seeds 1 --trials 20

All sides are fitted on the same training rows and scored, once, on the same test rows. What is
finished is kept in the file, so a call that was interrupted goes on where it stopped. Seconds are
those of a process that has imported its libraries; trialstack's are without tracking.

It needs the extra `bench`: the tables are taken out of Python packages.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tabular_sets import SETS, TARGET, table

from trialstack.cores import share_cores
from trialstack.experiment import Experiment
from trialstack.experiment.of_table import experiment_of_table
from trialstack.quiet import load_tensorflow

OWN, BEST_TRIAL = "trialstack", "trialstack, the best trial alone"
SIDES = (
    OWN,
    BEST_TRIAL,
    "LogisticRegression",
    "RandomForest",
    "HistGradientBoosting",
    "HistGradientBoosting, tuned",
    "MLPClassifier, tuned",
)

Cell = dict[str, Any]
"""Of a data set, a seed and a side: these, test AUC, seconds and trials."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=SIDES)
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="settings",
        help="another default of trialstack, which becomes a side of its own",
    )  # fmt: skip
    parser.add_argument("--save", type=Path, help="file for the figures, as JSON")
    parser.add_argument("--fresh", action="store_true", help="do not go on with that file")
    options = parser.parse_args()
    options.sides = [
        ", ".join([side, *options.settings]) if side.startswith(OWN) else side
        for side in options.sides
    ]
    cells = [] if options.fresh else known(options.save)
    for name in options.sets:
        for seed in range(options.seeds):
            for cell in missing(cells, name, seed, options):
                cells.append(cell)
                line = f"{name:<14}{seed:>2}  {cell['side']:<34}{cell['auc']:.4f}"
                print(f"{line}{cell['seconds']:>9.1f} s", file=sys.stderr, flush=True)
                if options.save:
                    options.save.write_text(json.dumps({"cells": cells}, indent=1) + "\n")
    shown = [cell for cell in cells if cell["trials"] in {0, options.trials}]
    print(quality_table(shown, options.sets, options.sides))
    print()
    print(summary_table(shown, options.sets, options.sides))


def known(file: Path | None) -> list[Cell]:
    return json.loads(file.read_text())["cells"] if file is not None and file.exists() else []


def missing(
    cells: Sequence[Cell], name: str, seed: int, options: argparse.Namespace
) -> Iterator[Cell]:
    """The cells of one split that are wanted and not there."""
    done = {
        cell["side"]
        for cell in cells
        if (cell["set"], cell["seed"]) == (name, seed) and cell["trials"] in {0, options.trials}
    }
    wanted = [side for side in options.sides if side not in done]
    if not wanted:
        return
    with tempfile.TemporaryDirectory(prefix="quality-") as folder:
        file = Path(folder, f"{name}.csv")
        table(name).to_csv(file, index=False)
        experiment = default_experiment(file, seed, options.trials, options.settings)
        for side, auc, seconds in scored(file, experiment, wanted):
            trials = options.trials if side.startswith(OWN) else 0
            yield {"set": name, "seed": seed, "side": side, "auc": auc, "seconds": seconds,
                   "trials": trials}  # fmt: skip


def default_experiment(
    file: Path, seed: int, trials: int, settings: Sequence[str] = ()
) -> Experiment:
    """What `trialstack tune --data` makes of a file, with a seed of its own."""
    from trialstack.experiment import parse_setting

    with file.open(encoding="utf-8") as lines:
        rows = sum(1 for _ in lines) - 1
    default = experiment_of_table(str(file), {"target": TARGET}, rows=rows)
    own = {"dataset.seed": seed, "search.seed": seed, "search.max_trials": trials}
    return default.with_settings(own | dict(map(parse_setting, settings)))


def scored(
    file: Path, experiment: Experiment, sides: Sequence[str]
) -> Iterator[tuple[str, float, float]]:
    """Each side with its test AUC and seconds."""
    share_cores(experiment)
    load_tensorflow()
    own = [side for side in sides if side.startswith(OWN)]
    if own:
        yield from own_sides(experiment, own)
    for side in sides:
        if side not in own:
            yield side, *peer_side(file, experiment, side)


def own_sides(experiment: Experiment, sides: Sequence[str]) -> Iterator[tuple[str, float, float]]:
    """The search as the command runs it, without its tracking; then each side's final model."""
    from trialstack.pipeline.data import Data
    from trialstack.pipeline.final import fit_final
    from trialstack.pipeline.fitted import probabilities_of
    from trialstack.pipeline.hypermodel import hypermodel_for
    from trialstack.pipeline.job import Job, Listener
    from trialstack.pipeline.search import quiet_tuner, search_arguments
    from trialstack.searches import OpenSearch
    from trialstack.tracking.off import NullTracker
    from trialstack.tuners.journal import Journal
    from trialstack.tuners.names import TrialNames
    from trialstack.tuners.search_run import SearchRun

    began = time.perf_counter()
    data, trials = Data.of(experiment), experiment.search.max_trials
    hypermodel = hypermodel_for(experiment, data, data.fit)
    with tempfile.TemporaryDirectory(prefix="search-") as name:
        folder = Path(name, "searches", "quality")
        journal, tracker = Journal(folder / "journal.jsonl"), NullTracker()
        run = SearchRun(tracker, experiment.objective, TrialNames.of(hypermodel), folder)
        tuner = quiet_tuner(experiment, hypermodel, journal, run, trials)
        args, kwargs = search_arguments(experiment, data, hypermodel)
        tuner.search(*args, **kwargs)
        searching = time.perf_counter() - began
        for side in sides:
            began = time.perf_counter()
            alone = {"final.ensemble": 0} if side.startswith(BEST_TRIAL) else {}
            search = OpenSearch(folder, journal, trials, False)
            settings = experiment.with_settings(alone)
            job = Job(settings, None, data, search, tracker, None, None, Listener())
            final = fit_final(job, tuner, run.ranking(), drawn=False)
            score = auc(data.test.y, probabilities_of(final.fitted.model, data.test.X))
            yield side, score, searching + time.perf_counter() - began


def peer_side(file: Path, experiment: Experiment, side: str) -> tuple[float, float]:
    """Test AUC and seconds of a classifier of scikit-learn, on the same split."""
    from tabular_peers import PEERS, as_categories

    from trialstack.pipeline.data import Data

    split = Data.of(experiment).split
    frame = as_categories(pd.read_csv(file))
    X, y = frame.drop(columns=TARGET), frame[TARGET].astype("category").cat.codes.to_numpy()
    score = "roc_auc" if len(np.unique(y)) == 2 else "roc_auc_ovr"
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # networks that are stopped before they converge
        estimator = PEERS[side](X, score, experiment.search.seed)
        estimator.fit(X.iloc[split.train], y[split.train])
        probabilities = estimator.predict_proba(X.iloc[split.test])
    return auc(y[split.test], probabilities), time.perf_counter() - began


def quality_table(cells: Sequence[Cell], sets: Sequence[str], sides: Sequence[str]) -> str:
    """Mean test AUC over the seeds: one row a data set, one column a side."""
    means = mean_auc(cells, sets, sides)
    lines = [f"| data set | {' | '.join(sides)} |", "|---|" + "---:|" * len(sides)]
    for name, row in means.iterrows():
        shown = [f"**{auc:.4f}**" if auc == row.max() else f"{auc:.4f}" for auc in row]
        lines.append(f"| {name} | {' | '.join(shown)} |")
    return "\n".join(lines)


def summary_table(cells: Sequence[Cell], sets: Sequence[str], sides: Sequence[str]) -> str:
    """Of each side the average rank, the mean AUC and the median of its seconds."""
    means = mean_auc(cells, sets, sides)
    ranks = means.rank(axis=1, ascending=False).mean()
    frame = pd.DataFrame(cells)
    seconds = frame.groupby("side")["seconds"].median()
    lines = ["| side | average rank | mean test AUC | seconds a data set |", "|---|" + "---:|" * 3]
    lines += [
        f"| {side} | {ranks[side]:.2f} | {means[side].mean():.4f} | {seconds[side]:.1f} |"
        for side in ranks.sort_values().index
    ]
    return "\n".join(lines)


def mean_auc(cells: Sequence[Cell], sets: Sequence[str], sides: Sequence[str]) -> pd.DataFrame:
    """Mean over the seeds, to the four digits that are printed; sets that all sides have."""
    frame = pd.DataFrame(cells).query("set in @sets and side in @sides")
    means = frame.pivot_table(index="set", columns="side", values="auc", aggfunc="mean")
    return means.reindex(index=list(sets), columns=list(sides)).dropna().round(4)


def auc(y: np.ndarray, probabilities: np.ndarray) -> float:
    """Of more than two classes, the mean over classes, each against the rest."""
    from sklearn.metrics import roc_auc_score

    if probabilities.shape[1] == 2:
        return float(roc_auc_score(y, probabilities[:, 1]))
    whole = probabilities / probabilities.sum(axis=1, keepdims=True)
    return float(roc_auc_score(y, whole, multi_class="ovr"))


if __name__ == "__main__":
    main()
