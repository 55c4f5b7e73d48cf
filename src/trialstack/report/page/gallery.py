"""Which decision boundaries stand side by side, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trialstack.hypermodels.naming import WIDTH, format_value
from trialstack.report.runs import Value
from trialstack.report.search import StoredSearch, Trial

BEST = 8
SPREAD = 4
"""Trials from the rest of the ranking, down to the last."""
MOST_COLUMNS = 7
MOST_ROWS = 4
FILLED = 0.5
"""Share of a grid's cells that trials must fill for it to read well."""
PENALTIES = ("l1", "l2", "penalty", "alpha", "dropout", "weight_decay")

Of = Callable[[Trial], Value | None]


@dataclass(frozen=True)
class Grid:
    """The best trial of each cell.

    Attributes:
        columns: What the columns stand for.
        rows: What the rows stand for.
        column_labels: One a column.
        row_labels: One a row.
        cells: By row and column; None where no trial was.
    """

    columns: str
    rows: str
    column_labels: tuple[str, ...]
    row_labels: tuple[str, ...]
    cells: tuple[tuple[Trial | None, ...], ...]

    @property
    def trials(self) -> list[Trial]:
        """Those in its cells."""
        return [trial for row in self.cells for trial in row if trial is not None]


def shown_trials(search: StoredSearch) -> list[Trial]:
    """The best trials, and a few from the rest of the ranking down to the last."""
    ranking = search.ranking
    best, rest = ranking[:BEST], ranking[BEST:]
    if not rest:
        return best
    places = np.unique(np.linspace(0, len(rest) - 1, SPREAD + 1)[1:].round().astype(int))
    return [*best, *(rest[place] for place in places)]


def grid_of(search: StoredSearch) -> Grid | None:
    """Neurons by penalty, or by what else has few values; None where that would be mostly empty.

    Args:
        search: Its trials with a score are put into cells.
    """
    ranking = search.ranking
    if len(ranking) < 2 * BEST or len({_neurons(trial) for trial in ranking}) < 2:
        return None
    for name in _column_names(ranking):
        grid = _grid(ranking, name)
        cells = len(grid.row_labels) * len(grid.column_labels)
        if len(grid.trials) >= FILLED * cells and len(grid.column_labels) > 1:
            return grid
    return None


def _grid(ranking: Sequence[Trial], name: str) -> Grid:
    row_of, row_labels = _binned(ranking, _neurons, MOST_ROWS)
    column_of, column_labels = _binned(
        ranking, lambda trial: trial.hyperparameters.get(name), MOST_COLUMNS
    )
    cells: dict[tuple[int, int], Trial] = {}
    for trial in ranking:  # the best first
        row, column = row_of(trial), column_of(trial)
        if row is not None and column is not None:
            cells.setdefault((row, column), trial)
    table = tuple(
        tuple(cells.get((row, column)) for column in range(len(column_labels)))
        for row in range(len(row_labels))
    )
    return Grid(name, "hidden neurons", column_labels, row_labels, table)


def _column_names(ranking: Sequence[Trial]) -> list[str]:
    """Penalties first, then what else varies."""
    names = dict.fromkeys(name for trial in ranking for name in trial.hyperparameters)
    known = [name for name in PENALTIES if name in names]
    others = [name for name in names if name not in known and not WIDTH.fullmatch(name)]
    several = [*known, *others]
    return [name for name in several if len({t.hyperparameters.get(name) for t in ranking}) > 1]


def _neurons(trial: Trial) -> int | None:
    widths = [v for name, v in trial.hyperparameters.items() if WIDTH.fullmatch(name)]
    counts = [width for width in widths if isinstance(width, int)]
    return sum(counts) if counts else None


def _binned(
    ranking: Sequence[Trial], value_of: Of, most: int
) -> tuple[Callable[[Trial], int | None], tuple[str, ...]]:
    """Puts values into at most so many bins of about equally many trials; few values stay alone."""
    known = [value for trial in ranking if (value := value_of(trial)) is not None]
    distinct = sorted(set(known), key=lambda value: (isinstance(value, str), value))
    if len(distinct) <= most or any(isinstance(value, str) for value in distinct):
        kept = distinct[:most]
        places = {value: place for place, value in enumerate(kept)}
        return lambda trial: places.get(value_of(trial)), tuple(map(format_value, kept))  # type: ignore[arg-type]
    numbers = np.sort(np.array(known, np.float64))
    parts = min(most, 4)
    borders = np.quantile(numbers, np.linspace(0, 1, parts + 1)[1:-1])

    def place(trial: Trial) -> int | None:
        value = value_of(trial)
        return None if value is None else int(np.searchsorted(borders, float(value), side="right"))

    bins = np.searchsorted(borders, numbers, side="right")
    labels = tuple(_range(numbers[bins == k]) for k in range(parts))
    return place, labels


def _range(values: NDArray[np.float64]) -> str:
    if not len(values):
        return "–"
    ends = [float(values[0]), float(values[-1])]
    whole = all(end.is_integer() for end in ends)
    low, high = (str(int(e)) if whole else format_value(e, digits=2) for e in ends)
    return low if low == high else f"{low} to {high}"
