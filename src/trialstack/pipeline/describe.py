"""What would be done with the data of an experiment; nothing is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from trialstack.datasets.columns import Column
from trialstack.datasets.feature import Feature, count_distinct
from trialstack.experiment import Experiment, ExperimentFile
from trialstack.pipeline.data import Data
from trialstack.pipeline.estimate import Sizes, seconds_of_search

DTYPE = {"numeric": "number", "boolean": "true or false", "categorical": "category"}


@dataclass(frozen=True)
class DescribedColumn:
    """A column, for people.

    Attributes:
        name: As the data has it.
        kind: `number`, `true or false`, `category`, `dropped`, or of those that have a say in the
            splits `group` or `time`.
        missing: Cells without a value; 0 of a column that is no feature by its settings.
        distinct: Different values; as `missing`.
        features: How many inputs of a network are made of it.
        use: What is done with it, in words.
    """

    name: str
    kind: str
    missing: int
    distinct: int
    features: int
    use: str


@dataclass(frozen=True)
class Description:
    """An experiment's data.

    Attributes:
        experiment: Its name.
        source: Where the rows come from.
        target: Column that is predicted.
        rows: How many there are.
        digest: SHA-256 of all rows and the columns.
        columns: All but the target.
        classes: Label -> rows.
        split: Part -> rows: `fit`, `validation` and `test`.
        warnings: One line each.
        seconds: That a search is likely to take, the fewest and the most; None = not known.
    """

    experiment: str
    source: str
    target: str
    rows: int
    digest: str
    columns: tuple[DescribedColumn, ...]
    classes: Mapping[Any, int]
    split: Mapping[str, int]
    warnings: tuple[str, ...]
    seconds: tuple[float, float] | None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "experiment": self.experiment,
            "source": self.source,
            "target": self.target,
            "rows": self.rows,
            "digest": self.digest,
            "columns": [vars(column) for column in self.columns],
            "classes": [{"label": label, "rows": rows} for label, rows in self.classes.items()],
            "split": dict(self.split),
            "warnings": list(self.warnings),
            "seconds": list(self.seconds) if self.seconds else None,
        }


def describe(experiment: ExperimentFile, tell: Callable[[str], None] | None = None) -> Description:
    """Reads, checks and splits the rows of an experiment.

    Args:
        experiment: Its `[dataset]` table is used, and of a search what it takes.
        tell: Takes lines on how far the reading of a long file is.

    Raises:
        InputError: Something about the experiment or its data cannot be used.
    """
    data = Data.of(experiment, tell)
    dataset, split = data.dataset, data.split
    counts = np.bincount(dataset.y, minlength=dataset.n_classes)
    parts = {"fit": split.fit, "validation": split.validation, "test": split.test}
    columns = (*_columns(data), *_beside(experiment))
    seconds = None
    if isinstance(experiment, Experiment):
        sizes = Sizes(
            features=sum(column.features for column in columns),
            numeric=data.n_numeric,
            classes=dataset.n_classes,
            fit_rows=len(split.fit),
            train_rows=len(split.train),
            rows=len(dataset.y),
        )
        seconds = seconds_of_search(experiment, sizes)
    return Description(
        experiment=experiment.name,
        source=dataset.source,
        target=dataset.target_name,
        rows=len(dataset.y),
        digest=data.digest,
        columns=columns,
        classes={label: int(counts[i]) for i, label in enumerate(dataset.classes)},
        split={name: len(rows) for name, rows in parts.items()},
        warnings=data.warnings,
        seconds=seconds,
    )


def _columns(data: Data) -> tuple[DescribedColumn, ...]:
    names, preparation = data.dataset.feature_names, data.preparation
    features = data.features or tuple(
        Feature(name, Column(name), np.empty(0), 0, count_distinct(data.dataset.raw[:, place]))
        for place, name in enumerate(names)
    )
    made = dict(zip(names, preparation.sources, strict=True)) if preparation else {}
    return tuple(_described(feature, len(made.get(feature.name, (0,)))) for feature in features)


def _beside(experiment: ExperimentFile) -> tuple[DescribedColumn, ...]:
    """Columns that a network does not see: of the splits, and those that are not read."""
    settings = experiment.dataset
    uses = {settings.group: ("group", "stays together"), settings.time: ("time", "orders the rows")}
    uses |= dict.fromkeys(settings.drop or (), ("dropped", "named in drop"))
    return tuple(
        DescribedColumn(name, kind, 0, 0, 0, use)
        for name, (kind, use) in uses.items()
        if name is not None
    )


def _described(feature: Feature, made: int) -> DescribedColumn:
    column = feature.column
    kind = DTYPE[column.kind] if column is not None else "dropped"
    return DescribedColumn(
        feature.name,
        kind,
        feature.missing,
        feature.distinct,
        made if column is not None else 0,
        _use(column, feature, made),
    )


def _use(column: Column | None, feature: Feature, made: int) -> str:
    if column is None:
        return feature.dropped
    if column.kind == "categorical":
        return "one-hot"
    fill = "median" if column.kind == "numeric" else "mode"
    return f"gaps: {fill}, and a flag" if feature.missing else "as it is"
