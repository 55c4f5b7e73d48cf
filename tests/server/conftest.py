"""PostgreSQL and a team's server on it, on ports of their own of the loopback address."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import warnings
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

ROOT = Path(__file__).parents[2]
DATABASE_PASSWORD = "database-p%ssword-9d1c"
USERS = {"ann": "ann-passw@rd-5e2f", "bob": "bob-password-77aa", "probe": "probe-password-31"}
WRONG_PASSWORD = "a-wrong-password"
CREDENTIALS = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")

# Seconds for what ends by itself; a busy machine may take minutes for what usually takes one.
LONGEST_STOP = 300.0
LONGEST_ANSWER = 300.0
LONGEST_COMMAND = 1800.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command_lines() -> dict[int, str]:
    """Of all processes of this machine, by their ids."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            words = (process / "cmdline").read_bytes().split(b"\0")
            found[int(process.name)] = b" ".join(words).decode("utf-8", "replace")
    return found


class Postgres:
    """A cluster in a folder, made with the programs of Debian's package."""

    def __init__(self, folder: Path) -> None:
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        found = str(programs[-1]) if programs else shutil.which("initdb")
        if found is None or not shutil.which("psql"):
            pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
        self.programs = Path(found).resolve().parent
        self.folder = folder
        self.port = free_port()
        self._as_user: list[str] = []
        if os.geteuid() == 0:
            # initdb refuses to run as root
            user = next(name for name in ("postgres", "nobody") if _is_user(name))
            shutil.chown(folder, user)
            self._as_user = ["runuser", "-u", user, "--"]
        password = folder / "password"
        password.write_text(DATABASE_PASSWORD)
        options = ["--username=postgres", "--auth-local=trust", "--auth-host=scram-sha-256"]
        self._run("initdb", "-D", str(folder / "data"), *options, f"--pwfile={password}", "-N")

    @property
    def environment(self) -> dict[str, str]:
        """For programs that ask it."""
        path = os.pathsep.join([str(self.programs), os.environ["PATH"]])
        return {"PATH": path, "PGHOST": str(self.folder), "PGPORT": str(self.port)}

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off"
        options += f" -c unix_socket_directories={self.folder}"
        self._pg_ctl("start", "-o", options, "-l", str(self.folder / "log"))

    def stop(self) -> None:
        self._pg_ctl("stop", "-m", "immediate")  # as a power cut

    def rows(self, query: str, database: str = "mlflow") -> list[dict[str, Any]]:
        """What a query gives: its columns by name."""
        line = f"SELECT json_agg(to_json(found)) FROM ({query}) AS found"
        done = subprocess.run(
            ["psql", "-U", "postgres", "-d", database, "-Atqc", line],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=True,
        )
        return list(json.loads(done.stdout.strip() or "[]"))

    def _pg_ctl(self, *arguments: str) -> None:
        waiting = ["-w", "-t", f"{LONGEST_STOP:.0f}"]
        self._run("pg_ctl", "-D", str(self.folder / "data"), *waiting, *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        # Not captured: the server that pg_ctl starts would keep the pipe.
        with (self.folder.parent / "programs.log").open("a") as log:
            command = [*self._as_user, str(self.programs / program), *arguments]
            subprocess.run(command, stdout=log, stderr=log, cwd=self.folder, check=True)


@contextlib.contextmanager
def new_postgres() -> Iterator[Postgres]:
    """A cluster that runs; skips the test where there is no PostgreSQL."""
    # Not pytest's folder, which only this user may enter; short for the socket's sake.
    with tempfile.TemporaryDirectory(prefix="trialstack-pg-", dir="/tmp") as made:
        Path(made).chmod(0o755)
        folder = Path(made) / "cluster"
        folder.mkdir()
        server = Postgres(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _is_user(name: str) -> bool:
    with contextlib.suppress(KeyError):
        return bool(pwd.getpwnam(name))
    return False


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.out)
        return document


@dataclass
class Team:
    """The server, and the people who use it.

    Attributes:
        folder: Of the server, and below it of what people do.
        postgres: Behind it.
        port: Where it listens.
        said: All that commands have written, by anyone.
    """

    folder: Path
    postgres: Postgres
    port: int
    said: list[str] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None
    begun: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def secrets(self) -> Path:
        return self.folder / "server"

    @property
    def database(self) -> str:
        password = DATABASE_PASSWORD.replace("%", "%25")
        return f"postgresql://mlflow:{password}@127.0.0.1:{self.postgres.port}/mlflow"

    @property
    def admin_password(self) -> str:
        return (self.secrets / "admin-password").read_text().strip()

    def start(self, *options: str) -> None:
        """The server, by our command with its settings in the environment."""
        settings = {
            "TRIALSTACK_DATABASE": self.database,
            "TRIALSTACK_SERVER_FOLDER": str(self.secrets),
            "TRIALSTACK_PORT": str(self.port),
            "TRIALSTACK_ALLOWED_HOSTS": "mlflow.example.com",
        }
        said = self.folder / "server.out"
        with (self.folder / "server.log").open("a") as log, said.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "trialstack", "server", "--log-requests", *options],
                env={**os.environ, **settings, "TMPDIR": str(self.scratch)},
                cwd=self.folder,
                stdout=out,
                stderr=log,
            )
        while not said.read_text():
            assert self.process.poll() is None, (self.folder / "server.log").read_text()
            time.sleep(0.1)
        assert said.read_text().startswith(f"{self.uri} answers until Ctrl-C\n")

    def kill(self) -> None:
        """As the kernel does it when memory is short; nothing of it may be left."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        self.process = None
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                return
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(LONGEST_STOP)
            self.process = None

    def ask(
        self,
        path: str,
        user: str | None = None,
        body: dict[str, Any] | None = None,
        method: str | None = None,
        host: str | None = None,
    ) -> tuple[int, Any]:
        """Status and document of a page."""
        headers = {"Host": host} if host else {}
        if user is not None:
            password = self.admin_password if user == "admin" else USERS[user]
            headers["Authorization"] = f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(
            f"{self.uri}{path}", data=data, headers=headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=LONGEST_ANSWER) as answer:
                code, text = int(answer.status), answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                code, text = error.code, error.read().decode()
        with contextlib.suppress(json.JSONDecodeError):
            return code, json.loads(text)
        return code, text

    def environment(self, user: str | None) -> dict[str, str]:
        """What a person has set."""
        own = {"MLFLOW_TRACKING_URI": self.uri, "COLUMNS": "100", "PYTHONWARNINGS": "ignore"}
        if user is not None:
            own |= dict(zip(CREDENTIALS, (user, USERS.get(user, WRONG_PASSWORD)), strict=True))
        return own

    def run(self, *arguments: str, user: str | None = "ann", at: Path | None = None) -> Answer:
        """One of our commands, in this process, in a folder; the desk by default."""
        from trialstack.cli import run

        out, err = io.StringIO(), io.StringIO()
        with (
            mock.patch.dict(os.environ, self.environment(user)),
            contextlib.chdir(at or self.desk),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = run(list(arguments))
        self.said += [out.getvalue(), err.getvalue()]
        return Answer(code, out.getvalue(), err.getvalue())

    def begin(self, *arguments: str, user: str | None = "ann") -> subprocess.Popen[str]:
        """One of our commands, as a process of its own."""
        process = subprocess.Popen(
            [sys.executable, "-m", "trialstack", *arguments],
            env={**os.environ, **self.environment(user), "TMPDIR": str(self.scratch)},
            cwd=self.desk,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.begun.append(process)
        return process

    def end(self, process: subprocess.Popen[str]) -> Answer:
        out, err = process.communicate(timeout=LONGEST_COMMAND)
        self.said += [out, err]
        return Answer(process.returncode, out, err)

    @property
    def desk(self) -> Path:
        """The current folder of those who use the server."""
        return self._made("desk")

    @property
    def scratch(self) -> Path:
        """Temporary files of all processes."""
        return self._made("scratch")

    def _made(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with new_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def team(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """A server with three people, of whom one may do nothing."""
    pytest.importorskip("psycopg", reason="make test-server installs it")
    pytest.importorskip("flask_wtf", reason="make test-server installs it")
    with warnings.catch_warnings():  # what MLflow's own modules warn of while they are imported
        warnings.simplefilter("ignore")
        importlib.import_module("mlflow.pyfunc")
    made = f"CREATE ROLE mlflow LOGIN PASSWORD '{DATABASE_PASSWORD}'"
    for command in (
        ["psql", "-U", "postgres", "-qc", made],
        ["createdb", "-U", "postgres", "--owner=mlflow", "mlflow"],
    ):
        subprocess.run(command, env={**os.environ, **postgres.environment}, check=True)
    team = Team(tmp_path_factory.mktemp("team"), postgres, free_port())
    team.start()
    try:
        for name, password in USERS.items():
            person = {"username": name, "password": password}
            assert team.ask("/api/2.0/mlflow/users/create", "admin", person)[0] == 200
        yield team
    finally:
        for process in team.begun:  # where a test ended before them
            process.kill()
            process.communicate()
        team.stop()
