"""The rows of an experiment, who sees which, and what they are known by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from trialstack.datasets.base import Dataset, Layout
from trialstack.datasets.chosen_rows import ChosenRows, as_slice, rows_of
from trialstack.datasets.columns import Table
from trialstack.datasets.feature import Feature
from trialstack.datasets.fingerprint import rows_digest
from trialstack.datasets.read import read_dataset
from trialstack.datasets.split import Split
from trialstack.experiment import ExperimentFile
from trialstack.pipeline.telling import telling
from trialstack.preprocessing.fit import fit_preparation
from trialstack.preprocessing.prepared import Preparation
from trialstack.tracking.base import DatasetRecord

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Rows:
    """Features and class indices of some rows.

    Attributes:
        X: What a network takes, shape `(rows, features)`; see `Data.train` for what is no array.
        y: Shape `(rows,)`.
        raw: The same rows as the data set has them, shape `(rows, columns)`; None = they are `X`.
        first_is_positive: Whether, of two classes, the first is the one that scores such as F1
            are about, as the second one is in general.
    """

    X: NDArray[np.float32] | ChosenRows
    y: NDArray[np.int64]
    raw: NDArray[np.float32] | ChosenRows | None = None
    first_is_positive: bool = False

    @property
    def known_by(self) -> NDArray[np.float32] | ChosenRows:
        """What a row is recognised by, whatever was made of it for a network."""
        return self.X if self.raw is None else self.raw

    @property
    def scored_y(self) -> NDArray[np.int64]:
        """The classes with the positive one last, as scores and curves take them."""
        return 1 - self.y if self.first_is_positive else self.y

    def scored(self, by_class: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities with the positive class last, shape `(rows, classes)`."""
        return by_class[:, ::-1] if self.first_is_positive else by_class

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class Data:
    """A data set, split.

    Attributes:
        dataset: All rows.
        split: Which rows are for what.
        digest: Of all rows and the column schema.
        test_digest: Of the test rows.
        warnings: What the checks found, one line each.
        facts: Of a file, what tells two versions of it apart; see `ReadDataset`.
        features: Of a file, what becomes of each column.
    """

    dataset: Dataset
    split: Split
    digest: str
    test_digest: str
    warnings: tuple[str, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    features: tuple[Feature, ...] = ()

    @classmethod
    def of(cls, experiment: ExperimentFile, tell: Callable[[str], None] | None = None) -> Data:
        """Reads, checks and splits.

        Args:
            experiment: Its `[dataset]` table is used.
            tell: Takes lines on how far the reading of a long file is.

        Raises:
            DataError: The rows cannot be used as they are.
        """
        settings = experiment.dataset
        read = read_dataset(
            settings,
            experiment.folder,
            experiment.where,
            experiment.place_of,
            telling(
                tell or (lambda line: None),
                f"reading {settings.source}",
                then="checking and splitting the rows",
            ),
        )
        dataset, test = read.dataset, read.split.test
        return cls(
            dataset,
            read.split,
            read.digest,
            rows_digest(dataset.X[test], dataset.y[test]),
            read.warnings,
            read.facts,
            read.features,
        )

    def laid_out(self) -> Data:
        """The same data, its rows in the order fit, validation, test.

        Each of these is then a view of one matrix, where indices in any order would make copies:
        what a large table has no memory for.

        Example:
            >>> tables = {"name": "flowers", "dataset": {"source": "iris"}}
            >>> data = Data.of(ExperimentFile.from_dict(tables))
            >>> moved = data.laid_out()
            >>> moved.fit.X.base is moved.X, bool((moved.fit.X == data.fit.X).all())
            (True, True)
        """
        dataset, split = self.dataset, self.split
        order = np.concatenate([split.fit, split.validation, split.test])
        place = np.empty(len(dataset.y), np.int64)
        place[order] = np.arange(len(order))
        X = dataset.X[order]
        moved = replace(
            dataset,
            X=X,
            y=dataset.y[order],
            raw=X if dataset.raw is dataset.X else dataset.raw[order],
            table=dataset.table.in_order(order) if dataset.table else None,
            layout=Layout(),
        )
        parts = (split.fit, split.validation, split.test, split.train)
        return replace(self, dataset=moved, split=Split(*(place[rows] for rows in parts)))

    @cached_property
    def preparation(self) -> Preparation | None:
        """How columns become features, learned from the training rows; None = they are features.

        One for all models of the experiment. The rows that trials are judged by have a part in
        medians and in the choice of categories, never in the target; what scales numbers, each
        model learns from its own rows.
        """
        table = self.dataset.table
        return fit_preparation(table.schema, table.rows(self.split.train)) if table else None

    @cached_property
    def X(self) -> NDArray[np.float32]:  # noqa: N802
        """The features of all rows, made once, shape `(rows, features)`."""
        if self.preparation is None or self.dataset.table is None:
            return self.dataset.X
        return self.preparation.matrix(self.dataset.table.frame)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """One a column of `X`."""
        return self.preparation.feature_names if self.preparation else self.dataset.feature_names

    @property
    def n_numeric(self) -> int:
        """How many of the first features are numbers; the others are 0 or 1."""
        return self.preparation.n_numeric if self.preparation else self.dataset.n_features

    @property
    def columns(self) -> Mapping[str, Sequence[int]]:
        """Name of each column of the data set -> places of the features that are made of it."""
        names = self.dataset.feature_names
        if self.preparation is not None:
            return dict(zip(names, self.preparation.sources, strict=True))
        return {name: (place,) for place, name in enumerate(names)}

    def rows(self, indices: NDArray[np.int64]) -> Rows:
        """Some rows of the data set."""
        at = as_slice(indices)
        raw = self.dataset.X[at] if self.preparation else None
        return Rows(self.X[at], self.dataset.y[at], raw, self.dataset.positive == 0)

    def frame(self, indices: NDArray[np.int64]) -> pd.DataFrame:
        """Some rows as a person's table has them, with the index 0, 1, ..."""
        import pandas as pd

        if self.dataset.table is not None:
            return as_in_file(self.dataset.table, indices)
        raw = self.dataset.raw[as_slice(indices)]
        return pd.DataFrame(raw, columns=list(self.dataset.feature_names))

    @property
    def fit(self) -> Rows:
        """What trials are trained on."""
        return self.rows(self.split.fit)

    @property
    def validation(self) -> Rows | None:
        """What trials are judged by; None when nothing is set apart for it."""
        return self.rows(self.split.validation) if len(self.split.validation) else None

    @property
    def train(self) -> Rows:
        """What the final model is fitted on; of a large table no copy."""
        train = self.split.train
        raw = rows_of(self.dataset.X, train) if self.preparation else None
        y = self.dataset.y[as_slice(train)]
        return Rows(rows_of(self.X, train), y, raw, self.dataset.positive == 0)

    @property
    def test(self) -> Rows | None:
        """The sealed rows; None when there are none."""
        return self.rows(self.split.test) if len(self.split.test) else None

    def record(self) -> DatasetRecord:
        """The data set as a run's input."""
        return DatasetRecord(
            name=self.dataset.name,
            digest=self.digest,
            source=self.dataset.source,
            rows=len(self.dataset.y),
            features=self.dataset.feature_names,
            target=self.dataset.target_name,
        )


def as_in_file(table: Table, indices: NDArray[np.int64]) -> pd.DataFrame:
    """Some rows with whole numbers and truth values where the file has them and misses none."""
    frame = table.rows(indices)
    for column in table.schema:
        values = frame[column.name]
        if column.kind == "boolean":
            known = values.eq(1.0).astype(object)
            frame[column.name] = known.where(values.notna(), None)
        elif column.kind == "numeric" and column.is_integer and values.notna().all():
            frame[column.name] = values.astype("int64")
    return frame
