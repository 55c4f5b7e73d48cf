"""Scores the rows of a file with a registered model, some thousand at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trialstack.datasets.names import nearest
from trialstack.datasets.table_file import Table
from trialstack.errors import DataError
from trialstack.registry.loading import CheckedModel

if TYPE_CHECKING:
    import pandas as pd

LIKELY_SEPARATORS = (";", "\t", "|")


@dataclass(frozen=True)
class Scores:
    """Scores of some rows.

    Attributes:
        frame: The columns to keep, `prediction` and `probability_<class>`; a row a row, in the
            file's order.
        done: How much of the table is scored by now, in the table's units.
    """

    frame: pd.DataFrame
    done: int


def columns_of(model: CheckedModel, table: Table) -> list[str]:
    """The table's columns that a model takes.

    Raises:
        DataError: One that it needs is not there.
    """
    required, optional = model.input_columns()
    missing = [name for name in required if name not in table.columns]
    if not missing:
        return [name for name in (*required, *optional) if name in table.columns]
    more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
    alike = [name for name in table.columns if _bare(name) == _bare(missing[0])]
    hint = f"; is it {alike[0]!r}?" if alike else nearest(missing[0], table.columns)
    for separator in LIKELY_SEPARATORS:
        if len(table.columns) == 1 and separator in table.columns[0]:
            hint = f"; is {separator!r} its --separator?"
    raise DataError(f"{table.path}: missing column {missing[0]!r}{more}{hint or '; add it'}")


def _bare(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()


def check_kept(table: Table, kept: Sequence[str], option: str = "--keep") -> None:
    """Refuses columns to keep that cannot stand beside the scores.

    Args:
        table: That has them.
        kept: Their names.
        option: By which they were named.

    Raises:
        DataError: One is not there, came twice, or has a name that a column of scores has.
    """
    for place, name in enumerate(kept):
        if name not in table.columns:
            raise DataError(
                f"{table.path}: {option}: there is no column {name!r}{nearest(name, table.columns)}"
            )
        if name in kept[:place]:
            raise DataError(f"{table.path}: {option}: column {name!r} came twice; name it once")
        if name == "prediction" or name.startswith("probability_"):
            raise DataError(
                f"{table.path}: {option}: column {name!r} has the name of a column of the result; "
                "rename it, or keep others"
            )


def score_table(
    model: Any,
    table: Table,
    columns: Sequence[str],
    kept: Sequence[str],
    texts: Collection[str] = (),
) -> Iterator[Scores]:
    """Scores a table chunk by chunk.

    Args:
        model: As `CheckedModel.load` gives it.
        table: The rows.
        columns: That the model takes, see `columns_of`.
        kept: That stand before the scores, as the file has them.
        texts: Columns that hold text: `CheckedModel.text_columns`.

    Yields:
        Scores of some rows, in the file's order; for a table without rows once, with none.

    Raises:
        DataError: A cell cannot be scored; the line names the column and the row.
    """
    import pandas as pd

    chunk = None
    for chunk in table.chunks([*dict.fromkeys((*columns, *kept))]):
        scores = _scored(model, table, chunk.frame(columns, texts))
        cells = chunk.cells(kept).set_axis(scores.index)
        yield Scores(pd.concat([cells, scores], axis="columns"), chunk.done)
    if chunk is None:
        scores = model.predict(pd.DataFrame(columns=list(columns), dtype="float64"))
        empty = pd.DataFrame(columns=list(kept), dtype="str", index=scores.index)
        yield Scores(pd.concat([empty, scores], axis="columns"), table.size)


def _scored(model: Any, table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    from mlflow.exceptions import MlflowException

    try:
        scores: pd.DataFrame = model.predict(frame)
    except MlflowException as error:
        raise DataError(f"{table.path}: {error}; mend the cell, or leave the row out") from error
    return scores
