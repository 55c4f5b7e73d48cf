"""The page of runs that somebody chose, of any experiments."""

from __future__ import annotations

from trialstack.durations import shown_duration
from trialstack.hypermodels.naming import format_value
from trialstack.report.compared import ComparedRun
from trialstack.report.comparison import Comparison
from trialstack.report.page.content import Models, Page, RunTable
from trialstack.report.page.curves import read_curves
from trialstack.report.page.entries import entry_of_row, shown_score
from trialstack.report.page.of_search import MOST_CHOSEN
from trialstack.report.page.pictures import boundaries
from trialstack.report.page.scores import score_rows
from trialstack.report.runs import RunStore
from trialstack.report.search import objective_of
from trialstack.tracking.links import Links, base_url

SHOWN_ID = 8


def page_of_runs(runs: RunStore, comparison: Comparison) -> Page:
    """Chosen runs side by side.

    Args:
        runs: The store.
        comparison: As `compare_runs` made it.
    """
    rows = comparison.rows
    entries = [entry_of_row(row, several_searches=True) for row in rows]
    objectives = {row.objective for row in rows if row.objective}
    objective = objectives.pop() if len(objectives) == 1 else ""
    directions = [
        found.direction for row in rows if row.search and (found := objective_of(row.search))
    ]
    curves = read_curves(runs, entries, objective, directions[0] if directions else "max")
    pictures = boundaries(runs, entries)
    experiments = list(dict.fromkeys(row.run.experiment for row in rows))
    tests = [test.sentence for test in comparison.tested]
    return Page(
        title=f"{len(rows)} runs",
        subtitle=f"Of {', '.join(experiments)}",
        result=_capitalised(tests[0]) + "." if tests else f"{len(rows)} runs side by side.",
        sentences=[_capitalised(text) + "." for text in tests[1:]],
        warnings=["Not comparable: their scores are of different data."]
        if comparison.on_several_data
        else [],
        link=comparison.links["compare"],
        objective=objective,
        table=_table(runs, comparison, objective),
        curves=curves,
        chosen=[entry.key for entry in curves.entries][:MOST_CHOSEN] if curves else (),
        gallery=[entry for entry in entries if entry.key in pictures],
        pictures=pictures,
        models=_models(comparison),
    )


def _table(runs: RunStore, comparison: Comparison, objective: str) -> RunTable:
    rows = comparison.rows
    base = base_url(runs.store)
    marks = comparison.data_marks
    columns = ["run", "kind", "experiment", objective or "score", "epochs", "time"]
    if comparison.on_several_data:
        columns.append("data")
    columns += comparison.differing
    lines = []
    for row in rows:
        run = row.run
        seconds = shown_duration(run.seconds) if run.seconds is not None else run.status.lower()
        cells = [run.run_id[:SHOWN_ID], row.label, run.experiment, shown_score(row.score)]
        cells += [_text(row.epochs), seconds]
        if comparison.on_several_data:
            cells.append(marks[row.data])
        cells += [_text(row.hyperparameters.get(name)) for name in comparison.differing]
        lines.append((Links(base, run.experiment_id).run(run.run_id), tuple(cells)))
    notes = [
        f"Data {mark}: {key.name}, {key.digest[:SHOWN_ID]}"
        for key, mark in marks.items()
        if key is not None and comparison.on_several_data
    ]
    return RunTable(tuple(columns), tuple(lines), tuple(notes))


def _models(comparison: Comparison) -> Models | None:
    models = comparison.models
    if not models:
        return None
    names = {row.run.run_id: _name(row) for row in models}
    sentences = [
        f"{_capitalised(text)}."
        for test in comparison.tested
        for text in (test.sentence, test.sentence_on_accuracy)
    ]
    if len(comparison.tested) > 1:
        count = len(comparison.tested)
        sentences.append(f"Of {count} tests; their p-values are not corrected for that.")
    sentences += [
        f"Not tested: {names[pair.new.run_id]} against {names[pair.old.run_id]}: {pair.reason}."
        for pair in comparison.untested
    ]
    same = {(row.test_digest, row.test_rows) for row in models}
    rows = str(models[0].test_rows or "") if len(same) == 1 else ""
    return Models(tuple(names.values()), rows, tuple(score_rows(models)), tuple(sentences))


def _name(row: ComparedRun) -> str:
    return f"{row.label} {row.run.run_id[:SHOWN_ID]}"


def _text(value: object) -> str:
    return "" if value is None else format_value(value)


def _capitalised(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
