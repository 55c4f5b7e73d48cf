"""Where MLflow keeps its runs: an SQLite file, another database, or a tracking server.

The address is resolved once, made absolute and handed on; MLflow's own global address, which
follows environment variables and folders that happen to exist, is never asked.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from trialstack.errors import InputError

_WANTED = "use sqlite:///PATH/mlflow.db, postgresql://... or the http(s):// address of a server"

# A password may hold nearly everything; rather too much is masked than too little.
_SECRET_IN_AUTHORITY = re.compile(r"(?<=://)\S*@")
_SECRET_IN_QUERY = re.compile(
    r"((?:password|passwd|pwd|token|secret|api_?key|access_?key)=)[^&\s]*", re.IGNORECASE
)

# scheme of the URI -> (module that must be there, package that has it)
_DRIVERS = {
    "postgresql+psycopg": ("psycopg", "psycopg[binary]"),
    "postgresql+psycopg2": ("psycopg2", "psycopg2-binary"),
    "mysql": ("MySQLdb", "mysqlclient"),
    "mysql+mysqldb": ("MySQLdb", "mysqlclient"),
    "mysql+pymysql": ("pymysql", "pymysql"),
}


@dataclass(frozen=True)
class Store:
    """A resolved tracking store.

    Attributes:
        tracking_uri: Absolute; may hold a password, hence left out of the representation.
        artifact_root: Folder under which new experiments put their files; None where a server
            decides.
        folder: Where the searches' own records (`searches/`) and lock files live.
        local: Whether the store is a file on this machine.
    """

    tracking_uri: str = field(repr=False)
    artifact_root: Path | None
    folder: Path
    local: bool

    @property
    def sqlite_file(self) -> Path | None:
        """The database file of a local store."""
        if not self.local:
            return None
        return Path(self.tracking_uri.removeprefix("sqlite:///").partition("?")[0])


def display_uri(text: str) -> str:
    """A URI, or a message that holds some, with its credentials masked.

    Example:
        >>> display_uri("postgresql://ann:secret@db/runs")
        'postgresql://***@db/runs'
    """
    return _SECRET_IN_QUERY.sub(r"\1***", _SECRET_IN_AUTHORITY.sub("***@", text))


def resolve_store(tracking_uri: str | None = None, directory: Path | None = None) -> Store:
    """Finds the store without touching it.

    Args:
        tracking_uri: What the user asked for; else the environment variable
            `MLFLOW_TRACKING_URI`; else `mlruns/mlflow.db` under the directory.
        directory: What relative paths are relative to; the current directory by default.

    Raises:
        InputError: A kind of store that is not supported, or whose driver is not installed; or
            an empty text, which is not taken for the default.
    """
    if tracking_uri == "":
        raise InputError(f"tracking URI '' came; {_WANTED}, or leave it away for the default")
    directory = (directory or Path.cwd()).absolute()
    uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlruns/mlflow.db"
    scheme = uri.partition("://")[0].lower() if "://" in uri else ""
    kind = scheme.partition("+")[0]
    if kind == "sqlite":
        return _sqlite_store(uri, directory)
    if kind in {"http", "https"}:
        try:
            host = urlsplit(uri).hostname
        except ValueError as error:  # half an IPv6 address
            raise InputError(f"tracking URI {display_uri(uri)!r}: {error}") from error
        if not host:
            raise InputError(f"tracking URI {display_uri(uri)!r}: the server's name is missing")
        return Store(uri.rstrip("/"), None, directory / "mlruns", local=False)
    if kind in {"postgresql", "mysql"}:
        _require_driver(uri, scheme)
        folder = directory / "mlruns"
        return Store(uri, folder / "artifacts", folder, local=False)
    if kind in {"", "file"}:
        raise InputError(
            f"tracking URI {display_uri(uri)!r}: MLflow's file store is not supported; {_WANTED}"
        )
    raise InputError(f"tracking URI {display_uri(uri)!r}: unknown kind of store; {_WANTED}")


def _sqlite_store(uri: str, directory: Path) -> Store:
    path, question_mark, query = uri.partition("://")[2].partition("?")
    name = path.removeprefix("/")
    if not path.startswith("/") or not name or name == ":memory:" or name.endswith("/"):
        raise InputError(f"tracking URI {uri!r}: a file is wanted, as in sqlite:///PATH/mlflow.db")
    # sqlite:///x is relative and sqlite:////x absolute; joining keeps an absolute path as it is.
    file = Path(os.path.normpath(directory / name))
    return Store(
        f"sqlite:///{file}{question_mark}{query}", file.parent / "artifacts", file.parent, True
    )


def _require_driver(uri: str, scheme: str) -> None:
    if scheme == "postgresql":  # SQLAlchemy changed its default driver with version 2.1
        version = importlib.metadata.version("sqlalchemy").split(".")
        newer = (int(version[0]), int(version[1])) >= (2, 1)
        scheme = "postgresql+psycopg" if newer else "postgresql+psycopg2"
    module, package = _DRIVERS.get(scheme, ("", ""))
    if not module:
        raise InputError(
            f"tracking URI {display_uri(uri)!r}: unknown driver; known: {', '.join(_DRIVERS)}"
        )
    if importlib.util.find_spec(module) is None:
        raise InputError(
            f"tracking URI {display_uri(uri)!r}: its driver is not installed; "
            f"run: pip install '{package}'"
        )


def open_client(store: Store) -> Any:
    """Connects to a store, making it first if it is an SQLite file that is not there yet.

    Several processes may do so at once. Imports MLflow (seconds).

    Returns:
        An `mlflow.MlflowClient` for runs and registered models; for an SQLite file one that does
        the same quicker, see `trialstack.tracking.direct`.

    Raises:
        InputError: The store cannot be reached, read or written, or its schema is of another
            version of MLflow.
    """
    from trialstack.tracking import connection

    return connection.connect(store)
