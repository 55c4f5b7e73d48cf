"""From the `[dataset]` table to rows that are read, checked, split and known by a digest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trialstack.datasets.base import Dataset
from trialstack.datasets.checks import check_rows
from trialstack.datasets.feature import Feature
from trialstack.datasets.fingerprint import column_digests, fingerprint
from trialstack.datasets.leaks import rows_on_both_sides
from trialstack.datasets.load import load_dataset
from trialstack.datasets.person_file import PersonFile, read_person_file
from trialstack.datasets.split import Split, split_dataset

if TYPE_CHECKING:
    from trialstack.experiment import DatasetSettings


@dataclass(frozen=True, eq=False)
class ReadDataset:
    """A data set that may be learnt from.

    Attributes:
        dataset: All rows.
        split: Which rows are for what.
        digest: Of all rows and the column schema.
        facts: Of a file, what tells two versions of it apart: `rows`, `classes`, and `columns`
            with a digest of each; of others nothing.
        warnings: What the checks found, one line each.
        features: Of a file, what becomes of each column.
    """

    dataset: Dataset
    split: Split
    digest: str
    facts: Mapping[str, Any]
    warnings: tuple[str, ...]
    features: tuple[Feature, ...] = ()


def read_dataset(
    settings: DatasetSettings,
    folder: Path = Path(),
    where: str = "experiment",
    place_of: Callable[[str], str] = lambda key: "experiment",
    show: Callable[[float, float], None] = lambda done, total: None,
) -> ReadDataset:
    """Reads, checks and splits.

    Args:
        settings: The `[dataset]` table, validated.
        folder: What paths in it are relative to.
        where: Where the experiment came from, for error lines.
        place_of: Where a key of it came from, for error lines.
        show: Told how much of a file is read, and how much there is.

    Raises:
        DataError: The rows cannot be used as they are.

    Example:
        >>> from trialstack.experiment import DatasetSettings
        >>> read = read_dataset(DatasetSettings.model_validate({"source": "iris"}))
        >>> len(read.split.fit), len(read.split.validation), len(read.split.test)
        (84, 28, 38)
    """
    if settings.is_file:
        file = read_person_file(settings, folder, show)
        return _split_file(settings, file, place_of)
    dataset = load_dataset(settings, place_of)
    warnings = check_rows(dataset, where)
    split = split_dataset(dataset, settings, place_of)
    digest = fingerprint(dataset.X, dataset.y, dataset.feature_names, dataset.classes)
    return ReadDataset(dataset, split, digest, {}, tuple(warnings))


def _split_file(
    settings: DatasetSettings, file: PersonFile, place_of: Callable[[str], str]
) -> ReadDataset:
    dataset = file.dataset
    split = split_dataset(dataset, settings, place_of)
    digest = fingerprint(
        dataset.X,
        dataset.y,
        dataset.feature_names,
        dataset.classes,
        schema=dataset.schema,
        layout=dataset.layout,
    )
    counts = np.bincount(dataset.y)
    facts = {
        "rows": len(dataset.y),
        "classes": {str(label): int(counts[i]) for i, label in enumerate(dataset.classes)},
        "columns": column_digests(dataset.X, dataset.feature_names, dataset.schema),
    }
    warnings = (*file.warnings, *_repeated_rows(settings, file, split))
    return ReadDataset(dataset, split, digest, facts, warnings, file.features)


def _repeated_rows(settings: DatasetSettings, file: PersonFile, split: Split) -> list[str]:
    """Warnings of rows that are judged by and learnt from."""
    remedy = "group_duplicates = true keeps equal rows on one side"
    if settings.split in {"first", "time"} or file.dataset.layout.sealed:
        remedy = "leave repeated rows out"
    sides = (
        ("test", split.test, "training", split.train),
        ("validation", split.validation, "fitting", split.fit),
    )
    found = [
        (rows_on_both_sides(file.keys, learnt, judged), len(judged), name, other)
        for name, judged, other, learnt in sides
    ]
    return [
        f"{file.lines.files[0]}: {count} of {rows} {name} rows are equal to {other} rows, so "
        f"scores flatter; {remedy}"
        for count, rows, name, other in found
        if count
    ]
