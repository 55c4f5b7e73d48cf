"""The rows of an experiment, who sees which, and what they are known by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trialstack.datasets.base import Dataset
from trialstack.datasets.checks import check_rows
from trialstack.datasets.fingerprint import fingerprint, rows_digest
from trialstack.datasets.load import load_dataset
from trialstack.datasets.split import Split, split_dataset
from trialstack.experiment import ExperimentFile
from trialstack.tracking.base import DatasetRecord


@dataclass(frozen=True)
class Rows:
    """Features and class indices of some rows.

    Attributes:
        X: Shape `(rows, features)`.
        y: Shape `(rows,)`.
    """

    X: NDArray[np.float32]
    y: NDArray[np.int64]

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
    """

    dataset: Dataset
    split: Split
    digest: str
    test_digest: str
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, experiment: ExperimentFile) -> Data:
        """Reads, checks and splits.

        Raises:
            DataError: The rows cannot be used as they are.
        """
        dataset = load_dataset(experiment.dataset, experiment.place_of)
        warnings = check_rows(dataset, experiment.where)
        split = split_dataset(dataset, experiment.dataset, experiment.place_of)
        return cls(
            dataset,
            split,
            fingerprint(dataset.X, dataset.y, dataset.feature_names, dataset.classes),
            rows_digest(dataset.X[split.test], dataset.y[split.test]),
            tuple(warnings),
        )

    def rows(self, indices: NDArray[np.int64]) -> Rows:
        """Some rows of the data set."""
        return Rows(self.dataset.X[indices], self.dataset.y[indices])

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
        """What the final model is fitted on."""
        return self.rows(self.split.train)

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
