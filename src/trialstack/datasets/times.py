"""The column that rows are ordered by, for a split by time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trialstack.datasets.cells import Cells
from trialstack.datasets.lines import Lines
from trialstack.errors import DataError


def times_of(cells: Cells, lines: Lines) -> NDArray[np.float64]:
    """A number for each row that grows with its time, shape `(rows,)`.

    Args:
        cells: Numbers, dates, or text that is dates as ISO 8601 writes them.
        lines: Where the rows stand.

    Raises:
        DataError: A row has no time.
    """
    import pandas as pd

    texts: NDArray[np.float64] | None = None
    if cells.what == "text":
        parsed = pd.to_datetime(
            pd.Series(cells.texts, dtype=object), format="ISO8601", errors="coerce", utc=True
        )
        microseconds = parsed.dt.as_unit("us").astype("int64").to_numpy(dtype=np.float64)
        texts = np.append(np.where(parsed.isna(), np.nan, microseconds), np.nan)
        times = texts[cells.codes]
    elif cells.what in {"number", "date"}:
        times = cells.values.astype(np.float64)
    else:
        raise DataError(f"{lines.of(cells.name)}: {cells.type} came in time; dates are wanted")
    wrong = ~np.isfinite(times)
    if wrong.any():
        row = int(wrong.argmax())
        came = "nothing"
        if cells.what == "text" and cells.codes[row] >= 0:
            came = f"{cells.texts[cells.codes[row]]!r:.60}"
        raise DataError(
            f"{lines.at(cells.name, row, int(wrong.sum()) - 1)}: {came} came in time; give dates "
            "such as 2025-12-31 or 2025-12-31T23:59:00, or numbers"
        )
    return times
