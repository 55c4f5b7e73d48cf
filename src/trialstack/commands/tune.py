"""`trialstack tune`."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trialstack.commands.of_table import SavedExperiment, TableOptions, experiment_text
from trialstack.commands.running import running
from trialstack.console import print_json, print_result
from trialstack.cores import share_cores
from trialstack.durations import parse_duration
from trialstack.errors import InputError
from trialstack.experiment import Experiment, parse_setting
from trialstack.live.progress import Progress
from trialstack.pipeline import tune
from trialstack.quiet import silence_libraries
from trialstack.tracking.store import display_uri, resolve_store
from trialstack.tracking.ui import ui_command

if TYPE_CHECKING:
    from trialstack.pipeline.result import TuneResult


def run_tune(
    path: str | None,
    table: TableOptions,
    settings: Sequence[str],
    *,
    save: str | None,
    tracking_uri: str | None,
    fresh: bool,
    extend: int | None,
    time_limit: str | None,
    as_json: bool,
    debug: bool,
) -> None:
    """Reads the experiment, runs the main job and prints what came of it.

    Args:
        path: The experiment file; None = a table came instead.
        table: What came of it.
        settings: `KEY=VALUE`, over those of the file.
        save: Where the experiment file of a table goes; None = it is printed.
        tracking_uri: Of the store; None = its default.
        fresh: Begin a new search.
        extend: So many more trials for a finished one.
        time_limit: As a person types it.
        as_json: Print JSON instead of tables.
        debug: Show the debug log.
    """
    silence_libraries()
    experiment = table.experiment(path, "tune").with_settings(dict(map(parse_setting, settings)))
    if save is not None and table.data is None:
        raise InputError(f"--save {save} goes with --data; {path} is an experiment file already")
    saved = SavedExperiment.of(save, experiment) if save is not None else None
    seconds = parse_duration(time_limit) if time_limit is not None else None
    if extend is not None and (fresh or extend < 1):
        raise InputError(
            "--extend goes on with a search and --fresh begins a new one; give one of them"
            if fresh
            else f"--extend: {extend} came; give an integer from 1"
        )
    share_cores(experiment)
    out = sys.stdout  # inside `running` it is for what others print

    def show(result: TuneResult) -> None:
        with contextlib.redirect_stdout(out):
            if as_json:
                print_json(result.as_json())
            else:
                store = resolve_store(tracking_uri)
                print_result(result, ui_command(store), _load_lines(result))
                if table.data is not None:
                    _print_experiment(experiment, saved)
            out.flush()

    with running(_stopped, debug=debug) as progress:
        progress.show = show
        try:
            tune(
                experiment,
                tracking_uri=tracking_uri,
                fresh=fresh,
                extend=extend,
                time_limit=seconds,
                listener=progress,
            )
        finally:
            if saved is not None and progress.has_journal:
                saved.write()


def _print_experiment(experiment: Experiment, saved: SavedExperiment | None) -> None:
    if saved is not None:
        print(f"\nRepeat: trialstack tune {shlex.quote(str(saved.path))}")
    else:
        print("\nThis experiment file repeats the search (--save FILE.toml writes it)\n")
        print(experiment_text(experiment, Path.cwd()), end="")


def _stopped(progress: Progress) -> str:
    done = {"--fresh"} if progress.has_journal else set()
    again = shlex.join(["trialstack", *(a for a in sys.argv[1:] if a not in done)])
    return f"stopped; what is finished is saved. Go on with: {display_uri(again)}"


def _load_lines(result: TuneResult) -> str:
    """Python that loads the version which the search has made."""
    reference = f"{result.model.name}@{result.model.alias}" if result.model.alias else ""
    uri = f"models:/{reference}" if reference else result.model.uri
    return (
        "import mlflow\n"
        f'mlflow.set_tracking_uri("{result.tracking_uri}")\n'
        f'model = mlflow.pyfunc.load_model("{uri}")\n'
        "model.predict(frame)  # a DataFrame with the original columns"
    )
