"""A person's file as a data set: read, and every column decided about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from trialstack.datasets.base import Dataset, Features, Layout, Targets
from trialstack.datasets.cells import Cells
from trialstack.datasets.checks import MINIMUM_ROWS, check_classes
from trialstack.datasets.columns import Schema, Table
from trialstack.datasets.feature import Feature
from trialstack.datasets.features import feature_of
from trialstack.datasets.labels import (
    alike_labels,
    classes_of,
    positive_class,
    rows_with_target,
)
from trialstack.datasets.leaks import determining_columns, grouped, row_keys
from trialstack.datasets.lines import Lines
from trialstack.datasets.person_columns import columns_to_read, open_files, separator_hint
from trialstack.datasets.read_columns import read_cells
from trialstack.datasets.times import times_of
from trialstack.errors import DataError

if TYPE_CHECKING:
    from trialstack.experiment import DatasetSettings


@dataclass(frozen=True, eq=False)
class PersonFile:
    """What came out of a file.

    Attributes:
        dataset: Its rows, fit to be split.
        features: What becomes of each column that may be a feature, in the file's order, without
            its values.
        lines: Where the rows stand.
        keys: Of the rows' features, as `trialstack.datasets.leaks.row_keys` gives them.
        warnings: One line each.
    """

    dataset: Dataset
    features: tuple[Feature, ...]
    lines: Lines
    keys: NDArray[np.uint64]
    warnings: tuple[str, ...]


def read_person_file(
    settings: DatasetSettings,
    folder: Path = Path(),
    show: Callable[[float, float], None] = lambda done, total: None,
) -> PersonFile:
    """Reads the file that the settings name, and checks it.

    Args:
        settings: The `[dataset]` table; its source is a file.
        folder: What its paths are relative to.
        show: Told how much is read, and how much there is.

    Raises:
        DataError: It cannot be read, or cannot be learnt from as it is.
    """
    assert settings.target is not None
    files = open_files(settings, folder)
    columns = columns_to_read(files, settings)
    total = sum(file.size for file in files)
    names = [settings.target, settings.group, *(settings.categorical or ())]
    cells, sizes = read_cells(
        files,
        columns,
        lambda done: show(done, total),
        spaced=settings.target,
        names=[name for name in names if name is not None],
        exact=[settings.time] if settings.time is not None else [],
    )
    paths = tuple(str(file.path) for file in files)
    _check_rows(paths, sizes)
    lines = Lines(paths, sizes, np.arange(sum(sizes)))
    target = cells.pop(settings.target)
    kept = rows_with_target(target, lines, may_drop=bool(settings.drop_missing_target))
    if len(kept) < target.rows:
        lines, target = Lines(paths, sizes, kept), target.at(kept)
        cells = {name: column.at(kept) for name, column in cells.items()}
    if len(kept) < MINIMUM_ROWS:
        came = f"{len(kept)} row{'s' * (len(kept) != 1)}"
        raise DataError(f"{paths[0]}: {came} came; at least {MINIMUM_ROWS} are needed: add rows")
    hint = separator_hint(files[0], settings)
    warnings = [f"{paths[0]}: the header looks cut at the wrong places{hint}"] if hint else []
    return _decided(settings, cells, target, lines, warnings)


def _check_rows(paths: Sequence[str], sizes: Sequence[int]) -> None:
    for path, size in zip(paths, sizes, strict=True):
        if not size:
            raise DataError(f"{path}: there is a header and no row; add rows")


def _decided(
    settings: DatasetSettings,
    cells: dict[str, Cells],
    target: Cells,
    lines: Lines,
    warnings: list[str],
) -> PersonFile:
    classes, y = classes_of(target, lines)
    warnings += alike_labels(classes, lines, target.name)
    times = times_of(cells.pop(settings.time), lines) if settings.time is not None else None
    groups = None
    if settings.group is not None:
        groups = _group_keys(cells.pop(settings.group), lines)
        _check_apart(groups, settings.group, lines)
    named = settings.categorical or ()
    features = []
    for name in list(cells):  # one after another, so that a column is in memory once
        features.append(feature_of(cells.pop(name), lines, is_categorical=name in named))
        warnings += _warnings_of(features[-1], lines)
    _check_names(features, lines)
    _check_left(features, lines)
    schema = Schema(tuple(f.column for f in features if f.column is not None))
    values = {f.name: f.values for f in features if f.column is not None}
    features = [replace(feature, values=np.empty(0)) for feature in features]
    X, raw, table = _rows(schema, values, classes[y], lines)
    keys = row_keys(X)
    together = [groups] if groups is not None else []
    together += [keys] if settings.group_duplicates else []
    layout = Layout(grouped(*together) if together else None, times, lines.sealed)
    at = lines.of(target.name)
    dataset = Dataset(
        name=Path(lines.files[0]).name.partition(".")[0] or "table",
        source=lines.files[0],
        X=X,
        y=y,
        feature_names=schema.names,
        target_name=target.name,
        classes=tuple(classes.tolist()),
        raw=raw,
        table=table,
        layout=layout,
        positive=1 if settings.positive is None else positive_class(classes, settings.positive, at),
    )
    check_classes(dataset, f"{lines.files[0]}: ")
    warnings += _leaks(X, y, schema, lines)
    return PersonFile(dataset, tuple(features), lines, keys, tuple(warnings))


def _group_keys(cells: Cells, lines: Lines) -> NDArray[Any]:
    missing = cells.missing
    if missing.any():
        at = lines.at(cells.name, int(missing.argmax()), int(missing.sum()) - 1)
        raise DataError(f"{at}: no group; fill it in, or leave such rows out of the file")
    return cells.codes if cells.what == "text" else cells.values


def _check_apart(groups: NDArray[Any], name: str, lines: Lines) -> None:
    """Refuses groups of which both files have rows."""
    in_both = np.isin(groups[lines.learnt :], groups[: lines.learnt])
    if in_both.any():
        at = lines.at(name, lines.learnt + int(in_both.argmax()), int(in_both.sum()) - 1)
        raise DataError(
            f"{at}: {lines.files[0]} has rows of the same group; leave the rows of a group out of "
            "one of the files"
        )


def _warnings_of(feature: Feature, lines: Lines) -> list[str]:
    if feature.column is None:
        return [f"{lines.of(feature.name)}: {feature.dropped}; it is dropped"]
    return [feature.warning] if feature.warning else []


def _check_names(features: Sequence[Feature], lines: Lines) -> None:
    if any(feature.column is not None and not feature.name for feature in features):
        raise DataError(
            f"{lines.of('')}: it has no name; give it one in the header, or leave it out with "
            'drop = [""]'
        )


def _check_left(features: Sequence[Feature], lines: Lines) -> None:
    if any(feature.column is not None for feature in features):
        return
    dropped = ", ".join(f"{feature.name!r} ({feature.dropped})" for feature in features[:5])
    more = f" and {len(features) - 5} more" if len(features) > 5 else ""
    raise DataError(
        f"{lines.files[0]}: no feature column is left"
        f"{f'; dropped: {dropped}{more}' if dropped else ' beside the target'}; add columns that "
        "tell something of the target"
    )


def _rows(
    schema: Schema, values: dict[str, NDArray[Any]], labels: NDArray[Any], lines: Lines
) -> tuple[Features, NDArray[Any], Table | None]:
    """The features as a matrix, as exact as the file has them, and as a frame where need be."""
    if schema.is_plain:
        return *_matrix(values, len(labels)), None
    import pandas as pd

    kinds = {column.name: column.kind for column in schema}
    frame = pd.DataFrame(
        {
            name: pd.Series(column, dtype=object if kinds[name] == "categorical" else column.dtype)
            for name, column in values.items()
        }
    )
    table = Table(schema, frame, labels, lines.numbers)
    codes = table.codes()
    return codes, codes, table


def _matrix(values: dict[str, NDArray[Any]], rows: int) -> tuple[Features, NDArray[Any]]:
    """Columns side by side; each is forgotten once it is copied."""
    X = np.empty((rows, len(values)), dtype=np.float32)
    exact = any(column.dtype != np.float32 for column in values.values())
    raw = np.empty(X.shape, dtype=np.float64) if exact else X
    for place, name in enumerate(list(values)):
        column = values.pop(name)
        raw[:, place] = column
        X[:, place] = column
    return X, raw


def _leaks(X: Features, y: Targets, schema: Schema, lines: Lines) -> list[str]:
    return [
        f"{lines.of(schema.names[place])}: it determines the target by itself; if it is a copy of "
        "it, or is known only after it, name it in drop"
        for place in determining_columns(X, y)
    ]
