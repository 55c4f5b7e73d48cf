"""What the commands print: results to stdout, everything else to stderr."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from trialstack.hypermodels.naming import format_value
from trialstack.tables import print_heading, print_table, print_text
from trialstack.tracking.store import display_uri

if TYPE_CHECKING:
    from trialstack.pipeline.result import TrialCounts, TuneResult
    from trialstack.tuners.trial_row import TrialRow

SHOWN_BEST = 10
TEST_SCORES = {
    "auc": "AUC",
    "log_loss": "log loss",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "brier": "Brier score",
}


def fail(text: str) -> None:
    """An error, one line, without the credentials of a store."""
    print(f"error: {one_line(display_uri(text))}", file=sys.stderr)


def one_line(text: str) -> str:
    """A text without line breaks."""
    return " ".join(text.split())


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
    best = result.leaderboard[:SHOWN_BEST]
    print_heading(_best_of(len(best), result.trials))
    _print_leaderboard(best, result.objective)
    if result.final.test is not None:
        print()
        print_heading(f"On {result.final.test['rows']} sealed test rows, with 95 % intervals")
        _print_comparison(result)
    if result.sentence:
        print()
        print_text(f"{result.sentence[0].upper()}{result.sentence[1:]}")
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


def _best_of(shown: int, trials: TrialCounts) -> str:
    """How many trials there are, and how many of them are shown."""
    count = trials.completed + trials.failed
    text = f"Best {shown} of {count} trial{'s' * (count != 1)}"
    return f"{text}, {trials.failed} failed" if trials.failed else text


def _print_leaderboard(rows: list[TrialRow], objective: str) -> None:
    from trialstack.tuners.summary import hyperparameter_names

    names = hyperparameter_names(rows)
    cells = [
        [
            str(rank),
            f"{row.number:03d}",
            f"{row.score:.4f}",
            str(row.best_epoch),
            str(row.epochs_run),
            *(format_value(row.hyperparameters.get(name, "")) for name in names),
        ]
        for rank, row in enumerate(rows, 1)
    ]
    columns = ("", "trial", objective, "best epoch\n(from 0)", "epochs", *names)
    print_table(columns, cells, kept=2, left=0)


def _print_comparison(result: TuneResult) -> None:
    final = result.final.test or {}
    models = {"baseline": result.baseline.test if result.baseline else None, "final": final}
    tests = {name: scores for name, scores in models.items() if scores is not None}
    rows = [
        [name, *(_score(scores, key) for scores in tests.values())]
        for key, name in TEST_SCORES.items()
    ]
    print_table(("", *tests), rows)


def _score(scores: Mapping[str, Any], key: str) -> str:
    text = f"{scores[key]:.4f}"
    interval = scores.get(f"{key}_ci")
    return f"{text} ({interval[0]:.4f} to {interval[1]:.4f})" if interval else text
