"""`trialstack server`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from trialstack.console import one_line
from trialstack.errors import InputError, Interrupted
from trialstack.tracking.team import ADMIN, PERMISSIONS, TeamServer


def settings(given: dict[str, Any], *, on_command_line: bool) -> TeamServer:
    """What a team's server is made of.

    Args:
        given: Options by name; None = not given.
        on_command_line: Whether the database came as an option, not as a variable.

    Raises:
        InputError: The database is missing or shows its password to everyone on this machine, or a
            permission is none of those that may be everybody's.
    """
    given = {name: value for name, value in given.items() if value is not None}
    if "database" not in given:
        raise InputError(
            "no database came; a server for a team needs PostgreSQL: set TRIALSTACK_DATABASE, or "
            "make server DATABASE=postgresql:///mlflow?host=/var/run/postgresql"
        )
    if on_command_line and _password_of(given["database"]):
        raise InputError(
            "--database: everyone on this machine can read the password in a command; put it into "
            "the variable TRIALSTACK_DATABASE or the file ~/.pgpass"
        )
    permission = given.get("default_permission", PERMISSIONS[0])
    if permission not in PERMISSIONS:
        raise InputError(
            f"--default-permission: {permission!r} came; one of {', '.join(PERMISSIONS)} is wanted"
        )
    if "allowed_hosts" in given:
        given["allowed_hosts"] = tuple(name.strip() for name in given["allowed_hosts"].split(","))
    if "folder" in given:
        given["folder"] = Path(given["folder"])
    return TeamServer(**given)


def _password_of(database: str) -> str | None:
    try:
        return urlsplit(database).password
    except ValueError:  # refused later, as no address
        return None


def run_server(server: TeamServer) -> None:
    """Runs a team's server until Ctrl-C; its log goes to stderr.

    Args:
        server: What it is made of.
    """
    try:
        server.run(
            on_ready=lambda url: _say_where(server, url),
            log=lambda line: print(one_line(line), file=sys.stderr, flush=True),
        )
    except Interrupted:
        return  # the usual way to end it


def _say_where(server: TeamServer, url: str) -> None:
    print(f"{url} answers until Ctrl-C")
    if server.password_file.exists():
        print(f"the password of its user {ADMIN!r} is in {server.password_file}")
    for name in server.allowed_hosts:
        print(f"it may also be asked as {name}")
    sys.stdout.flush()
