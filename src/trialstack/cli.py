"""The command line: commands and their options; what they do is elsewhere."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from trialstack import __version__
from trialstack.errors import InputError, Interrupted, NotBuiltError, TrialstackError

TO_COME = (
    "compare",
    "describe",
    "models",
    "predict",
    "promote",
    "report",
    "serve",
    "sweep-lr",
    "sync",
    "train",
)
"""Commands that the documentation names and this version does not have."""

LONGEST_TEXT = 500
"""Characters of an unforeseen error that are shown; TensorFlow's may hold whole tensors."""

SETTINGS = {
    "trials": "search.max_trials",
    "epochs": "search.epochs",
    "seed": "search.seed",
    "algorithm": "search.algorithm",
    "executor": "search.executor",
}
"""Options of `tune` that are keys of the experiment file."""


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


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=False,
    invoke_without_command=True,
)
@click.version_option(__version__, prog_name="trialstack")
@click.pass_context
def cli(context: click.Context) -> None:
    """Keras Tuner searches in which every trial is a proper MLflow run."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cli.command()
@click.argument("experiment", required=False, metavar="EXPERIMENT.toml")
@click.option("--trials", metavar="N", help="Trials in all.")
@click.option("--epochs", metavar="N", help="Epochs of a trial at most.")
@click.option("--seed", metavar="N", help="Of hyperparameters, initial weights and batches.")
@click.option("--algorithm", metavar="random|...", help="How hyperparameters are chosen.")
@click.option("--executor", metavar="auto|one-by-one|...", help="What trains the trials.")
@click.option("--time-limit", metavar="10m", help="Ask no further trial after this time.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Any key, as search.patience=5."
)
@click.option("--fresh", is_flag=True, help="Begin a new search, whatever is there.")
@click.option("--extend", type=int, metavar="N", help="N more trials for a finished search.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
@common
@tables_to_come
def tune(experiment: str | None, **options: Any) -> None:
    """Search, fit the winner, evaluate it on sealed test rows, register it.

    The same command after an interruption goes on where it stopped.
    """
    from trialstack.commands.tune import run_tune

    for option in OF_TABLES:
        if options[option] is not None:
            raise NotBuiltError(
                f"--{option} is not there yet; give an experiment file: trialstack new NAME"
            )
    if experiment is None:
        raise InputError("no experiment file came; give one, or make one with: trialstack new NAME")
    keys = {key: options[name] for name, key in SETTINGS.items() if options[name] is not None}
    run_tune(
        Path(experiment),
        [*(f"{key}={value}" for key, value in keys.items()), *options["settings"]],
        tracking_uri=options["tracking_uri"],
        fresh=options["fresh"],
        extend=options["extend"],
        time_limit=options["time_limit"],
        as_json=options["as_json"],
        debug=options["debug"],
    )


@cli.command()
@click.argument("name")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def new(name: str, debug: bool) -> None:
    """Write NAME.toml, a first experiment file to edit."""
    from trialstack.new import write_new

    path = write_new(name, Path.cwd())
    click.echo(f"{path.name} is written. Edit it, then: trialstack tune {path.name}")


@cli.command()
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="A loopback address.")
@common
def ui(port: int, host: str, tracking_uri: str | None, debug: bool) -> None:
    """Run the MLflow UI on this store."""
    from trialstack.commands.ui import run_ui

    run_ui(tracking_uri, port, host)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs a command and ends the process with its exit code.

    Everything is written and closed by then, and TensorFlow's own end takes seconds.
    """
    code = run(list(sys.argv[1:] if arguments is None else arguments))
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # nobody reads it any more
            stream.flush()
    os._exit(code)


def run(arguments: list[str]) -> int:
    """Runs a command; returns its exit code."""
    from trialstack.console import fail

    debug = "--debug" in arguments
    try:
        # Not `cli.main`, which makes one and the same exception of all signals.
        with cli.make_context("trialstack", arguments) as context:
            cli.invoke(context)
    except click.exceptions.Exit as end:  # of --help and --version
        return end.exit_code
    except click.ClickException as error:
        fail(_usage(error))
        return 2
    except Interrupted as error:
        return error.exit_code  # the command has said what is saved
    except TrialstackError as error:
        return _failed(error, str(error), error.exit_code, debug)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 1  # as of `| head`: nobody is there to be told
    except Exception as error:
        text = str(error)
        text = text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}..."
        text = f"{type(error).__name__}: {text} (the whole traceback: --debug)"
        return _failed(error, text, 1, debug)
    return 0


def _failed(error: Exception, text: str, code: int, debug: bool) -> int:
    from trialstack.console import fail

    fail(text)
    if debug:
        import traceback

        traceback.print_exception(error)
    return code


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    text = error.format_message().rstrip(".")
    return f"{text}; see: {context.command_path} --help" if context else text
