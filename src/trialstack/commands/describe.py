"""`trialstack describe`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from trialstack.commands.of_table import TableOptions
from trialstack.console import one_line, print_json
from trialstack.durations import shown_duration
from trialstack.experiment import parse_setting
from trialstack.pipeline.describe import Description, describe
from trialstack.quiet import silence_libraries
from trialstack.tables import print_heading, print_table

COLUMNS = ("column", "kind", "missing", "distinct", "features", "what is done")
LONGEST_NAME = 30
MOST_CLASSES = 20


def run_describe(
    path: str | None, table: TableOptions, *, settings: Sequence[str], as_json: bool
) -> None:
    """Reads and checks data, and prints what would be done with them.

    Args:
        path: The experiment file; None = a table came instead.
        table: What came of it.
        settings: `KEY=VALUE`, over those of the file.
        as_json: Print JSON instead of tables.
    """
    silence_libraries()
    experiment = table.any_experiment(path, "describe")
    experiment = experiment.with_settings(dict(map(parse_setting, settings)))
    found = describe(experiment, lambda line: print(line, file=sys.stderr))
    for warning in found.warnings:
        print(f"warning: {one_line(warning)}", file=sys.stderr)
    if as_json:
        print_json(found.as_json())
    else:
        _print(found)


def _print(found: Description) -> None:
    used = sum(column.features for column in found.columns)
    print_heading(f"{found.source}: {found.rows:,} rows, {used} features, target {found.target!r}")
    rows = [
        [
            _short(column.name),
            column.kind,
            f"{column.missing:,}" if column.missing else "",
            f"{column.distinct:,}" if column.distinct else "",
            str(column.features or ""),
            column.use,
        ]
        for column in found.columns
    ]
    print_table(COLUMNS, rows, left=2, left_last=True)
    print()
    classes = [
        [_short(str(label)), f"{count:,}", f"{count / found.rows:.1%}"]
        for label, count in list(found.classes.items())[:MOST_CLASSES]
    ]
    print_table(("class", "rows", "share"), classes)
    if len(found.classes) > MOST_CLASSES:
        print(f"and {len(found.classes) - MOST_CLASSES} classes more")
    print()
    split = found.split
    print(
        f"Rows: {split['fit']:,} to fit, {split['validation']:,} to judge trials by, "
        f"{split['test']:,} sealed for the test"
    )
    if found.seconds is not None:
        least, most = (shown_duration(float(f"{value:.2g}")) for value in found.seconds)
        print(f"A search is likely to take {least} to {most} on this machine")


def _short(name: str) -> str:
    shown = one_line(name) if name.strip() else repr(name)
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 1]}…"
