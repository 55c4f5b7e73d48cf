"""Files as a person has them: written to the current folder, and read as the settings say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trialstack.datasets.read import ReadDataset, read_dataset
from trialstack.experiment import DatasetSettings

ROWS = 40
X = [f"{value:.3f}" for value in np.random.default_rng(0).normal(size=ROWS)]
Y = ["no", "yes"] * (ROWS // 2)
Columns = dict[str, Sequence[Any]]


def text(columns: Columns, separator: str = ",") -> str:
    """A CSV file of some columns."""
    lines = [columns, *zip(*columns.values(), strict=True)]
    return "".join(separator.join(map(str, line)) + "\n" for line in lines)


def read(content: str | bytes | Columns, name: str = "rows.csv", **keys: Any) -> ReadDataset:
    if isinstance(content, dict):
        content = text(content)
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    settings = {"source": name, "target": "y", **keys}
    return read_dataset(
        DatasetSettings.model_validate(settings), Path(), "e.toml", lambda key: "e.toml"
    )


def changed(column: Sequence[Any], values: dict[int, Any]) -> list[Any]:
    """A column with other values in some rows, which count from 1."""
    return [values.get(row, value) for row, value in enumerate(column, 1)]
