"""What MLflow's client sends to a server to say who it is, read where MLflow reads it.

MLflow itself is not imported: a wrong password is to be told before anything heavy is.
"""

from __future__ import annotations

import base64
import configparser
import os
import ssl
from pathlib import Path
from urllib.parse import unquote, urlsplit

USERNAME, PASSWORD, TOKEN = (
    f"MLFLOW_TRACKING_{name}" for name in ("USERNAME", "PASSWORD", "TOKEN")
)

_FILE = Path(".mlflow", "credentials")  # in the home folder
_SIGNED_OTHERWISE = ("MLFLOW_TRACKING_AUTH", "MLFLOW_TRACKING_AWS_SIGV4")


def authorization(uri: str) -> str | None:
    """Value of the header `Authorization` with which MLflow asks a server.

    Args:
        uri: Of the server; a user and a password within it come before all others.

    Returns:
        None where there is neither a user with a password nor a token.

    Example:
        >>> authorization("http://ann:secret@127.0.0.1:5000")
        'Basic YW5uOnNlY3JldA=='
    """
    parts = urlsplit(uri)
    kept = _kept()
    if parts.username is not None:
        user, password = unquote(parts.username), unquote(parts.password or "")
    else:
        user = os.environ.get(USERNAME) or kept.get(USERNAME.lower(), "")
        password = os.environ.get(PASSWORD) or kept.get(PASSWORD.lower(), "")
        if not (user and password):
            token = os.environ.get(TOKEN)
            return f"Bearer {token}" if token else None
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode('ascii')}"


def is_known() -> bool:
    """Whether `authorization` tells all that MLflow would send.

    It does not where a plugin signs the requests, or the file `.netrc` has passwords.
    """
    if any(
        os.environ.get(name, "").lower() not in {"", "false", "0"} for name in _SIGNED_OTHERWISE
    ):
        return False
    return not any((Path.home() / name).exists() for name in (".netrc", "_netrc"))


def tls(uri: str) -> ssl.SSLContext | None:
    """How a server's certificate is checked, by MLflow's variables and those of its library.

    Returns:
        None for a server that is asked without TLS.
    """
    if not uri.startswith("https"):
        return None
    own = ("MLFLOW_TRACKING_SERVER_CERT_PATH", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    trusted = next((path for name in own if (path := os.environ.get(name))), None)
    folder = trusted if trusted and Path(trusted).is_dir() else None
    context = ssl.create_default_context(cafile=None if folder else trusted, capath=folder)
    if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in {"true", "1"}:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if client := os.environ.get("MLFLOW_TRACKING_CLIENT_CERT_PATH"):
        context.load_cert_chain(client)
    return context


def _kept() -> dict[str, str]:
    """What MLflow's own file says; nothing where there is none, or one that cannot be read."""
    values = configparser.ConfigParser(interpolation=None)
    try:
        values.read(Path.home() / _FILE)
    except (configparser.Error, OSError, UnicodeDecodeError):
        return {}
    return dict(values["mlflow"]) if values.has_section("mlflow") else {}
