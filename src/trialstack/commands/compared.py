"""What `trialstack compare` prints for a person."""

from __future__ import annotations

from collections.abc import Sequence

from trialstack.console import TEST_SCORES, print_links
from trialstack.durations import shown_duration
from trialstack.hypermodels.naming import format_value
from trialstack.report.compared import ComparedRun
from trialstack.report.comparison import Comparison
from trialstack.report.differences import differing, names_of
from trialstack.report.search import StoredSearch
from trialstack.tables import print_heading, print_table, print_text

SCORES = ("auc", "accuracy", "log_loss")
WITH_INTERVAL = ("auc", "accuracy")
MOST_METRICS = 6
"""Metrics of runs that are part of no search."""
REPEATED = 2
"""Columns that tell which run it is, where the others do not fit beside each other."""


def print_comparison(comparison: Comparison, ui: str) -> None:
    """The comparison for a person.

    Args:
        comparison: What was found.
        ui: The command that starts the UI on this store; empty where a server runs already.
    """
    rows = comparison.rows
    search = comparison.search
    print_heading(_headline(comparison, search) if search else f"{len(rows)} runs")
    _print_runs(comparison)
    if comparison.on_several_data:
        _print_data(comparison)
    if comparison.models:
        print()
        _print_models(comparison)
    for test in comparison.tested:
        print()
        for sentence in (test.sentence, test.sentence_on_accuracy):
            print_text(f"{sentence[0].upper()}{sentence[1:]}")
    if len(comparison.tested) > 1:
        print()
        print_text(f"Of {len(comparison.tested)} tests; their p-values are not corrected for that.")
    names = {row.run.run_id: _name(row, comparison) for row in rows}
    if comparison.untested:
        print()
    for pair in comparison.untested:
        new, old = names[pair.new.run_id], names[pair.old.run_id]
        print_text(f"Not tested: {new} against {old}: {pair.reason}")
    print_links(comparison.links, ui)


def _headline(comparison: Comparison, search: StoredSearch) -> str:
    shown = sum(row.rank is not None for row in comparison.rows)
    running = search.run.status == "RUNNING"
    count = len(search.trials)
    total = f"{count} trial{'s' * (count != 1)}"
    if running and search.max_trials:
        total += f" so far ({search.max_trials} in all)"
    words = {"FAILED": "failed", "RUNNING": "running", "KILLED": "broken off"}
    counts = [f"{len(search.with_status(state))} {word}" for state, word in words.items()]
    named = f"{search.run.name} ({search.run.run_id[:8]}{', still running' if running else ''})"
    parts = [f"best {shown} of {total}", *(count for count in counts if count[:2] != "0 ")]
    return f"{named}: {', '.join(parts)}"


def _print_runs(comparison: Comparison) -> None:
    rows = comparison.rows
    columns = _chosen_names(rows) if comparison.search is None else _ranked_names(rows)
    names = len(columns)
    objectives = list(dict.fromkeys(row.objective for row in rows if row.objective))
    if any(row.score is not None for row in rows):
        if len(objectives) > 1:
            columns["objective"] = [row.objective for row in rows]
        header = objectives[0] if len(objectives) == 1 else "score"
        columns[header] = ["" if row.score is None else f"{row.score:.4f}" for row in rows]
    elif not objectives:
        columns |= _common_metrics(rows)
    if any(row.run.status != "FINISHED" for row in rows):
        columns["status"] = [row.run.status.lower() for row in rows]
    columns["epochs"] = [_text(row.epochs) for row in rows]
    columns["time"] = [
        shown_duration(row.run.seconds) if row.run.seconds is not None else "" for row in rows
    ]
    if comparison.on_several_data:
        columns["data"] = [comparison.data_marks[row.data] for row in rows]
    of_baseline = _of_baseline(comparison)
    for name in comparison.differing:
        if name in of_baseline:
            continue
        values = [_text(row.hyperparameters.get(name)) for row in rows]
        columns[f"hp_{name}" if name in columns else name] = values
    cells = list(zip(*columns.values(), strict=True))
    print_table(list(columns), cells, kept=REPEATED, left=names)
    if of_baseline:
        print()
        print_text(f"Only the baseline: {', '.join(of_baseline.values())}")


def _of_baseline(comparison: Comparison) -> dict[str, str]:
    """What was set and not searched, but otherwise for the baseline: name -> what is said of it.

    A column of it would say the same of all trials.
    """
    search, rows = comparison.search, comparison.rows
    baseline = next((row for row in rows if row.run.kind == "baseline"), None)
    if search is None or baseline is None:
        return {}
    searched = names_of(trial.hyperparameters for trial in search.trials)
    found = {}
    for name in comparison.differing:
        own, common = (row.hyperparameters.get(name) for row in (baseline, rows[0]))
        if name not in searched and None not in {own, common}:
            found[name] = f"{name} {_text(own)} (all others {_text(common)})"
    return found


def _common_metrics(rows: Sequence[ComparedRun]) -> dict[str, list[str]]:
    """What all runs have logged, where none of them is part of a search."""
    first, *others = (row.run.metrics for row in rows)
    names = [name for name in first if all(name in metrics for metrics in others)]
    return {name: [f"{row.run.metrics[name]:.4f}" for row in rows] for name in names[:MOST_METRICS]}


def _ranked_names(rows: Sequence[ComparedRun]) -> dict[str, list[str]]:
    return {
        "": [_text(row.rank) for row in rows],
        "trial": [row.label.removeprefix("trial ") for row in rows],
    }


def _chosen_names(rows: Sequence[ComparedRun]) -> dict[str, list[str]]:
    columns = {"run": [row.run.run_id[:8] for row in rows], "": [row.label for row in rows]}
    experiments = [row.run.experiment for row in rows]
    searches = [row.search.run_id[:8] if row.search else "" for row in rows]
    if len(set(experiments)) > 1:
        columns["experiment"] = experiments
    if len(set(searches)) > 1:
        columns["search"] = searches
    return columns


def _print_data(comparison: Comparison) -> None:
    """What the letters of the column `data` stand for; of the split, what is not the same."""
    marks = {key: mark for key, mark in comparison.data_marks.items() if key is not None}
    splits = [dict(key.split) for key in marks]
    told = [name for name in differing([splits]) if name != "dataset.source"]  # it has the name
    test_rows = {row.test_digest for row in comparison.models}
    but = (
        ", but for those of models on the same test rows"
        if len(test_rows) == 1 < len(comparison.models)
        else ""
    )
    print(f"\nNot comparable: scores of different data{but}.")
    for (key, mark), split in zip(marks.items(), splits, strict=True):
        parts = [f"{name.partition('.')[2]} {split[name]}" for name in told if name in split]
        described = ", ".join([f"{key.name} ({key.digest[:8]})", *parts])
        print_text(f"  {mark}  {described}", hanging=5)


def _print_models(comparison: Comparison) -> None:
    models = comparison.models
    several = len({row.test_digest for row in models}) > 1
    rows_of = {row.test_rows for row in models if row.test_rows is not None}
    count = "" if several or len(rows_of) != 1 else f"{rows_of.pop()} "
    print_heading(f"On {count}sealed test rows")
    columns = {"": [_name(row, comparison) for row in models]}
    if several:
        columns["test rows"] = [f"{_text(row.test_rows)} ({row.test_digest[:8]})" for row in models]
    for key in SCORES:
        shows = key in WITH_INTERVAL and any(f"{key}_ci" in (row.test or {}) for row in models)
        header = TEST_SCORES[key] + "\n(95 % interval)" * shows
        columns[header] = [_score(row, key) for row in models]
    columns["weights"] = [_text(row.weights) for row in models]
    print_table(list(columns), list(zip(*columns.values(), strict=True)))


def _name(row: ComparedRun, comparison: Comparison) -> str:
    return row.label if comparison.search is not None else f"{row.label} {row.run.run_id[:8]}"


def _score(row: ComparedRun, key: str) -> str:
    scores = row.test or {}
    if scores.get(key) is None:
        return ""
    interval = scores.get(f"{key}_ci") if key in WITH_INTERVAL else None
    text = f"{scores[key]:.4f}"
    # A dash: with longer words two such columns do not fit a terminal of 80.
    return f"{text} ({interval[0]:.4f}–{interval[1]:.4f})" if interval else text


def _text(value: object) -> str:
    return "" if value is None else format_value(value)
