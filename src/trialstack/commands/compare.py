"""`trialstack compare`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from trialstack.commands.report import told
from trialstack.console import TEST_SCORES, print_json, print_links
from trialstack.durations import shown_duration
from trialstack.errors import InputError
from trialstack.hypermodels.naming import format_value
from trialstack.quiet import silence_libraries
from trialstack.report.compared import ComparedRun
from trialstack.report.comparison import Comparison
from trialstack.report.differences import differing
from trialstack.report.find import require_experiment
from trialstack.report.frames import compared_runs
from trialstack.report.page.write import save_page
from trialstack.report.runs import RunStore
from trialstack.report.search import StoredSearch
from trialstack.report.table import comparison_columns, data_frame
from trialstack.tables import print_heading, print_table
from trialstack.tracking.ui import ui_command

SCORES = ("auc", "accuracy", "log_loss")
WITH_INTERVAL = ("auc", "accuracy")
MOST_METRICS = 6
"""Metrics of runs that are part of no search."""
STDOUT = "-"


def run_compare(
    name: str | None,
    chosen: str | None,
    *,
    top: int,
    as_json: bool,
    csv: str | None,
    html: str | None,
    tracking_uri: str | None,
) -> None:
    """Reads runs from MLflow and prints them side by side.

    `--json` prints one object:

    - `tracking_uri`;
    - `search`: `experiment`, `run_id`, `name`, `status`, `objective`, `direction`, `trials`
      (numbers `finished`, `failed`, `running`, `killed`, and `max`), `seconds`, `model` (`uri`,
      `alias`, or null); null with `--runs`;
    - `runs`, in the order of the table: `run_id`, `name`, `kind`, `experiment`, `search_run_id`,
      `status`, `rank`, `objective`, `score`, `best_epoch`, `epochs`, `seconds`, `weights`,
      `hyperparameters`, `test` (the scores on the sealed test rows, an interval `NAME_ci` beside
      those that have one, `rows`), `metrics` (the last values), `data_digest`, `test_digest`;
      null where a run has none;
    - `differing`: names of the hyperparameters that are not the same in all runs;
    - `paired_tests` of models on the same test rows: run ids `new` and `old`, `auc_difference`,
      `ci`, `p`, `p_one_sided`, `method`, `rows`; `accuracy_difference`, `accuracy_ci`,
      `accuracy_p`, `only_new_right`, `only_old_right`; `sentence`;
    - `not_tested`: `new`, `old`, `reason`;
    - `links`: name of a page of the MLflow UI -> address.

    Args:
        name: `NAME` or `NAME@SEARCH_RUN_ID`; not needed if runs are chosen.
        chosen: Run ids, separated by commas; None if a search is named.
        top: So many trials at most.
        as_json: Print JSON instead of tables.
        csv: File to write the table to, `-` for stdout instead of tables; None for neither.
        html: File to write a page to, `-` for stdout instead of tables; None for neither.
        tracking_uri: Of the store; None = its default.
    """
    silence_libraries()
    wanted = _wanted(name, chosen, csv)
    _require_one_output(as_json, csv, html)
    runs = RunStore.at(tracking_uri)
    if name and chosen:
        require_experiment(runs, name)
    comparison = compared_runs(runs, wanted, top)
    if csv is not None:
        _write_csv(comparison, csv)
    if html is not None:
        _write_html(runs, comparison, html, top)
    if as_json:
        print_json(comparison.as_dict())
    elif STDOUT not in {csv, html}:
        print_comparison(comparison, ui_command(runs.store))


def _wanted(name: str | None, chosen: str | None, csv: str | None) -> str | list[str]:
    if chosen is not None:
        ids = [part.strip() for part in chosen.split(",") if part.strip()]
        if len(ids) < 2:
            raise InputError(f"--runs: {chosen!r} came; give two ids or more, as in --runs ID,ID")
        return ids
    if not name:
        after = f" (--csv took {csv!r}: give NAME before it)" if csv not in {None, STDOUT} else ""
        raise InputError(f"no experiment came; give its NAME, or runs with --runs ID,ID{after}")
    return name


def _require_one_output(as_json: bool, csv: str | None, html: str | None) -> None:
    wanting = {"--json": as_json, "--csv": csv == STDOUT, "--html": html == STDOUT}
    several = [option for option, wants in wanting.items() if wants]
    if len(several) > 1:
        raise InputError(
            f"{' and '.join(several[:2])} both want stdout; give one of them, or {several[-1]} FILE"
        )


def _write_html(runs: RunStore, comparison: Comparison, target: str, top: int) -> None:
    """The page of the search, in which so many of its trials are chosen, or of the chosen runs."""
    from trialstack.report.page.of_runs import page_of_runs
    from trialstack.report.page.of_search import MOST_CHOSEN, page_of_search
    from trialstack.report.page.render import render

    search = comparison.search
    if search is not None:
        page = page_of_search(runs, search, min(top, MOST_CHOSEN))
    else:
        page = page_of_runs(runs, comparison)
    text = render(page)
    if target == STDOUT:
        print(text, end="")
        return
    print(told(save_page(text, Path(target), "--html")), file=sys.stderr)


def _write_csv(comparison: Comparison, target: str) -> None:
    text = data_frame(comparison_columns(comparison)).to_csv(index=False, lineterminator="\n")
    if target == STDOUT:
        print(text, end="")
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"--csv {target}: {error.strerror}; give another file") from error
    print(f"{target} is written", file=sys.stderr)


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
            print(f"{sentence[0].upper()}{sentence[1:]}")
    if len(comparison.tested) > 1:
        print(f"\nOf {len(comparison.tested)} tests; their p-values are not corrected for that.")
    names = {row.run.run_id: _name(row, comparison) for row in rows}
    for pair in comparison.untested:
        new, old = names[pair.new.run_id], names[pair.old.run_id]
        print(f"\nNot tested: {new} against {old}: {pair.reason}")
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
    kept = len(columns)
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
    for name in comparison.differing:
        values = [_text(row.hyperparameters.get(name)) for row in rows]
        columns[f"hp_{name}" if name in columns else name] = values
    print_table(list(columns), list(zip(*columns.values(), strict=True)), kept=kept, left=kept)


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
    print("\nNot comparable: scores of different data.")
    for (key, mark), split in zip(marks.items(), splits, strict=True):
        parts = [f"{name.partition('.')[2]} {split[name]}" for name in told if name in split]
        print(f"  {mark}  {', '.join([f'{key.name} ({key.digest[:8]})', *parts])}")


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
        header = f"{TEST_SCORES[key]}{' (95 % interval)' if shows else ''}"
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
    return f"{text} ({interval[0]:.4f} to {interval[1]:.4f})" if interval else text


def _text(value: object) -> str:
    return "" if value is None else format_value(value)
