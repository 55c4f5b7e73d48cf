"""A client of a local SQLite store that writes runs by plain SQL statements.

MLflow's own client builds an object a value and opens six sessions a `log_batch`: 40 ms of CPU
for a trial of 200 values, more than many a small network trains. Here the same rows are written
by one transaction a call. Only what is plain is: whatever MLflow would refuse, shorten, split or
mend is left to its own client, with nothing of it written before.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities import Run, RunData, RunInfo, RunInputs, RunTag
from mlflow.environment_variables import MLFLOW_ENABLE_ASYNC_LOGGING
from mlflow.store.tracking.dbmodels.models import SqlExperiment, SqlRun
from mlflow.utils.file_utils import local_file_uri_to_path
from mlflow.utils.uri import append_to_uri_path, is_local_uri
from sqlalchemy import Connection, bindparam, insert, select, update

from trialstack.tracking.left_to_mlflow import or_by_mlflow
from trialstack.tracking.run_tables import (
    RUN_NAME,
    add_metrics,
    add_params,
    plain_batch,
    require,
    set_tags,
    tables_are_known,
)

_log = logging.getLogger(__name__)

# As the sessions of MLflow's store begin; and the lock is taken before anything is read, so that
# no other process can write between a look at what is there and what is written because of it.
_BEGIN = ("PRAGMA foreign_keys = ON", "PRAGMA busy_timeout = 20000", "BEGIN IMMEDIATE")

_RUNS, _EXPERIMENTS = SqlRun.__table__, SqlExperiment.__table__
_IS_THE_RUN = _RUNS.c.run_uuid == bindparam("run")
_IS_ACTIVE = _RUNS.c.lifecycle_stage == "active"
_LOCATION = select(_EXPERIMENTS.c.artifact_location).where(
    _EXPERIMENTS.c.experiment_id == bindparam("experiment"),
    _EXPERIMENTS.c.lifecycle_stage == "active",
)
_INSERT_RUN = insert(_RUNS)
_ACTIVE_RUN = select(_RUNS.c.run_uuid).where(_IS_THE_RUN, _IS_ACTIVE)
_ARTIFACT_URI = select(_RUNS.c.artifact_uri).where(_IS_THE_RUN)
_END_RUN = (
    update(_RUNS)
    .where(_IS_THE_RUN, _IS_ACTIVE)
    .values(status=bindparam("ended_as"), end_time=bindparam("ended_at"))
)

_USER = "mlflow.user"
_ENDED = {"FINISHED", "FAILED", "KILLED"}


def direct_client(client: Any) -> Any:
    """The client of a store, made quicker if its tables are those that are known here.

    Args:
        client: An `mlflow.MlflowClient` of an SQLite file.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store = client._tracking_client.store
    # A subclass of it may keep workspaces apart.
    if type(store) is SqlAlchemyStore and tables_are_known(store.engine):
        return DirectClient(client, store)
    _log.debug("tables of an unknown schema: runs are written by MLflow's own client")
    return client


class DirectClient:
    """An `mlflow.MlflowClient` whose calls for every trial cost a tenth.

    They take, write and return what MLflow's do, and raise what those raise; everything else is
    done by the client that it was made of.

    Args:
        client: An `mlflow.MlflowClient` of a local SQLite store.
        store: That client's `SqlAlchemyStore`.
    """

    def __init__(self, client: Any, store: Any) -> None:
        self.mlflow_client = client
        self._store = store
        self._own = threading.local()  # `connection`: of the transaction that this thread is in

    def __getattr__(self, name: str) -> Any:
        require(not self.in_transaction, name)
        return getattr(self.mlflow_client, name)

    @property
    def in_transaction(self) -> bool:
        """Whether this thread is within `together`."""
        return getattr(self._own, "connection", None) is not None

    @contextmanager
    def together(self) -> Iterator[None]:
        """Whatever this thread writes in here is written as one: all of it, or nothing.

        The store waits for the disk once then, and not three times for every run.

        Raises:
            NotPlainError: There is something that only MLflow's own client can do.
            SQLAlchemyError: The database cannot be written.
        """
        with self._transaction() as connection:
            self._own.connection = connection
            try:
                yield
            finally:
                self._own.connection = None

    @or_by_mlflow
    def create_run(
        self,
        experiment_id: str,
        start_time: int | None = None,
        tags: Mapping[str, Any] | None = None,
        run_name: str | None = None,
    ) -> Any:
        """See `mlflow.MlflowClient`."""
        values = dict(tags or {})
        require(type(experiment_id) is str and experiment_id.isdecimal(), "experiment id")
        require(type(start_time) is int and start_time > 0, "start time")
        require(type(run_name) is str and run_name != "" and RUN_NAME not in values, "run name")
        require(all(type(text) is str for text in (*values, *values.values())), "tags")
        run_id = uuid.uuid4().hex
        with self._transaction() as connection:
            experiment = {"experiment": int(experiment_id)}
            location = connection.execute(_LOCATION, experiment).scalar()
            require(location is not None, "no such experiment")
            info = RunInfo(
                run_id=run_id,
                run_name=run_name,
                experiment_id=experiment_id,
                user_id=values.get(_USER, "unknown"),
                status="RUNNING",
                start_time=start_time,
                end_time=None,
                lifecycle_stage="active",
                artifact_uri=append_to_uri_path(location, run_id, "artifacts"),
            )
            values[RUN_NAME] = run_name
            connection.execute(_INSERT_RUN, _run_row(info))
            set_tags(connection, run_id, values)
        run_tags = [RunTag(key, value) for key, value in values.items()]
        return Run(info, RunData(tags=run_tags), RunInputs(dataset_inputs=[]))

    @or_by_mlflow
    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Any] = (),
        params: Sequence[Any] = (),
        tags: Sequence[Any] = (),
        synchronous: bool | None = None,
    ) -> Any:
        """See `mlflow.MlflowClient`."""
        at_once = not MLFLOW_ENABLE_ASYNC_LOGGING.get() if synchronous is None else synchronous
        require(at_once, "asynchronous logging")
        require(mlflow.get_active_model_id() is None, "metrics of a model")
        batch = plain_batch(metrics, params, tags)
        with self._transaction() as connection:
            active = connection.execute(_ACTIVE_RUN, {"run": run_id}).first()
            require(active is not None, "no such run")
            add_params(connection, run_id, batch.params)
            add_metrics(connection, run_id, batch.metrics)
            set_tags(connection, run_id, batch.tags)

    @or_by_mlflow
    def set_terminated(
        self, run_id: str, status: str | None = None, end_time: int | None = None
    ) -> None:
        """See `mlflow.MlflowClient`."""
        status = status or "FINISHED"
        require(status in _ENDED, "status")
        self._store.shut_down_async_logging()
        now = int(time.time() * 1000)
        end = {"run": run_id, "ended_as": status, "ended_at": end_time or now}
        with self._transaction() as connection:
            require(connection.execute(_END_RUN, end).rowcount == 1, "no such run")

    def artifact_folder(self, run_id: str) -> Path | None:
        """Where the files of a run are, None if that is not on this machine or there is no run."""
        with self._connection() as connection:
            uri = connection.execute(_ARTIFACT_URI, {"run": run_id}).scalar()
        return Path(local_file_uri_to_path(uri)) if uri and is_local_uri(uri) else None

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        if self.in_transaction:
            yield self._own.connection
            return
        with self._store.engine.connect() as connection:  # rolls back what is not committed
            yield connection

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        joined = self.in_transaction
        with self._connection() as connection:
            if not joined:
                for statement in _BEGIN:
                    connection.exec_driver_sql(statement)
            yield connection
            if not joined:
                connection.commit()


def _run_row(info: Any) -> dict[str, Any]:
    return {
        "run_uuid": info.run_id,
        "experiment_id": int(info.experiment_id),
        "name": info.run_name,
        "user_id": info.user_id,
        "status": info.status,
        "lifecycle_stage": info.lifecycle_stage,
        "start_time": info.start_time,
        "end_time": None,
        "deleted_time": None,
        "artifact_uri": info.artifact_uri,
        "source_type": "UNKNOWN",
        "source_name": "",
        "source_version": "",
        "entry_point_name": "",
    }
