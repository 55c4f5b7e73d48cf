"""A tracking server for a team: PostgreSQL behind it, its own artifacts, a password a person."""

from __future__ import annotations

import configparser
import importlib.util
import io
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from trialstack.errors import InputError
from trialstack.tracking.connection import probe
from trialstack.tracking.secret_files import kept_secret, private_folder, write_private
from trialstack.tracking.server import Program, bracketed, is_loopback, serve
from trialstack.tracking.store import display_uri, resolve_store

DEFAULT_PORT = 5000
DEFAULT_FOLDER = Path("mlruns", "server")
PERMISSIONS = ("NO_PERMISSIONS", "READ")
"""What may be everybody's, without a grant, on the experiments and models of others."""

ADMIN = "admin"

# A host as browsers and clients send it: a name or an address, and a port unless it is 80 or 443.
_HOST = re.compile(r"([a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:]+\])(:\d{1,5})?", re.IGNORECASE)
_EVERYWHERE = ("0.0.0.0", "::")
_SCHEMES = ("https", "http")

_REMEMBERED = 60  # seconds that a checked password holds: checking one takes 50 ms of a core


@dataclass(frozen=True)
class TeamServer:
    """What a team's server is made of; all of it is checked before anything is started.

    Attributes:
        database: URI of a PostgreSQL database, for runs, models and users.
        folder: Where its secrets are; made if need be.
        artifacts: Folder or URI of the files of runs and models; in `folder` by default.
        host: Where it listens. One that other machines reach must be allowed by `public`.
        port: This one or none.
        allowed_hosts: Names beside this machine's under which it may be asked, such as
            `mlflow.example.com`: exact, with the port unless it is that of the scheme.
        public: Whether other machines may reach it without a proxy, and so without TLS.
        default_permission: One of `PERMISSIONS`.
        workers: Processes.
        log_requests: Whether every request is a line of the log.
    """

    database: str
    folder: Path = DEFAULT_FOLDER
    artifacts: str = ""
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    allowed_hosts: tuple[str, ...] = ()
    public: bool = False
    default_permission: str = PERMISSIONS[0]
    workers: int = 2
    log_requests: bool = False

    def run(
        self,
        *,
        on_ready: Callable[[str], None],
        log: Callable[[str], None],
    ) -> NoReturn:
        """Runs the server until a signal or its own end.

        Call it from the main thread: SIGINT and SIGTERM end the server and all of its processes.

        Args:
            on_ready: Told the server's address once it answers.
            log: Takes the lines that it writes.

        Raises:
            InputError: A setting is refused, a package is missing, the database does not answer, or
                the port is taken.
            Interrupted: A signal ended it, which is the usual way.
            TrialstackError: The server ended by itself.
        """
        self.check()
        program = Program("the server", self._command, "/health", self._environment(), log=log)
        serve(program, self.port, host=self.host, on_ready=on_ready, warn=log, any_port=False)

    def check(self) -> None:
        """Refuses what cannot work or would be unsafe; makes and changes nothing.

        Raises:
            InputError: See `run`.
        """
        if not self.database.startswith(("postgresql://", "postgresql+")):
            raise InputError(
                f"database {display_uri(self.database)!r}: a server for a team keeps its runs in "
                "PostgreSQL; use postgresql://USER@HOST/NAME"
            )
        store = resolve_store(self.database)
        if importlib.util.find_spec("flask_wtf") is None:
            raise InputError(
                "a server with passwords needs the package Flask-WTF, which is not installed; "
                "run: pip install 'mlflow[auth]'"
            )
        self._check_hosts()
        probe(store)

    @property
    def password_file(self) -> Path:
        """Has the password of the user `admin`."""
        return self.folder.absolute() / "admin-password"

    def _check_hosts(self) -> None:
        for name in self.allowed_hosts:
            if not _HOST.fullmatch(name):
                raise InputError(
                    f"allowed host {name!r}: an exact name or address is wanted, with a port "
                    "unless it is 80 or 443, as mlflow.example.com or 10.0.0.5:5000"
                )
        if is_loopback(self.host):
            return
        if not self.public:
            raise InputError(
                f"host {self.host!r}: other machines would reach it, and passwords cross the "
                "network in the clear; keep 127.0.0.1 behind a proxy with TLS, or add --public"
            )
        if not self.allowed_hosts:
            raise InputError(
                f"host {self.host!r}: under which name is it asked? "
                f"--allowed-hosts NAME:{self.port}"
            )

    def _environment(self) -> Mapping[str, str]:
        """Makes what is not there yet: folders, secrets, configuration."""
        folder = private_folder(self.folder.absolute())
        if "://" not in self._artifacts():  # a backup wants it before anybody has written into it
            private_folder(Path(self._artifacts()))
        configuration = folder / "basic_auth.ini"
        write_private(configuration, self._configuration())

        def secret(variable: str, file: Path) -> str:
            return os.environ.get(variable) or kept_secret(file)

        return {
            # Not on the command line, where everyone may read a password in it.
            "MLFLOW_BACKEND_STORE_URI": self.database,
            "MLFLOW_REGISTRY_STORE_URI": self.database,
            "MLFLOW_AUTH_CONFIG_PATH": str(configuration),
            "MLFLOW_AUTH_ADMIN_USERNAME": ADMIN,
            "MLFLOW_AUTH_ADMIN_PASSWORD": secret("MLFLOW_AUTH_ADMIN_PASSWORD", self.password_file),
            "MLFLOW_FLASK_SERVER_SECRET_KEY": secret(
                "MLFLOW_FLASK_SERVER_SECRET_KEY", folder / "secret-key"
            ),
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_TRACKING_URI": "",  # of the person who starts it, perhaps this very server's
            "PYTHONWARNINGS": "ignore",
        }

    def _configuration(self) -> str:
        """The file of MLflow's basic-auth app, whose tables are in the same database."""
        values = configparser.ConfigParser(interpolation=None)
        values["mlflow"] = {
            "default_permission": self.default_permission,
            "database_uri": self.database.replace("%", "%%"),  # MLflow interpolates
            "admin_username": ADMIN,
            "auth_cache_ttl_seconds": str(_REMEMBERED),
        }
        text = io.StringIO()
        values.write(text)
        return text.getvalue()

    def _command(self, host: str, port: int) -> list[str]:
        # Never 0.0.0.0: browsers let pages of others ask this machine under that name.
        own = [] if self.host in _EVERYWHERE else [bracketed(host)]
        here = dict.fromkeys(["localhost", "127.0.0.1", *own])
        hosts = [*(f"{name}:{port}" for name in here), *self.allowed_hosts]
        # Browsers name the page's origin with what they send, behind a proxy that of the proxy.
        origins = [f"{scheme}://{name}" for name in self.allowed_hosts for scheme in _SCHEMES]
        command = [sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth"]
        command += ["--host", host, "--port", str(port), "--workers", str(self.workers)]
        command += ["--serve-artifacts", "--artifacts-destination", self._artifacts()]
        command += ["--allowed-hosts", ",".join(hosts)]
        if origins:
            command += ["--cors-allowed-origins", ",".join(origins)]
        level = "info" if self.log_requests else "warning"
        return [*command, "--uvicorn-opts", f"--log-level {level}"]

    def _artifacts(self) -> str:
        if "://" in self.artifacts:
            return self.artifacts
        return str(Path(self.artifacts or self.folder / "artifacts").absolute())
