"""What the commands print: results to stdout, everything else to stderr."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from trialstack.hypermodels.naming import format_value
from trialstack.pipeline.job import Listener
from trialstack.tables import WIDEST, make_table

if TYPE_CHECKING:
    from trialstack.pipeline.result import TuneResult
    from trialstack.tuners.search_run import SearchRun
    from trialstack.tuners.trial_row import TrialRow

SHOWN_BEST = 10
MILESTONES = 10
"""Lines that a search's progress takes where there is no terminal."""
TEST_SCORES = {
    "auc": "AUC",
    "log_loss": "log loss",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "brier": "Brier score",
}


def fail(text: str) -> None:
    """An error, one line."""
    print(f"error: {one_line(text)}", file=sys.stderr)


def one_line(text: str) -> str:
    """A text without line breaks."""
    return " ".join(text.split())


class Progress(Listener):
    """Shows on stderr how far the job is; in a terminal, trials are one line written over.

    Attributes:
        has_journal: Whether the search is one to go on with.
    """

    def __init__(self) -> None:
        self.has_journal = False
        self._live = sys.stderr.isatty()
        self._started = time.monotonic()
        self._told = 0
        self._open_line = False

    def line(self, text: str) -> None:
        """A line of its own; what was to be written over stays."""
        self._line(text)

    def warning(self, text: str) -> None:
        """See `Listener`."""
        self._line(f"warning: {one_line(text)}")

    def stage(self, text: str) -> None:
        """See `Listener`."""
        self._line(f"[{time.monotonic() - self._started:5.1f} s] {text}")

    def search_opened(self) -> None:
        """See `Listener`."""
        self.has_journal = True

    def trial_ended(self, run: SearchRun, max_trials: int) -> None:
        """See `Listener`."""
        done = len(run.rows)
        step = max(1, max_trials // MILESTONES)
        if not self._live and done // step == self._told // step and done != max_trials:
            return
        self._told = done
        failed = len(run.failures())
        text = f"[{time.monotonic() - self._started:5.1f} s] {done}/{max_trials} trials"
        text += f", {failed} failed" if failed else ""
        ranking = run.ranking()
        if ranking:
            text += f", best {run.objective.name} {ranking[0].score:.4f} ({ranking[0].name})"
        self._line(text, over=self._live)

    def close(self) -> None:
        """Ends a line that was to be written over."""
        if self._open_line:
            print(file=sys.stderr)
            self._open_line = False

    def _line(self, text: str, over: bool = False) -> None:
        if over:
            print(f"\r\x1b[2K{_one_row(text)}", end="", file=sys.stderr, flush=True)
            self._open_line = True
        else:
            self.close()
            print(text, file=sys.stderr, flush=True)


def _one_row(text: str) -> str:
    """As much of a line as one row of the terminal holds: only one row can be written over.

    The last column stays free, as some terminals begin another row once it is written.
    """
    row = Text(text)
    row.truncate(Console(file=sys.stderr).width - 1, overflow="ellipsis")
    return row.plain


@contextlib.contextmanager
def progress_bar(title: str, total: float) -> Iterator[Callable[[float], None]]:
    """A bar on stderr that goes when it is full; nothing where there is no terminal.

    Args:
        title: What is being done.
        total: When it is full.

    Yields:
        What takes how far it is.
    """
    console = Console(file=sys.stderr)
    parts = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Bar(
        *parts,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        redirect_stdout=False,  # results may go there, past the terminal
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.update(task, completed=done)


def print_result(result: TuneResult, ui: str, load: str) -> None:
    """The outcome of `tune` for a person.

    Args:
        result: What it came to.
        ui: The command that starts the UI on this store; empty where a server runs already.
        load: Python that loads the registered model.
    """
    console = Console(file=sys.stdout, width=WIDEST, highlight=False)
    best = result.leaderboard[:SHOWN_BEST]
    console.print(f"Best {len(best)} of {len(result.leaderboard)} trials\n", style="bold")
    console.print(_leaderboard(best, result.objective))
    if result.final.test is not None:
        rows = result.final.test["rows"]
        console.print(f"\nOn {rows} sealed test rows, with 95 % intervals\n", style="bold")
        console.print(_comparison(result))
    if result.sentence:
        print(f"\n{result.sentence[0].upper()}{result.sentence[1:]}")
    print()
    model = result.model
    alias = f" @{model.alias}" if model.alias else ""
    print(f"Registered {model.uri}{alias}: {model.reason}")
    print_links(result.links, ui)
    print("\nLoad")
    print("\n".join(f"  {line}" for line in load.splitlines()))


def print_links(links: Mapping[str, str], ui: str) -> None:
    """Pages of the MLflow UI, one a line.

    Args:
        links: Name -> address.
        ui: The command that starts the UI on this store; empty where a server runs already.
    """
    print(f"\nBrowse (start the UI with: {ui})" if ui else "\nBrowse")
    for name, link in links.items():
        print(f"  {name + ':':<12} {link}")


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON object, alone on stdout."""
    print(json.dumps(document, ensure_ascii=False))


def _leaderboard(rows: list[TrialRow], objective: str) -> Table:
    from trialstack.tuners.summary import hyperparameter_names

    names = hyperparameter_names(rows)
    table = make_table("", "trial", objective, "best\nepoch", "epochs", *names)
    for rank, row in enumerate(rows, 1):
        table.add_row(
            str(rank),
            f"{row.number:03d}",
            f"{row.score:.4f}",
            str(row.best_epoch),
            str(row.epochs_run),
            *(format_value(row.hyperparameters.get(name, "")) for name in names),
        )
    return table


def _comparison(result: TuneResult) -> Table:
    final = result.final.test or {}
    baseline = result.baseline.test if result.baseline else None
    table = make_table("", *(["baseline"] if baseline is not None else []), "final")
    table.columns[0].justify = "left"
    for key, name in TEST_SCORES.items():
        cells = [_score(scores, key) for scores in (baseline, final) if scores is not None]
        table.add_row(name, *cells)
    return table


def _score(scores: Mapping[str, Any], key: str) -> str:
    text = f"{scores[key]:.4f}"
    interval = scores.get(f"{key}_ci")
    return f"{text} ({interval[0]:.4f} to {interval[1]:.4f})" if interval else text
