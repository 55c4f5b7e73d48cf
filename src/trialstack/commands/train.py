"""`trialstack train`."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trialstack.commands.running import running
from trialstack.console import print_json, print_links
from trialstack.evaluation.lessons import percent
from trialstack.experiment import Ladder, parse_setting
from trialstack.pipeline.train import train
from trialstack.quiet import silence_libraries
from trialstack.tables import print_table
from trialstack.tracking.store import resolve_store
from trialstack.tracking.ui import ui_command

if TYPE_CHECKING:
    from trialstack.pipeline.lesson import Lesson
    from trialstack.pipeline.train_result import LessonRun, TrainResult

STOPPED = "stopped; models that were done are kept, the others have no result"
COLUMNS = (
    "model",
    "what changed",
    "our\nloss",
    "our\nacc.",
    "their\nloss",
    "their\nacc.",
    "like\nthem",
    "lesson holds",
)
CHANGED_WIDTH = 18
HOLDS_WIDTH = 13
"""Characters of a line in these two columns; the table then fits into 80."""


def run_train(
    path: Path,
    settings: Sequence[str],
    *,
    only: Sequence[str],
    tracking_uri: str | None,
    as_json: bool,
    debug: bool,
) -> None:
    """Reads the experiment, fits its models and prints what they teach.

    Args:
        path: The experiment file.
        settings: `KEY=VALUE`, over those of the file.
        only: Names of models; none = all.
        tracking_uri: Of the store; None = its default.
        as_json: Print JSON instead of tables.
        debug: Show the debug log.
    """
    silence_libraries()
    ladder = Ladder.load(path).with_settings(dict(map(parse_setting, settings)))
    with running(lambda _: STOPPED, debug=debug) as progress:
        result = train(ladder, only=only, tracking_uri=tracking_uri, listener=progress)
    if as_json:
        print_json(result.as_json())
    else:
        _print(result)
        print_links(result.links, ui_command(resolve_store(tracking_uri)))


def _print(result: TrainResult) -> None:
    print_table(COLUMNS, [_row(run) for run in result.runs], left=2)
    print(f"\n{textwrap.fill(_legend(result), 80)}")
    for name, reason in result.failures.items():
        print(f"\n{name} is not among them: {reason}")


def _legend(result: TrainResult) -> str:
    """What the columns are."""
    text = "Ours: loss and accuracy of one seed. Theirs: the tutorial's."
    studies = [run.lesson.study for run in result.runs if run.lesson.study is not None]
    if not studies:
        return f"{text} Lessons are judged by many seeds: give --seeds 50."
    return (
        f"{text} Like them: how many of {len(studies[0])} seeds end like the tutorial's. A lesson "
        "is judged by all of these seeds; what it is stands in the run's description."
    )


def _row(run: LessonRun) -> list[str]:
    from trialstack.pipeline.lesson import figure

    lesson = run.lesson
    loss, accuracy = lesson.tutorial
    return [
        lesson.step.model.name,
        textwrap.fill(lesson.step.changed, CHANGED_WIDTH),
        figure(lesson.loss, 4),
        figure(lesson.accuracy, 3),
        figure(loss, 4),
        figure(accuracy, 3),
        "-" if lesson.share is None else percent(lesson.share),
        textwrap.fill(_holds(lesson), HOLDS_WIDTH),
    ]


def _holds(lesson: Lesson) -> str:
    if lesson.verdict is None:
        return "-"
    return f"{'yes' if lesson.verdict.holds else 'no'}, {lesson.verdict.found}"
