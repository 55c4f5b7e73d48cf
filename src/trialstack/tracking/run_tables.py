"""What a run's values are in the tables of MLflow's store, and the statements that write them.

The rules are those of `mlflow.store.tracking.sqlalchemy_store`. What they refuse, shorten or mend
raises `NotPlainError` here.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from mlflow.store.tracking.dbmodels.models import SqlLatestMetric, SqlParam, SqlTag
from mlflow.utils.validation import (
    MAX_ENTITIES_PER_BATCH,
    MAX_ENTITY_KEY_LENGTH,
    MAX_PARAM_VAL_LENGTH,
    MAX_PARAMS_TAGS_PER_BATCH,
    MAX_TAG_VAL_LENGTH,
)
from sqlalchemy import Connection, Engine, bindparam, insert, select
from sqlalchemy.dialects.sqlite import insert as insert_or_update

RUN_NAME = "mlflow.runName"

_TEXT_COLUMNS = {"key", "value", "run_uuid"}
_METRIC_COLUMNS = {*_TEXT_COLUMNS, "timestamp", "step", "is_nan"}
# table -> its columns, in the schema that the statements here and in `direct` were written for
_COLUMNS = {
    "runs": {
        *("run_uuid", "experiment_id", "name", "user_id", "status", "lifecycle_stage"),
        *("start_time", "end_time", "deleted_time", "artifact_uri"),
        *("source_type", "source_name", "source_version", "entry_point_name"),
    },
    "tags": _TEXT_COLUMNS,
    "params": _TEXT_COLUMNS,
    "metrics": _METRIC_COLUMNS,
    "latest_metrics": _METRIC_COLUMNS,
}

_COLUMNS_OF = "SELECT name FROM pragma_table_info(?)"

# Most of the names that MLflow takes: no part between slashes is empty or begins with a dot.
_NAME = re.compile(r"\w[\w. :-]*(/\w[\w. :-]*)*")


def _replacing(table: Any, *columns: str) -> Any:
    """Statement that inserts rows, or overwrites these columns where the key is there already."""
    statement = insert_or_update(table)
    return statement.on_conflict_do_update(
        index_elements=["key", "run_uuid"],
        set_={column: statement.excluded[column] for column in columns},
    )


_PARAMS, _LATEST = SqlParam.__table__.c, SqlLatestMetric.__table__.c
_RUN: Any = bindparam("run_id")
_PARAMS_OF = select(_PARAMS.key, _PARAMS.value).where(_PARAMS.run_uuid == _RUN)
_LATEST_OF = select(_LATEST.key, _LATEST.step, _LATEST.timestamp, _LATEST.value).where(
    _LATEST.run_uuid == _RUN
)
_INSERT_PARAMS = insert(SqlParam.__table__)
_REPLACE_LATEST = _replacing(SqlLatestMetric.__table__, "step", "timestamp", "value", "is_nan")
_REPLACE_TAGS = _replacing(SqlTag.__table__, "value")
_ROWS_A_STATEMENT = 100


class NotPlainError(Exception):
    """Something that must be left to MLflow's own client."""


def require(plain: bool, what: str) -> None:
    """Tells plain values from others.

    Raises:
        NotPlainError: These are not.
    """
    if not plain:
        raise NotPlainError(what)


class MetricRow(NamedTuple):
    """A value of a metric as the tables hold it: NaN is 0, infinity the largest number."""

    key: str
    step: int
    timestamp: int
    value: float
    is_nan: bool


class Batch(NamedTuple):
    """What one `log_batch` has to write; no two of the metrics are the same."""

    metrics: Sequence[MetricRow]
    params: Mapping[str, str]
    tags: Mapping[str, str]


def tables_are_known(engine: Engine) -> bool:
    """Whether the tables have exactly the columns that are written here."""
    with engine.connect() as connection:
        return all(
            columns == set(connection.exec_driver_sql(_COLUMNS_OF, (table,)).scalars())
            for table, columns in _COLUMNS.items()
        )


def plain_batch(metrics: Sequence[Any], params: Sequence[Any], tags: Sequence[Any]) -> Batch:
    """The rows for MLflow's entities.

    Raises:
        NotPlainError: They do not fit into one batch, or MLflow would not write them as they are.
    """
    most = MAX_PARAMS_TAGS_PER_BATCH
    require(len(params) <= most and len(tags) <= most, "number of params or tags")
    count = len(metrics) + len(params) + len(tags)
    require(0 < count <= MAX_ENTITIES_PER_BATCH, "number of values")
    values = {param.key: str(param.value) for param in params}
    require(len(values) == len(params), "a param twice")
    labels = {tag.key: tag.value for tag in tags}
    require(RUN_NAME not in labels, "another name for the run")
    points = list(dict.fromkeys(_metric_row(metric) for metric in metrics))
    _require_names({*values, *labels, *{point.key for point in points}})
    _require_texts(values, MAX_PARAM_VAL_LENGTH)
    _require_texts(labels, MAX_TAG_VAL_LENGTH)
    return Batch(points, values, labels)


def _metric_row(metric: Any) -> MetricRow:
    key, step, timestamp, value = metric.key, metric.step, metric.timestamp, metric.value
    plain = type(value) is float and type(step) is int and type(timestamp) is int
    require(plain and timestamp >= 0 and metric.model_id is None, "metric")
    if math.isfinite(value):
        return MetricRow(key, step, timestamp, value, False)
    if math.isnan(value):
        return MetricRow(key, step, timestamp, 0.0, True)
    return MetricRow(key, step, timestamp, math.copysign(sys.float_info.max, value), False)


def _require_names(names: Iterable[Any]) -> None:
    for name in names:
        require(type(name) is str and len(name) <= MAX_ENTITY_KEY_LENGTH, "length of a name")
        require(_NAME.fullmatch(name) is not None, "name")


def _require_texts(texts: Mapping[str, Any], longest: int) -> None:
    for text in texts.values():
        require(type(text) is str and len(text) <= longest, "value of a param or tag")


def add_params(connection: Connection, run_id: str, params: Mapping[str, str]) -> None:
    """Writes params that are not there yet.

    Raises:
        NotPlainError: One is there with another value.
    """
    if not params:
        return
    known: dict[str, str] = dict(connection.execute(_PARAMS_OF, {"run_id": run_id}).all())
    require(all(known.get(key, value) == value for key, value in params.items()), "changed param")
    new = {key: value for key, value in params.items() if key not in known}
    _write_texts(connection, _INSERT_PARAMS, run_id, new)


def set_tags(connection: Connection, run_id: str, tags: Mapping[str, str]) -> None:
    """Writes tags, over those of the same names."""
    _write_texts(connection, _REPLACE_TAGS, run_id, tags)


def _write_texts(
    connection: Connection, statement: Any, run_id: str, texts: Mapping[str, str]
) -> None:
    rows = [{"run_uuid": run_id, "key": key, "value": value} for key, value in texts.items()]
    if rows:
        connection.execute(statement, rows)


def add_metrics(connection: Connection, run_id: str, points: Sequence[MetricRow]) -> None:
    """Writes values of metrics, and which of each metric is the latest.

    That is the value of the highest step; of the latest time, where steps are equal; and the
    highest of those.
    """
    if not points:
        return
    for start in range(0, len(points), _ROWS_A_STATEMENT):
        some = points[start : start + _ROWS_A_STATEMENT]
        values = itertools.chain.from_iterable((*point, run_id) for point in some)
        connection.exec_driver_sql(_insert_metrics(len(some)), tuple(values))
    latest = {key: order for key, *order in connection.execute(_LATEST_OF, {"run_id": run_id})}
    newest = {}
    for point in points:
        order = [point.step, point.timestamp, point.value]
        if point.key not in latest or order > latest[point.key]:
            latest[point.key] = order
            newest[point.key] = point
    if newest:
        rows = [{"run_uuid": run_id, **point._asdict()} for point in newest.values()]
        connection.execute(_REPLACE_LATEST, rows)


@functools.cache
def _insert_metrics(count: int) -> str:
    """Of so many rows at once: the database lets go of Python once, and not for every row."""
    columns = (*MetricRow._fields, "run_uuid")
    row = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO metrics ({', '.join(columns)}) VALUES {', '.join([row] * count)}"
