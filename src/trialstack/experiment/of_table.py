"""The experiment that is meant when a person gives a table and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trialstack.experiment.experiment import Experiment

LONGEST_NAME = 60

SIZES = ((2_000, 32, 100, 2, 20), (20_000, 128, 100, 2, 20), (200_000, 512, 50, 3, 10))
"""Up to so many rows: batch size, trials, most hidden layers, members of the final model.

Trials of different depth train in stacks of their own, so a third layer costs time; on few rows
trials with one have had the lower validation scores. Few validation rows tell good trials from
lucky ones badly: on other rows a mean of twenty has scored higher than one of ten, and no lower
where there were no more than twenty trials. Of many rows each member takes its time.
"""
LARGE = 2048, 20, 3, 10
"""The same of more rows."""

COMMENTS = {
    "dataset": "paths are relative to this file",
    "dataset.test_size": "sealed until the final model is evaluated on these rows, once",
    "dataset.validation_size": "of the training rows; trials are judged by these",
    "hypermodel": "scalar = fixed, list = choice, { min, max } = range",
    "hypermodel.units": "inclusive range of a hidden layer's width",
    "hypermodel.layers": "inclusive range of the number of hidden layers",
    "hypermodel.encoding": "what is made of numbers, inside the model",
    "baseline": "what the winner is compared with on the test rows",
    "search.patience": "epochs without a better objective, then a trial stops",
    "final.ensemble": "the final model is the mean of so many of the best trials",
}


def experiment_of_table(
    source: str, dataset: Mapping[str, Any], *, rows: int, name: str | None = None
) -> Experiment:
    """An experiment on a file, with a search space that does well on most tables.

    Args:
        source: Path of the file, from the current directory.
        dataset: Further keys of its `[dataset]` table, `target` among them.
        rows: About how many rows the file has: long tables take larger batches and fewer trials.
        name: Of the experiment; by default made of the file's.

    Raises:
        ExperimentError: A key cannot be as it was given.

    Example:
        >>> experiment = experiment_of_table("data/My rows.csv", {"target": "churned"}, rows=900)
        >>> experiment.name, experiment.dataset.target, experiment.search.max_trials
        ('My-rows', 'churned', 100)
    """
    sizes = (size for most, *size in SIZES if rows <= most)
    batch_size, trials, layers, members = next(sizes, LARGE)
    tables = {
        "name": name if name is not None else name_of_file(source),
        "dataset": {
            "source": source,
            **dataset,
            **({} if "test_source" in dataset else {"test_size": 0.25}),
            "validation_size": 0.25,
            "seed": 42,
        },
        "hypermodel": {
            "type": "mlp",
            "units": [[16, 128]],
            "layers": [1, layers],
            "dropout": [0.0, 0.1, 0.3],
            "l2": [0.0, 1e-5, 1e-4, 1e-3],
            "learning_rate": {"min": 5e-4, "max": 2e-2, "sampling": "log"},
            "encoding": ["standard", "robust", "quantile", "ple"],
        },
        "baseline": {"units": [100, 100], "epochs": 20, "standardize": True},
        "search": {
            "algorithm": "random",
            "max_trials": trials,
            "objective": "val_auc",
            "epochs": 50,
            "batch_size": batch_size,
            "patience": 10,
            "seed": 42,
        },
        "final": {"ensemble": members},
    }
    return Experiment.from_dict(tables, "command line", Path.cwd())


def name_of_file(source: str) -> str:
    """A name for an experiment on a file.

    >>> name_of_file("../data/Customers 2025 (new).csv.gz"), name_of_file("..csv")
    ('Customers-2025-new', 'table')
    """
    stem = re.sub(r"(?i)\.(csv|csv\.gz|parquet)$", "", Path(source).name)
    safe = re.sub(r"\.{2,}|[^\w.-]+", "-", stem)
    return re.sub(r"^[\W_]+|[\W_]+$", "", safe[:LONGEST_NAME]) or "table"
