"""Writes by plain statements that MLflow's own client does where these cannot do it."""

from __future__ import annotations

import functools
import logging
import sqlite3
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from trialstack.tracking.run_tables import NotPlainError

_log = logging.getLogger(__name__)

_OUTAGES = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
}


class WritesPlainly(Protocol):
    """A client whose methods may be wrapped so.

    Attributes:
        mlflow_client: MLflow's own, with methods of the same names.
    """

    mlflow_client: Any

    @property
    def in_transaction(self) -> bool:
        """Whether this thread is within a transaction, in which MLflow has no part."""


_P = ParamSpec("_P")
_R = TypeVar("_R")
_C = TypeVar("_C", bound=WritesPlainly)


def or_by_mlflow(
    write: Callable[Concatenate[_C, _P], _R],
) -> Callable[Concatenate[_C, _P], _R]:
    """Has MLflow's client do the whole call where plain statements cannot do it."""
    name = write.__name__

    @functools.wraps(write)
    def call(client: _C, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return write(client, *args, **kwargs)
        except (NotPlainError, SQLAlchemyError, OverflowError, UnicodeError) as reason:
            if client.in_transaction:
                raise
            if _is_outage(reason):  # for which MLflow's client would wait as long again
                raise _unavailable(reason) from reason
            _log.debug("%s is left to MLflow: %s", name, reason)
        by_mlflow: Callable[_P, _R] = getattr(client.mlflow_client, name)
        return by_mlflow(*args, **kwargs)

    return call


def _is_outage(error: Exception) -> bool:
    """Whether the file cannot be written at present, whoever tries."""
    cause = getattr(error, "orig", None)
    code = getattr(cause, "sqlite_errorcode", 0)  # the lowest byte is what all kinds share
    return isinstance(error, OperationalError) and code & 0xFF in _OUTAGES


def _unavailable(error: Exception) -> Exception:
    """What MLflow's client raises in an outage."""
    same: Exception = MlflowException(str(error), error_code=TEMPORARILY_UNAVAILABLE)
    return same
