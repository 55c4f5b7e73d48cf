"""Which hyperparameters tell runs apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from trialstack.report.runs import Value

Values = Mapping[str, Value]


def names_of(rows: Iterable[Values]) -> list[str]:
    """All names, in the order of a row that has the most of them.

    Example:
        >>> names_of([{"l1": 0.1}, {"units_1": 8, "l1": 0.1}])
        ['units_1', 'l1']
    """
    longest_first = sorted(rows, key=len, reverse=True)
    return list(dict.fromkeys(chain.from_iterable(longest_first)))


def differing(groups: Sequence[Sequence[Values]]) -> list[str]:
    """Names that do not have the same value everywhere.

    A name that some rows of a group lack makes a difference there: it is one of their conditional
    hyperparameters. Between groups it makes none: what a group never has is no choice of its own.

    Args:
        groups: Rows that have the same kind of values, such as the trials of one search.

    Example:
        >>> trials = [{"units": 8, "rate": 0.1}, {"units": 16, "rate": 0.1}]
        >>> differing([trials, [{"units": 8, "rate": 0.1, "batch_size": 32}]])
        ['units']
        >>> differing([[{"units": 8}, {"units": 8, "dropout": 0.1}]])
        ['dropout']
    """
    names = names_of(chain.from_iterable(groups))
    return [name for name in names if _several_values(groups, name) or _some_lack(groups, name)]


def _several_values(groups: Sequence[Sequence[Values]], name: str) -> bool:
    values = {repr(row[name]) for rows in groups for row in rows if name in row}
    return len(values) > 1


def _some_lack(groups: Sequence[Sequence[Values]], name: str) -> bool:
    return any(0 < sum(name in row for row in rows) < len(rows) for rows in groups)
