"""Runs side by side: the best of a search, or any that somebody chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from trialstack.errors import InputError
from trialstack.report.compared import ComparedRun, DataKey, compared
from trialstack.report.differences import differing, names_of
from trialstack.report.evaluation import with_intervals
from trialstack.report.paired import PairedTest, Untested, against_first
from trialstack.report.runs import RunStore, StoredRun
from trialstack.report.search import StoredSearch
from trialstack.tracking.entities import entity_name
from trialstack.tracking.links import Links, base_url

TOP = 10
"""Trials that are shown if nobody says otherwise; also what MLflow's charts show."""


@dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    Attributes:
        tracking_uri: Of the store, without credentials.
        search: The search whose runs these are; None if they were chosen.
        rows: The trials, the best first, then baseline and final; or the chosen runs.
        differing: Hyperparameters that are not the same in all rows.
        tested: Models on the same test rows: each against the first of them.
        untested: Models that could not be compared so.
        links: Name of a page of the MLflow UI -> address.
    """

    tracking_uri: str
    search: StoredSearch | None
    rows: tuple[ComparedRun, ...]
    differing: tuple[str, ...]
    tested: tuple[PairedTest, ...]
    untested: tuple[Untested, ...]
    links: Mapping[str, str]

    @property
    def models(self) -> list[ComparedRun]:
        """Rows that were scored on test rows."""
        return [row for row in self.rows if row.test is not None]

    @property
    def data_marks(self) -> dict[DataKey | None, str]:
        """A letter for each data set (rows and split), in the order of the rows; `?` if unknown."""
        known = dict.fromkeys(row.data for row in self.rows if row.data is not None)
        return {**{key: _letter(place) for place, key in enumerate(known)}, None: "?"}

    @property
    def on_several_data(self) -> bool:
        """Whether scores come from different rows, and cannot be compared as they are."""
        return len({row.data for row in self.rows}) > 1

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `commands.compare` says which."""
        return {
            "tracking_uri": self.tracking_uri,
            "search": _search_dict(self.search) if self.search else None,
            "runs": [row.as_dict() for row in self.rows],
            "differing": list(self.differing),
            "paired_tests": [test.as_dict() for test in self.tested],
            "not_tested": [pair.as_dict() for pair in self.untested],
            "links": dict(self.links),
        }


def compare_search(runs: RunStore, search: StoredSearch, top: int = TOP) -> Comparison:
    """The best trials of a search beside its baseline and final model.

    Args:
        runs: The store.
        search: As `read_search` read it.
        top: So many trials at most.

    Raises:
        InputError: No trial has a score yet.
    """
    ranking = search.ranking
    if not ranking:
        raise InputError(_no_score(search))
    best = [
        compared(trial.run, search.run, rank)
        for rank, trial in enumerate(ranking[:top], 1)
        if trial.run is not None
    ]
    models = [run for run in (search.baseline, search.final) if run is not None]
    return _comparison(runs, search, [*best, *(compared(run, search.run) for run in models)])


def compare_runs(runs: RunStore, chosen: Sequence[StoredRun]) -> Comparison:
    """Runs of any experiments, in the order in which they come.

    Args:
        runs: The store.
        chosen: Two or more.

    Raises:
        InputError: There are fewer than two.
    """
    if len(chosen) < 2:
        raise InputError(f"{len(chosen)} run came; give two or more, as in --runs ID,ID")
    parents = runs.with_ids([run.parent_id for run in chosen if run.parent_id])
    own = {run.run_id: run for run in chosen if run.kind == "search"}
    rows = [compared(run, own.get(run.run_id) or parents.get(run.parent_id)) for run in chosen]
    return _comparison(runs, None, rows)


def _comparison(
    runs: RunStore, search: StoredSearch | None, rows: Sequence[ComparedRun]
) -> Comparison:
    names = names_of(row.hyperparameters for row in rows)
    rows = [with_intervals(runs, row.with_settings(names)) for row in rows]
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        group = (row.search.run_id if row.search else "", row.run.kind)
        groups.setdefault(group, []).append(row.hyperparameters)
    models = [row for row in rows if row.test is not None]
    short = {
        row.run.run_id: row.label if search else f"{row.label} {row.run.run_id[:8]}"
        for row in models
    }
    tested, untested = against_first(runs, [row.run for row in models], short)
    return Comparison(
        tracking_uri=runs.uri,
        search=search,
        rows=tuple(rows),
        differing=tuple(differing(list(groups.values()))),
        tested=tuple(tested),
        untested=tuple(untested),
        links=_links(runs, search, rows),
    )


def _links(
    runs: RunStore, search: StoredSearch | None, rows: Sequence[ComparedRun]
) -> dict[str, str]:
    experiments = list(dict.fromkeys(row.run.experiment_id for row in rows))
    links = Links(base_url(runs.store), experiments[0])
    ids = [row.run.run_id for row in rows]
    pages = {"compare": links.compare(ids, experiments)}
    if (curve := _curve_of(rows)) is not None:
        pages["curves"] = links.metric(ids, curve, experiments)
    if search is not None:
        direction = search.objective.direction
        pages["trials"] = links.trials(search.run.run_id, search.best_metric, direction)
        pages["search"] = links.run(search.run.run_id)
    return pages


def _curve_of(rows: Sequence[ComparedRun]) -> str | None:
    """The metric to draw over epochs: the objective, or that of the training rows."""
    objectives = {row.objective for row in rows if row.objective}
    if len(objectives) != 1:
        return None
    (name,) = objectives
    candidates = [entity_name(name), entity_name(name.removeprefix("val_"))]
    drawn = (curve for curve in candidates if any(curve in row.run.metrics for row in rows))
    return next(drawn, None)


def _search_dict(search: StoredSearch) -> dict[str, Any]:
    states = ("FINISHED", "FAILED", "RUNNING", "KILLED")
    counts = {state.lower(): len(search.with_status(state)) for state in states}
    model = search.model
    return {
        "experiment": search.run.experiment,
        "run_id": search.run.run_id,
        "name": search.run.name,
        "status": search.run.status,
        "objective": search.objective.name,
        "direction": search.objective.direction,
        "trials": {**counts, "max": search.max_trials},
        "seconds": search.seconds,
        "model": {"uri": model.uri, "alias": model.alias} if model else None,
    }


def _no_score(search: StoredSearch) -> str:
    failed, running = search.with_status("FAILED"), search.with_status("RUNNING")
    counts = [f"{len(running)} running"] if running else []
    counts += [f"{len(failed)} failed"] if failed else []
    text = f"search {search.run.name!r} ({search.run.run_id[:8]}) has no finished trial"
    text += f" yet: {', '.join(counts)}" if counts else " yet"
    first = f"; the first failed with: {failed[0].reason}" if failed and not running else ""
    return f"{text}{first}; wait for one, or compare other runs with --runs ID,ID"


def _letter(place: int) -> str:
    return ascii_uppercase[place] if place < len(ascii_uppercase) else f"D{place + 1}"
