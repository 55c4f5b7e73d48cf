"""`trialstack sweep-lr`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trialstack.commands.running import running
from trialstack.console import print_json, print_links
from trialstack.errors import InputError
from trialstack.evaluation.lr_range import RateSchedule
from trialstack.experiment import parse_setting
from trialstack.experiment.load import load_experiment
from trialstack.pipeline.sweep_lr import SweepResult, sweep_learning_rate
from trialstack.quiet import silence_libraries
from trialstack.tracking.store import resolve_store
from trialstack.tracking.ui import ui_command

MOST_SEEDS = 1000
STOPPED = "stopped; a sweep begins anew with the same command"


def run_sweep_lr(
    path: Path,
    settings: Sequence[str],
    *,
    start: float,
    stop: float,
    epochs: int,
    model: str | None,
    seeds: int,
    tracking_uri: str | None,
    as_json: bool,
    debug: bool,
) -> None:
    """Reads the experiment, sweeps the learning rate and prints the suggestion.

    Args:
        path: The experiment file.
        settings: `KEY=VALUE`, over those of the file.
        start: First learning rate.
        stop: Where the learning rate of the epoch after the last would be.
        epochs: Of the sweep.
        model: Name of a `[[model]]` table; None = the first.
        seeds: Trainings from different initial weights.
        tracking_uri: Of the store; None = its default.
        as_json: Print JSON instead of lines.
        debug: Show the debug log.
    """
    silence_libraries()
    schedule = RateSchedule(start, stop, epochs, names=("--from", "--to", "--epochs"))
    if not 1 <= seeds <= MOST_SEEDS:
        raise InputError(f"--seeds: {seeds} came; give an integer from 1 to {MOST_SEEDS}")
    experiment = load_experiment(path).with_settings(dict(map(parse_setting, settings)))
    with running(lambda _: STOPPED, debug=debug) as progress:
        result = sweep_learning_rate(
            experiment,
            schedule,
            model=model,
            seeds=seeds,
            tracking_uri=tracking_uri,
            listener=progress,
        )
    if as_json:
        print_json(result.as_json())
    else:
        _print(result)
        print_links(result.links, ui_command(resolve_store(tracking_uri)))


def _print(result: SweepResult) -> None:
    sentence = result.test.sentence()
    print(f"{sentence[0].upper()}{sentence[1:]}")
    params = ", ".join(f"{name} {value}" for name, value in result.params.items())
    print(f"Model: {result.model}{f' ({params})' if params else ''}")
