from __future__ import annotations

import configparser
import importlib.util
import socket
from pathlib import Path
from typing import Any

import pytest

from trialstack.commands.server import settings
from trialstack.errors import InputError
from trialstack.tracking import team as team_module
from trialstack.tracking.server import Program
from trialstack.tracking.team import TeamServer

DATABASE = "postgresql://mlflow:p%25ss@127.0.0.1/mlflow"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both packages of the extra, and a database that answers."""
    there = importlib.util.find_spec

    def find_spec(name: str, *more: Any) -> Any:
        return there("json") if name in {"flask_wtf", "psycopg"} else there(name, *more)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    monkeypatch.setattr(team_module, "probe", lambda store: None)


def program_of(server: TeamServer, monkeypatch: pytest.MonkeyPatch) -> tuple[Program, list[str]]:
    """What would be started, and its command line."""
    started: list[Program] = []

    def serve(program: Program, port: int, **options: Any) -> None:
        assert options["any_port"] is False
        started.append(program)

    monkeypatch.setattr(team_module, "serve", serve)
    server.run(on_ready=print, log=print)
    return started[0], started[0].command(server.host, server.port)


def option(command: list[str], name: str) -> str:
    return command[command.index(name) + 1]


@pytest.mark.usefixtures("installed")
def test_what_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = TeamServer(DATABASE, tmp_path / "server", allowed_hosts=("mlflow.example.com",))
    program, command = program_of(server, monkeypatch)
    assert option(command, "--allowed-hosts") == (
        "localhost:5000,127.0.0.1:5000,mlflow.example.com"
    )
    assert option(command, "--cors-allowed-origins") == (
        "https://mlflow.example.com,http://mlflow.example.com"
    )
    assert option(command, "--app-name") == "basic-auth"
    assert option(command, "--artifacts-destination") == str(tmp_path / "server" / "artifacts")
    assert (tmp_path / "server" / "artifacts").is_dir()
    assert program.environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert program.environment["MLFLOW_BACKEND_STORE_URI"] == DATABASE
    password = server.password_file.read_text().strip()
    assert program.environment["MLFLOW_AUTH_ADMIN_PASSWORD"] == password
    assert not [word for word in command if password in word or "p%25ss" in word]
    written = configparser.ConfigParser()
    written.read(tmp_path / "server" / "basic_auth.ini")
    assert written["mlflow"]["default_permission"] == "NO_PERMISSIONS"
    assert written["mlflow"]["database_uri"] == DATABASE


@pytest.mark.usefixtures("installed")
def test_a_second_start_keeps_the_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = TeamServer(DATABASE, tmp_path)
    first, _ = program_of(server, monkeypatch)
    second, _ = program_of(server, monkeypatch)
    assert first.environment == second.environment


@pytest.mark.usefixtures("installed")
def test_a_password_of_the_environment_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_AUTH_ADMIN_PASSWORD", "of a vault")
    server = TeamServer(DATABASE, tmp_path)
    program, _ = program_of(server, monkeypatch)
    assert program.environment["MLFLOW_AUTH_ADMIN_PASSWORD"] == "of a vault"
    assert not server.password_file.exists()


@pytest.mark.usefixtures("installed")
def test_a_public_server_is_not_asked_as_0000(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("10.0.0.5:5000",)
    server = TeamServer(DATABASE, tmp_path, host="0.0.0.0", public=True, allowed_hosts=names)
    _, command = program_of(server, monkeypatch)
    assert option(command, "--allowed-hosts") == "localhost:5000,127.0.0.1:5000,10.0.0.5:5000"


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"host": "0.0.0.0"}, "passwords cross the network in the clear.*--public"),
        ({"host": "mlflow.example.com"}, "--public"),
        ({"host": "::", "public": True}, "--allowed-hosts NAME:5000"),
        ({"allowed_hosts": ("*.example.com",)}, "an exact name"),
        ({"allowed_hosts": ("*",)}, "an exact name"),
        ({"allowed_hosts": ("https://mlflow.example.com",)}, "an exact name"),
        ({"allowed_hosts": ("",)}, "an exact name"),
        ({"database": "sqlite:///x.db"}, "keeps its runs in PostgreSQL"),
        ({"database": "http://127.0.0.1"}, "keeps its runs in PostgreSQL"),
    ],
)
def test_what_is_unsafe_is_refused(tmp_path: Path, changed: dict[str, Any], why: str) -> None:
    server = TeamServer(**{"database": DATABASE, "folder": tmp_path / "server", **changed})
    with pytest.raises(InputError, match=why):
        server.run(on_ready=print, log=print)
    assert not (tmp_path / "server").exists()


@pytest.mark.parametrize(
    ("missing", "package"), [("psycopg", r"psycopg\[binary\]"), ("flask_wtf", r"mlflow\[auth\]")]
)
@pytest.mark.usefixtures("installed")
def test_a_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch, missing: str, package: str
) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == missing else there(name)
    )
    with pytest.raises(InputError, match=rf"pip install '{package}'"):
        TeamServer(DATABASE).check()


def test_a_database_that_is_away_is_told_at_once() -> None:
    pytest.importorskip("psycopg")
    pytest.importorskip("flask_wtf")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # but nobody listens
        database = f"postgresql://mlflow:pssst@127.0.0.1:{taken.getsockname()[1]}/mlflow"
        with pytest.raises(InputError, match="cannot be used: connection failed") as refused:
            TeamServer(database).check()
    assert "pssst" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_settings() -> None:
    given = {"database": DATABASE, "allowed_hosts": "a.example, b.example:81", "port": None}
    server = settings(given, on_command_line=False)
    assert server.allowed_hosts == ("a.example", "b.example:81")
    assert server.port == 5000


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"database": None}, "no database came"),
        ({"database": DATABASE}, "everyone on this machine can read the password"),
        (
            {"database": "postgresql:///mlflow", "default_permission": "EDIT"},
            "'EDIT' came; one of NO_PERMISSIONS, READ",
        ),
    ],
)
def test_settings_that_are_refused(given: dict[str, Any], why: str) -> None:
    with pytest.raises(InputError, match=why):
        settings(given, on_command_line=True)
