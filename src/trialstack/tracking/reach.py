"""Whether a server or a database answers and lets one in, found out in seconds."""

from __future__ import annotations

import contextlib
import urllib.error
import urllib.request
from http import HTTPStatus
from http.client import HTTPException
from urllib.parse import urlsplit

from trialstack.errors import InputError
from trialstack.tracking import credentials
from trialstack.tracking.store import display_uri

_THERE_WITHIN = 5.0  # seconds
_ANSWERS_WITHIN = 20.0  # a busy server takes its time to check a password and ask its database
_HEALTH = "/health"
_PAGE = "/api/2.0/mlflow/experiments/search?max_results=1"


def require_server(uri: str) -> None:
    """Refuses a server that does not answer, or that does not know the user.

    Another answer will do, an error too: what MLflow makes of it is MLflow's to say.

    Args:
        uri: Of the server, perhaps with a user and a password.

    Raises:
        InputError: It cannot be used, and why.
    """
    _require_port(uri)
    header = credentials.authorization(uri)
    try:
        with contextlib.suppress(urllib.error.HTTPError):  # an answer, too
            _ask(uri, _HEALTH, None, _THERE_WITHIN)
        _ask(uri, _PAGE, header, _ANSWERS_WITHIN)
    except urllib.error.HTTPError as answer:
        with answer:
            said = answer.read(1000).decode("utf-8", "replace")
        _judge(uri, answer.code, said, header is not None)
    except (OSError, ValueError, HTTPException) as error:
        reason = getattr(error, "reason", None) or str(error).strip() or type(error).__name__
        raise InputError(
            f"tracking server {display_uri(uri)} does not answer: {reason}; start it, or choose "
            "another store with --tracking-uri"
        ) from error


def not_let_in(uri: str, known: bool) -> InputError:
    """What is said of a server that answers 401.

    Args:
        uri: Of the server.
        known: Whether it was told a user or a token.
    """
    server = f"tracking server {display_uri(uri)}"
    variables = f"{credentials.USERNAME} and {credentials.PASSWORD}"
    if known:
        return InputError(f"{server} refuses the user name or the password; check {variables}")
    return InputError(f"{server} wants a user name and a password; set {variables}")


def require_database(uri: str) -> None:
    """Refuses a database server that does not answer; MLflow would try for minutes.

    Args:
        uri: As SQLAlchemy takes it; its driver is there.

    Raises:
        InputError: It cannot be used, and why.
    """
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    try:
        engine = create_engine(
            uri, poolclass=NullPool, connect_args={"connect_timeout": int(_THERE_WITHIN)}
        )
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except (SQLAlchemyError, ValueError) as error:
        cause = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        raise InputError(
            f"database {display_uri(uri)} cannot be used: {display_uri(cause)}"
        ) from error


def _require_port(uri: str) -> None:
    try:
        _ = urlsplit(uri).port  # one beyond 65535 would be taken for another one
    except ValueError:
        # Its text shows what stands there: of a password with a slash in it, the beginning.
        raise InputError(
            f"tracking server {display_uri(uri)}: what follows the last colon of its name is no "
            "port from 0 to 65535; in a user name or password write / ? # as %2F %3F %23"
        ) from None


def _ask(uri: str, page: str, header: str | None, within: float) -> None:
    scheme, _, rest = uri.partition("://")
    address = f"{scheme}://{rest.rpartition('@')[2]}{page}"  # urllib takes no credentials
    headers = {"Authorization": header} if header else {}
    request = urllib.request.Request(address, headers=headers)
    urllib.request.urlopen(request, timeout=within, context=credentials.tls(uri)).close()


def _judge(uri: str, code: int, said: str, known: bool) -> None:
    if code == HTTPStatus.UNAUTHORIZED and credentials.is_known():
        raise not_let_in(uri, known)
    if code == HTTPStatus.FORBIDDEN and "Invalid Host header" in said:
        name = urlsplit(uri).netloc.rpartition("@")[2]
        raise InputError(
            f"tracking server {display_uri(uri)} does not answer under the name {name}; the one "
            "who runs it adds the name to its --allowed-hosts"
        )
