"""The page of a search, be it done, broken off or still running."""

from __future__ import annotations

from collections.abc import Sequence

from trialstack.durations import shown_duration
from trialstack.report.compared import ComparedRun, compared
from trialstack.report.evaluation import with_intervals
from trialstack.report.importance import hyperparameter_importances
from trialstack.report.page import facts, words
from trialstack.report.page.chart_of_trials import (
    chart_over_trials,
    charts_by_hyperparameter,
    log_sampled,
    looks_of,
    objective_scale,
    records_of,
)
from trialstack.report.page.content import Models, Page, Tile
from trialstack.report.page.curves import read_curves
from trialstack.report.page.entries import (
    Entry,
    entry_of_trial,
    model_entries,
    ranked_entries,
    shown_score,
)
from trialstack.report.page.gallery import grid_of, shown_trials
from trialstack.report.page.leaderboard import leaderboard_of
from trialstack.report.page.parallel import parallel_coordinates
from trialstack.report.page.pictures import boundaries, evaluation_plots
from trialstack.report.page.scores import score_rows
from trialstack.report.paired import PairedTest, Untested, against_first
from trialstack.report.runs import RunStore
from trialstack.report.search import StoredSearch
from trialstack.tracking.links import Links, base_url

CHOSEN = 5
"""Trials whose curves are shown at first."""
MOST_CHOSEN = 8
"""Runs that the page has colours for."""


def page_of_search(runs: RunStore, search: StoredSearch, chosen: int = CHOSEN) -> Page:
    """All that MLflow holds of a search.

    Args:
        runs: The store.
        search: As `read_search` read it.
        chosen: So many of the best trials have their curves shown at first.
    """
    links = Links(base_url(runs.store), search.run.experiment_id)
    models, tested, untested = _models(runs, search)
    importances = hyperparameter_importances(search.trials)
    records, looks = records_of(search), looks_of(search)
    name, direction = search.objective.name, search.objective.direction
    logarithmic = log_sampled(search.run.params)
    y = objective_scale(records, direction)
    trials, fitted = ranked_entries(search), model_entries(search)
    curves = read_curves(runs, [*fitted, *trials], name, direction)
    grid = grid_of(search)
    gallery = [*fitted, *filter(None, map(entry_of_trial, shown_trials(search)))]
    in_grid = filter(None, map(entry_of_trial, grid.trials)) if grid else ()
    pictures = boundaries(runs, list({e.key: e for e in [*gallery, *in_grid]}.values()))
    evaluated = search.final if models else None
    return Page(
        title=search.run.experiment,
        subtitle=f"Search of {facts.when(search.run.started)}, run {search.run.run_id[:8]}",
        result=words.result(search, models),
        state=words.state(search),
        sentences=words.sentences(search, tested, importances),
        warnings=facts.data_warnings(search.run),
        tiles=_tiles(search, models),
        link=links.run(search.run.run_id),
        objective=name,
        leaderboard=leaderboard_of(search, links, y) if search.trials else None,
        over_trials=chart_over_trials(records, direction, y, looks) if y else None,
        parallel=parallel_coordinates(records, name, direction, logarithmic, y, looks)
        if y
        else None,
        panels=charts_by_hyperparameter(records, direction, logarithmic, y, looks) if y else (),
        importances=importances if search.ranking else None,
        curves=curves,
        chosen=_chosen(curves.entries if curves else (), chosen),
        grid=grid if pictures else None,
        gallery=[entry for entry in gallery if entry.key in pictures],
        pictures=pictures,
        models=Models(
            tuple(model.label for model in models),
            str(models[0].test_rows or ""),
            tuple(score_rows(models)),
            tuple(_sentences(tested, untested)),
            tuple(evaluation_plots(runs, evaluated)) if evaluated else (),
        )
        if models
        else None,
        failures=search.with_status("FAILED"),
        reasons=words.reasons(search),
        duration=facts.time_facts(search),
        data=facts.data_facts(runs, search),
        environment=facts.environment_facts(search.run),
        settings=facts.setting_facts(search.run),
        reproduction=facts.reproduction(runs, search),
    )


def _models(
    runs: RunStore, search: StoredSearch
) -> tuple[list[ComparedRun], list[PairedTest], list[Untested]]:
    """Baseline and final model as far as they were scored on test rows, and their paired test."""
    fitted = [run for run in (search.baseline, search.final) if run is not None]
    rows = [with_intervals(runs, compared(run, search.run)) for run in fitted]
    models = [row for row in rows if row.test is not None]
    names = {row.run.run_id: row.label for row in models}
    return models, *against_first(runs, [row.run for row in models], names)


def _sentences(tested: Sequence[PairedTest], untested: Sequence[Untested]) -> list[str]:
    found = [text for test in tested for text in (test.sentence, test.sentence_on_accuracy)]
    found += [f"no paired test: {pair.reason}" for pair in untested]
    return [f"{text[:1].upper()}{text[1:]}." for text in found]


def _tiles(search: StoredSearch, models: Sequence[ComparedRun]) -> list[Tile]:
    tiles = []
    for model in reversed(models):
        if model.test and model.test.get("auc") is not None:
            interval = model.test.get("auc_ci")
            note = f"{shown_score(interval[0])} to {shown_score(interval[1])}" if interval else ""
            tiles.append(Tile(f"test AUC, {model.label}", shown_score(model.test["auc"]), note))
    if search.ranking:
        best = search.ranking[0]
        name = f"best {search.objective.name}"
        tiles.append(Tile(name, shown_score(best.score), f"trial {best.number:03d}"))
    counts = {"failed": "FAILED", "running": "RUNNING", "broken off": "KILLED"}
    parts = [
        f"{len(of_state)} {word}"
        for word, state in counts.items()
        if (of_state := search.with_status(state))
    ]
    tiles.append(Tile("trials", str(len(search.trials)), ", ".join(parts)))
    seconds = facts.search_seconds(search)
    if seconds is not None:
        tiles.append(Tile("time of the trials", shown_duration(seconds)))
    return tiles


def _chosen(entries: Sequence[Entry], count: int) -> list[str]:
    """The best trials that have curves; models where no trial has any."""
    trials = [entry.key for entry in entries if entry.run.kind == "trial"]
    return (trials or [entry.key for entry in entries])[:count]
