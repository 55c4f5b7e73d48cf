"""What several commands share: their group, and options of commands that work on a store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from trialstack.errors import InputError, NotBuiltError

TO_COME = (
    "describe",
    "report",
    "sync",
)
"""Commands that the documentation names and this version does not have."""

OF_TABLES = ("data", "target", "name", "separator", "encoding")
"""Options of `tune` on a table without an experiment file, which is not there yet."""


class Commands(click.Group):
    """Refuses what is not there with one line that says what is."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command."""
        there = ", ".join(self.list_commands(ctx))
        if args[0] in TO_COME:
            raise NotBuiltError(f"command {args[0]!r} is not there yet; there are: {there}")
        if args[0] not in self.commands:
            raise InputError(f"command {args[0]!r} is unknown; there are: {there}")
        return super().resolve_command(ctx, args)


def _not_empty(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """An empty variable of a script is not taken for the default store."""
    if value == "":
        raise InputError(
            "--tracking-uri: '' came; give a store, such as sqlite:///mlruns/mlflow.db"
        )
    return value


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of every command that works on a store."""
    for option in (
        click.option("--debug", is_flag=True, help="Show the log, and an error's traceback."),
        click.option(
            "--tracking-uri",
            metavar="URI",
            callback=_not_empty,
            help="MLflow store [env MLFLOW_TRACKING_URI]",
        ),
    ):
        command = option(command)
    return command


def tables_to_come(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that are refused with better words than that they are unknown."""
    for name in OF_TABLES:
        command = click.option(f"--{name}", hidden=True)(command)
    return command
