"""Which columns of a person's files are read: their names against what the experiment says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trialstack.datasets.names import nearest, shortened
from trialstack.datasets.table_file import Table, open_table
from trialstack.errors import DataError

if TYPE_CHECKING:
    from trialstack.experiment import DatasetSettings

LIKELY_SEPARATORS = (";", "\t", "|", ",")
MOST_NAMES = 8
LONGEST_NAME = 40
"""Of a list of columns in an error's line; the latter in characters."""


def open_files(settings: DatasetSettings, folder: Path) -> list[Table]:
    """The file with the rows, and the one with the test rows if there is one.

    Args:
        settings: The `[dataset]` table.
        folder: What its paths are relative to.

    Raises:
        DataError: One of them is not there, or is no table.
    """
    sources = [settings.source, settings.test_source]
    paths = [path_of(source, folder) for source in sources if source is not None]
    for path in paths:
        if settings.made_by is not None and not path.exists():
            raise DataError(f"{path}: no such file yet; make it with: {settings.made_by}")
    return [
        open_table(
            path,
            separator=settings.separator or ",",
            encoding=settings.encoding or "utf-8",
        )
        for path in paths
    ]


def path_of(source: str, folder: Path) -> Path:
    """The path of a source, as short as a person wrote it where that is a path from here."""
    path = Path(source).expanduser()
    return path if path.is_absolute() or folder.resolve() == Path.cwd() else folder / path


def columns_to_read(files: Sequence[Table], settings: DatasetSettings) -> list[str]:
    """Names of all columns that are not dropped unseen.

    Raises:
        DataError: A column that the settings name is not there, or one file lacks what the other
            one has.
    """
    there = files[0].columns
    for key, names in _named(settings).items():
        for name in names:
            if name not in there:
                hint = separator_hint(files[0], settings) or nearest(name, there)
                raise DataError(
                    f"{files[0].path}: column {name!r}, which {key} names, is not there; there are "
                    f"{_listed(there)}{hint}"
                )
    columns = [name for name in there if name not in (settings.drop or ())]
    for file in files[1:]:
        for name in columns:
            if name not in file.columns:
                raise DataError(
                    f"{file.path}: column {name!r} of {files[0].path} is not there; add it, or "
                    f"name it in drop{nearest(name, file.columns)}"
                )
    return columns


def _named(settings: DatasetSettings) -> dict[str, tuple[str, ...]]:
    """The keys that name columns, and those columns."""
    single = {key: getattr(settings, key) for key in ("target", "group", "time")}
    return {
        **{key: (name,) for key, name in single.items() if name is not None},
        "drop": settings.drop or (),
        "categorical": settings.categorical or (),
    }


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(shortened(name, LONGEST_NAME)) for name in names[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def separator_hint(file: Table, settings: DatasetSettings) -> str:
    """Which separator a header was meant to be cut at; empty where nothing looks wrong."""
    if file.path.name.lower().endswith(".parquet"):
        return ""
    for other in LIKELY_SEPARATORS:
        inside = sum(name.count(other) for name in file.columns)
        if other != (settings.separator or ",") and inside >= len(file.columns):
            return f"; is {other!r} the separator? Name it: --separator {other!r} (separator = ...)"
    return ""
