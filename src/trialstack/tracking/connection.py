"""Opens a store: quietly, in bounded time, and safely beside other processes."""

from __future__ import annotations

import logging
import os
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from trialstack.errors import InputError
from trialstack.tracking import credentials
from trialstack.tracking.new_database import make_database
from trialstack.tracking.reach import not_let_in, require_database, require_server
from trialstack.tracking.store import Store, display_uri

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    # A bar for the handful of files of a model says nothing.
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # By default one call to a dead server blocks for four minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    # Ending a run would print its address, and ask the server for the run in order to do so.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}

# Codes that MLflow gives to an answer 401, by how the server words it.
_NOT_LET_IN = {"CUSTOMER_UNAUTHORIZED", "UNAUTHENTICATED"}


def connect(store: Store) -> Any:
    """See `trialstack.tracking.store.open_client`."""
    quiet_mlflow()
    probe(store)
    if store.sqlite_file is not None:
        return _open_sqlite(store, store.sqlite_file)
    return _checked_client(store)


def probe(store: Store) -> None:
    """Refuses what can be seen to be unusable without MLflow; makes and changes nothing.

    Raises:
        InputError: The file is no database, or the server does not answer or does not know the
            user.
    """
    file = store.sqlite_file
    try:
        if file is not None and not _is_new(file):
            # MLflow would try for two minutes to open something that is no database.
            _ask(file, "PRAGMA schema_version")
    except OSError as error:
        raise _refusal(store, f"{error.strerror or error}: {error.filename or file}") from error
    if store.tracking_uri.startswith("http"):
        require_server(store.tracking_uri)
    elif not store.local:
        require_database(store.tracking_uri)


def quiet_mlflow() -> None:
    """Settings of MLflow that must be made before its import; the user's own are kept."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    # Both report every attempt, with a traceback; what finally failed is told by the tracker.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    # An environment without pip, as uv makes them, is no news to the user.
    logging.getLogger("mlflow.utils.environment").setLevel(logging.ERROR)


def _checked_client(store: Store) -> Any:
    with warnings.catch_warnings():
        # MLflow's use of SQLAlchemy, complained of once, at the first query.
        warnings.simplefilter("ignore", DeprecationWarning)
        return _client_that_answers(store)


def _client_that_answers(store: Store) -> Any:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    from trialstack.tracking.repeats import repeat_less

    repeat_less()
    try:
        client = MlflowClient(store.tracking_uri, registry_uri=store.tracking_uri)
        client.search_experiments(max_results=1)
    except MlflowException as error:
        if error.error_code in _NOT_LET_IN:
            known = credentials.authorization(store.tracking_uri) is not None
            raise not_let_in(store.tracking_uri, known) from error
        raise _refusal(store, str(error)) from error
    except Exception as error:  # SQLAlchemy's and the drivers' own
        raise _refusal(store, f"{type(error).__name__}: {error}") from error
    return client


def _refusal(store: Store, cause: str) -> InputError:
    uri = display_uri(store.tracking_uri)
    if "out-of-date database schema" in cause or "Can't locate revision" in cause:
        return InputError(
            f"tracking store {uri}: its schema is of another version of MLflow; make a copy of "
            f"the database, then run: mlflow db upgrade {uri}"
        )
    first_line = display_uri(cause).strip().partition("\n")[0]
    return InputError(f"tracking store {uri} cannot be used: {first_line}")


def _open_sqlite(store: Store, file: Path) -> Any:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with _exclusive(file.with_name(f"{file.name}.lock")):
            if _is_new(file):
                make_database(file, lambda new: _make_tables(store, file, new))
            client = _checked_client(store)
    except sqlite3.Error as error:
        raise _refusal(store, str(error)) from error
    except OSError as error:
        raise _refusal(store, f"{error.strerror or error}: {error.filename or file}") from error
    _relax_fsync(client)

    from trialstack.tracking.direct import direct_client

    return direct_client(client)


def _make_tables(store: Store, file: Path, new: Path) -> None:
    """Makes the tables of a store in a file of another name."""
    uri = store.tracking_uri.replace(str(file), str(new))
    try:
        client = _checked_client(replace(store, tracking_uri=uri))
    except InputError as error:  # the name that the user knows is the final one
        raise InputError(str(error).replace(str(new), str(file))) from error
    client._tracking_client.store.engine.dispose()


@contextmanager
def _exclusive(lock_file: Path) -> Iterator[None]:
    """MLflow's migrations are not made for two processes that start on one new file."""
    import fcntl

    with lock_file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _is_new(file: Path) -> bool:
    return not file.exists() or file.stat().st_size == 0


def _ask(file: Path, statement: str) -> None:
    try:
        with closing(sqlite3.connect(file, timeout=30)) as database:
            database.execute(statement)
    except sqlite3.Error as error:
        locked = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
        mend = "end the process that holds it, or wait" if locked else "is it an SQLite file?"
        raise InputError(f"tracking store {file}: {error}; {mend}") from error


def _relax_fsync(client: Any) -> None:
    """Halves the time of a write: no fsync a transaction where write-ahead logging allows it.

    A killed process loses nothing by it, a power cut at most the last transactions; the journal
    of a search is the durable record.
    """
    from sqlalchemy import event

    engine = getattr(client._tracking_client.store, "engine", None)
    if engine is None or getattr(engine, "_trialstack_relaxed", False):
        return

    def relax(connection: Any, _record: Any) -> None:
        if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
            connection.execute("PRAGMA synchronous = NORMAL")

    event.listen(engine, "connect", relax)
    engine._trialstack_relaxed = True
    engine.dispose()  # connections made before do not have it
