"""The command line: commands and their options; what they do is elsewhere."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from trialstack import __version__
from trialstack.options import Commands, common, of_table

SETTINGS = {
    "trials": "search.max_trials",
    "epochs": "search.epochs",
    "seed": "search.seed",
    "algorithm": "search.algorithm",
    "executor": "search.executor",
}
"""Options of `tune` that are keys of the experiment file."""


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
@click.option("--time-limit", metavar="10m", help="Begin no further trial after this time.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Any key, as search.patience=5."
)
@click.option("--fresh", is_flag=True, help="Begin a new search, whatever is there.")
@click.option("--extend", type=int, metavar="N", help="N more trials for a finished search.")
@click.option("--save", metavar="FILE.toml", help="With --data: write the experiment file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
@of_table
@common
def tune(experiment: str | None, **options: Any) -> None:
    """Search, fit the winner, evaluate it on sealed test rows, register it.

    The same command after an interruption goes on where it stopped. With --data ROWS.csv --target
    COLUMN in place of a file, it searches a space that does well on most tables, and prints the
    experiment file for it.
    """
    from trialstack.commands.of_table import TableOptions
    from trialstack.commands.tune import run_tune

    keys = {key: options.pop(name) for name, key in SETTINGS.items()}
    given = [f"{key}={value}" for key, value in keys.items() if value is not None]
    table = TableOptions.of(options)
    run_tune(experiment, table, [*given, *options.pop("settings")], **options)


@cli.command()
@click.argument("experiment", required=False, metavar="EXPERIMENT.toml")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Any key, as dataset.seed=5."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
@of_table
@click.option("--debug", is_flag=True, help="Show an error's traceback.")
def describe(experiment: str | None, debug: bool, **options: Any) -> None:
    """Show what would be done with each column; nothing is trained.

    Give an experiment file, or --data ROWS.csv --target COLUMN.
    """
    from trialstack.commands.describe import run_describe
    from trialstack.commands.of_table import TableOptions

    table = TableOptions.of(options)
    run_describe(experiment, table, **options)


@cli.command()
@click.argument("experiment", metavar="EXPERIMENT.toml")
@click.option("--only", multiple=True, metavar="MODEL", help="This model; several times: these.")
@click.option("--seeds", metavar="N", help="Trainings a model that judge its lesson; 0: none.")
@click.option("--seed", metavar="N", help="Of initial weights and batches.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Any key, as model[3].epochs=5."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
@common
def train(
    experiment: str, seeds: str | None, seed: str | None, settings: Sequence[str], **options: Any
) -> None:
    """Fit fixed models, a run each, and judge their lessons."""
    from trialstack.commands.train import run_train

    keys = {"seeds": seeds, "seed": seed}
    given = [f"{key}={value}" for key, value in keys.items() if value is not None]
    run_train(Path(experiment), [*given, *settings], **options)


@cli.command()
@click.argument("experiment", metavar="EXPERIMENT.toml")
@click.option("--from", "start", metavar="RATE", type=float, default=1e-4, show_default=True)
@click.option("--to", "stop", metavar="RATE", type=float, default=10.0, show_default=True)
@click.option("--epochs", metavar="N", type=int, default=100, show_default=True)
@click.option("--model", metavar="NAME", help="Of a [[model]] table; the first by default.")
@click.option("--seeds", metavar="N", type=int, default=1, help="Take the median of N trainings.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Any key, as search.seed=5."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
@common
def sweep_lr(experiment: str, **options: Any) -> None:
    """Train with a growing learning rate, and suggest one.

    The rate grows by the same factor with every epoch. The model is that of the hypermodel's
    default hyperparameters, or a fixed one.
    """
    from trialstack.commands.sweep_lr import run_sweep_lr

    run_sweep_lr(Path(experiment), **options)


@cli.command()
@click.argument("name", required=False, metavar="NAME[@SEARCH_RUN_ID]")
@click.option(
    "--top", type=click.IntRange(1), default=10, show_default=True, help="So many trials at most."
)
@click.option(
    "--runs", "chosen", metavar="ID,ID", help="These runs of any experiments; beginnings will do."
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object: search, runs, differing, paired_tests, not_tested, links.",
)
@click.option(
    "--csv",
    is_flag=False,
    flag_value="-",
    metavar="[FILE]",
    help="Write the table as CSV, to stdout without FILE.",
)
@click.option("--html", metavar="FILE", help="Write one HTML page, to stdout if FILE is -.")
@common
def compare(name: str | None, debug: bool, **options: Any) -> None:
    """Show the best trials of a search beside its baseline and final model.

    NAME is an experiment, whose latest search is taken, or that of a run id's beginning after @.
    Models that were scored on the same sealed test rows are compared by a paired test.
    """
    from trialstack.commands.compare import run_compare

    run_compare(name, **options)


@cli.command()
@click.argument("name", metavar="NAME[@SEARCH_RUN_ID]")
@click.option("-o", "--output", metavar="FILE.html", help="NAME-ID.html by default; - is stdout.")
@common
def report(name: str, output: str | None, tracking_uri: str | None, debug: bool) -> None:
    """Write one HTML file that tells all of a search, be it done, failed or still running.

    NAME is an experiment, whose latest search is taken, or that of a run id's beginning after @.
    The file needs no network; its pictures, data and script are within it.
    """
    from trialstack.commands.report import run_report

    run_report(name, output, tracking_uri)


@cli.command()
@click.argument("name", required=False)
@click.option(
    "--directory",
    metavar="FOLDER",
    help="Of searches that a program has made: its tuners' argument of this name.",
)
@common
def sync(name: str | None, directory: str | None, tracking_uri: str | None, debug: bool) -> None:
    """Send what MLflow is still missing of finished work.

    After an outage of the tracking server, or a kill: of all searches that were begun here, or of
    those of the experiment NAME. Nothing is trained, and nothing is sent twice.
    """
    from trialstack.commands.sync import run_sync

    folder = Path(directory) if directory is not None else None
    run_sync(name, tracking_uri=tracking_uri, directory=folder, debug=debug)


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


@cli.command()
@click.option(
    "--database",
    metavar="URI",
    envvar="TRIALSTACK_DATABASE",
    help="Such as postgresql:///mlflow?host=/var/run/postgresql [env TRIALSTACK_DATABASE]",
)
@click.option(
    "--artifacts",
    metavar="FOLDER|URI",
    envvar="TRIALSTACK_ARTIFACTS",
    help="Files of runs and models [env TRIALSTACK_ARTIFACTS; FOLDER/artifacts by default]",
)
@click.option(
    "--folder",
    metavar="FOLDER",
    envvar="TRIALSTACK_SERVER_FOLDER",
    help="Its secrets, made once [env TRIALSTACK_SERVER_FOLDER; mlruns/server by default]",
)
@click.option(
    "--host",
    envvar="TRIALSTACK_HOST",
    help="Where it listens [env TRIALSTACK_HOST; 127.0.0.1 by default]",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    envvar="TRIALSTACK_PORT",
    help="[env TRIALSTACK_PORT; 5000 by default]",
)
@click.option(
    "--allowed-hosts",
    metavar="NAME,NAME",
    envvar="TRIALSTACK_ALLOWED_HOSTS",
    help="Exact names under which it is asked, as mlflow.example.com "
    "[env TRIALSTACK_ALLOWED_HOSTS]",
)
@click.option("--public", is_flag=True, help="Let other machines reach it without a proxy.")
@click.option(
    "--default-permission",
    metavar="NO_PERMISSIONS|READ",
    help="Everybody's, on experiments and models of others; none by default.",
)
@click.option("--workers", type=click.IntRange(1), help="Processes; 2 by default.")
@click.option("--log-requests", is_flag=True, help="Write a line for every request.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def server(debug: bool, **options: Any) -> None:
    """Run an MLflow server for a team.

    With PostgreSQL behind it, artifacts of its own, and a password for every person; until Ctrl-C.
    """
    from trialstack.commands.server import run_server, settings

    source = click.get_current_context().get_parameter_source("database")
    shown = source is click.core.ParameterSource.COMMANDLINE
    run_server(settings(options, on_command_line=shown))


@cli.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
@common
def models(name: str | None, as_json: bool, tracking_uri: str | None, debug: bool) -> None:
    """List the registered models.

    With NAME only that one, and who was champion when and why.
    """
    from trialstack.commands.models import run_models

    run_models(name, as_json=as_json, tracking_uri=tracking_uri)


@cli.command()
@click.argument("name")
@click.argument("version")
@click.option("--why", metavar="TEXT", help="The reason, for the history.")
@common
def promote(
    name: str, version: str, why: str | None, tracking_uri: str | None, debug: bool
) -> None:
    """Make VERSION the champion of the registered model NAME."""
    from trialstack.commands.promote import run_promote

    run_promote(name, version, why=why, tracking_uri=tracking_uri)


@cli.command()
@click.argument("model", metavar="NAME[@ALIAS|/VERSION]")
@click.argument("source", metavar="ROWS.csv")
@click.option("-o", "--output", metavar="FILE", help="Where to write; stdout by default, as CSV.")
@click.option("--keep", multiple=True, metavar="COLUMN", help="Put it before the scores.")
@click.option("--keep-all", is_flag=True, help="Put all columns before the scores.")
@click.option("--separator", default=",", show_default=True, metavar="CHAR", help="Of a CSV file.")
@click.option("--encoding", default="utf-8", show_default=True, help="Of a CSV file.")
@click.option("--overwrite", is_flag=True, help="Replace FILE.")
@common
def predict(model: str, source: str, output: str | None, **options: Any) -> None:
    """Score the rows of a file.

    A registered model does it, by default its champion. Files are .csv, .csv.gz or .parquet. The
    order of the rows stays.
    """
    from trialstack.commands.predict import run_predict

    run_predict(model, Path(source), Path(output) if output is not None else None, **options)


@cli.command()
@click.argument("model", metavar="NAME[@ALIAS|/VERSION]")
@click.option("--port", type=click.IntRange(1, 65535), default=5001, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="A loopback address.")
@common
def serve(model: str, port: int, host: str, tracking_uri: str | None, debug: bool) -> None:
    """Serve a registered model on this machine.

    MLflow's scoring server answers at /invocations and /ping until Ctrl-C.
    """
    from trialstack.commands.serve import run_serve

    run_serve(model, port, host, tracking_uri)


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
    from trialstack.exits import exit_code_of

    def command() -> None:
        # Not `cli.main`, which makes one and the same exception of all signals.
        with cli.make_context("trialstack", arguments) as context:
            cli.invoke(context)

    return exit_code_of(command, debug="--debug" in arguments)
