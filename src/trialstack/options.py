"""What several commands share: their group, and options of commands that work on a store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from trialstack.errors import InputError


class Commands(click.Group):
    """Refuses what is not there with one line that says what is."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command."""
        there = ", ".join(self.list_commands(ctx))
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


def of_table(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of commands that take a table in place of an experiment file."""
    for option in reversed(
        (
            click.option("--data", metavar="ROWS.csv", help="A table: .csv, .csv.gz or .parquet."),
            click.option("--target", metavar="COLUMN", help="What is predicted."),
            click.option("--name", metavar="NAME", help="Of the experiment; else the file's."),
            click.option("--drop", multiple=True, metavar="COLUMN", help="Nobody is to see it."),
            click.option(
                "--categorical", multiple=True, metavar="COLUMN", help="Its numbers are names."
            ),
            click.option("--positive", metavar="LABEL", help="The one that F1 is about."),
            click.option(
                "--group", metavar="COLUMN", help="Equal values stay on one side of a split."
            ),
            click.option("--time", metavar="COLUMN", help="The latest rows are the test rows."),
            click.option("--test-source", metavar="ROWS.csv", help="Has the test rows."),
            click.option("--separator", metavar="CHAR", help="Of a CSV file; a comma by default."),
            click.option("--encoding", metavar="NAME", help="Of a CSV file; utf-8 by default."),
            click.option(
                "--drop-missing-target", is_flag=True, help="Leave out rows without a target."
            ),
            click.option(
                "--group-duplicates", is_flag=True, help="Equal rows stay on one side of a split."
            ),
        )
    ):
        command = option(command)
    return command
