"""`trialstack predict`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from trialstack.console import progress_bar
from trialstack.datasets.table_file import Table, open_table
from trialstack.datasets.table_output import Write, check_output, csv_writer, table_writer
from trialstack.errors import InputError, Interrupted
from trialstack.live.progress import Progress
from trialstack.logs import shown_log
from trialstack.quiet import silence_libraries
from trialstack.registry.loading import checked_model
from trialstack.registry.predicting import check_kept, columns_of, score_table
from trialstack.registry.reference import ModelReference
from trialstack.signals import interruptible
from trialstack.tracking.store import resolve_store


def run_predict(
    model: str,
    source: Path,
    output: Path | None,
    *,
    keep: Sequence[str],
    keep_all: bool,
    separator: str,
    encoding: str,
    overwrite: bool,
    tracking_uri: str | None,
    debug: bool,
) -> None:
    """Scores the rows of a file with a registered model.

    Args:
        model: `NAME`, `NAME@ALIAS` or `NAME/VERSION`.
        source: A table with the model's columns.
        output: Where the scores go; None for stdout, as CSV.
        keep: Columns of the source that stand before the scores.
        keep_all: Keep all of them.
        separator: Of a CSV source.
        encoding: Of a CSV source.
        overwrite: Replace an output that is there.
        tracking_uri: Of the store; None = its default.
        debug: Show the debug log.
    """
    silence_libraries()
    reference = ModelReference.parse(model)
    if keep and keep_all:
        raise InputError("--keep and --keep-all came; give one of them")
    table = open_table(source, separator=separator, encoding=encoding)
    kept = table.columns if keep_all else keep
    check_kept(table, kept, "--keep-all" if keep_all else "--keep")
    if output is not None:
        check_output(output, source, overwrite=overwrite)
    try:
        with (
            interruptible(),
            shown_log(Progress().line, debug=debug),
            checked_model(reference, resolve_store(tracking_uri)) as checked,
        ):
            columns, texts = columns_of(checked, table), checked.text_columns()
            loaded = checked.load()
            rows = 0
            with _written(output) as write, _shown(table, output) as show:
                for scores in score_table(loaded, table, columns, kept, texts):
                    write(scores.frame)
                    rows += len(scores.frame)
                    show(scores.done)
    except Interrupted:
        print("stopped" if output is None else "stopped; no file is written", file=sys.stderr)
        raise
    if output is not None:
        print(f"{rows} row{'s' * (rows != 1)} scored by {checked.uri}: {output}")


@contextmanager
def _written(output: Path | None) -> Iterator[Write]:
    if output is None:
        yield csv_writer(sys.stdout)
    else:
        with table_writer(output) as write:
            yield write


@contextmanager
def _shown(table: Table, output: Path | None) -> Iterator[Callable[[float], None]]:
    """How far it is; not in a terminal to which the rows themselves go."""
    if output is None and sys.stdout.isatty():
        yield lambda done: None
    else:
        with progress_bar("scoring", table.size) as show:
            yield show
