"""All that a page shows, as plain values; the templates beside this file only lay it out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from trialstack.report.importance import Importances
from trialstack.report.page.chart_of_trials import Chart
from trialstack.report.page.curves import Curves
from trialstack.report.page.entries import Entry
from trialstack.report.page.facts import Facts, Reproduction
from trialstack.report.page.gallery import Grid
from trialstack.report.page.leaderboard import Leaderboard
from trialstack.report.page.parallel import Parallel
from trialstack.report.page.pictures import Picture
from trialstack.report.page.scores import ScoreRow
from trialstack.report.search import Trial


@dataclass(frozen=True)
class Tile:
    """A figure that stands out.

    Attributes:
        label: What it is.
        value: The figure.
        note: Below it; may be empty.
    """

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class RunTable:
    """Chosen runs as a table.

    Attributes:
        columns: Headers.
        rows: Address of each run's page in MLflow, and its cells.
        notes: What must be known of the columns.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Models:
    """Models on test rows.

    Attributes:
        names: One a model.
        rows: Of how many test rows the scores are; empty if that is not known or not the same.
        scores: One a score.
        sentences: Paired tests in words, and why some were not made.
        plots: What was drawn of the final model's predictions.
    """

    names: tuple[str, ...]
    rows: str
    scores: tuple[ScoreRow, ...]
    sentences: tuple[str, ...]
    plots: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Page:
    """A page. What is empty or None is left out.

    Attributes:
        title: Name of the experiment, or what is compared.
        subtitle: Which search of it, and when.
        result: The result in one sentence.
        state: That the search is not done.
        sentences: What else to know.
        warnings: What the data were warned of.
        tiles: Figures that stand out.
        link: The search's page in MLflow.
        objective: Name of the objective.
        table: Chosen runs.
        leaderboard: The trials.
        over_trials: The objective over trials.
        parallel: Parallel coordinates.
        panels: The objective against each hyperparameter.
        importances: Of the hyperparameters.
        curves: Learning curves.
        chosen: Keys of the runs whose curves are shown at first.
        grid: Boundaries by two hyperparameters.
        gallery: Runs whose boundaries stand side by side.
        pictures: Key of a run -> its boundary.
        models: The final evaluation.
        failures: Trials that failed.
        reasons: Why they did, and how many of each.
        duration: Time and cost.
        data: What identifies the rows.
        environment: Versions.
        settings: Of the search.
        reproduction: Commands.
        made: When the page was made.
    """

    title: str
    subtitle: str
    result: str
    state: str = ""
    sentences: Sequence[str] = ()
    warnings: Sequence[str] = ()
    tiles: Sequence[Tile] = ()
    link: str = ""
    objective: str = ""
    table: RunTable | None = None
    leaderboard: Leaderboard | None = None
    over_trials: Chart | None = None
    parallel: Parallel | None = None
    panels: Sequence[Chart] = ()
    importances: Importances | None = None
    curves: Curves | None = None
    chosen: Sequence[str] = ()
    grid: Grid | None = None
    gallery: Sequence[Entry] = ()
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    models: Models | None = None
    failures: Sequence[Trial] = ()
    reasons: Sequence[tuple[str, int]] = ()
    duration: Facts = field(default_factory=list)
    data: Facts = field(default_factory=list)
    environment: Facts = field(default_factory=list)
    settings: Facts = field(default_factory=list)
    reproduction: Reproduction | None = None
    made: str = field(default_factory=lambda: time.strftime("%Y-%m-%d %H:%M"))

    @property
    def sections(self) -> list[tuple[str, str]]:
        """Anchor and title of the sections that are there, in their order."""
        there: list[tuple[object, str, str]] = [
            (self.table, "runs", "Runs"),
            (self.models, "evaluation", "Evaluation"),
            (self.leaderboard, "leaderboard", "Leaderboard"),
            (self.over_trials, "objective", "Objective"),
            (self.parallel or self.panels, "hyperparameters", "Hyperparameters"),
            (self.importances, "importance", "Importance"),
            (self.curves, "curves", "Learning curves"),
            (self.pictures, "boundaries", "Decision boundaries"),
            (self.models and self.models.plots, "pictures", "Predictions"),
            (self.failures, "failures", "Failed trials"),
            (self.duration, "time", "Time and cost"),
            (self.data, "rows", "Data"),
            (self.environment, "environment", "Environment"),
            (self.reproduction, "reproduce", "Reproduce"),
        ]
        return [(anchor, title) for content, anchor, title in there if content]
