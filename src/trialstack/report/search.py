"""A search as MLflow holds it, whether it is done, broken off or still running."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from trialstack.errors import InputError
from trialstack.registry.champion import Registered, registered
from trialstack.report.runs import RunStore, StoredRun, Value
from trialstack.tracking.entities import entity_name
from trialstack.trials import Objective

ERROR_TAG = "trialstack.error"


@dataclass(frozen=True)
class Trial:
    """A trial, by its last attempt.

    Attributes:
        trial_id: The oracle's name of it.
        number: Position in the order of asking, from 0.
        name: As people see it.
        status: `RUNNING`, `FINISHED`, `FAILED` or `KILLED` (broken off, and not made again yet).
        hyperparameters: As a person reads them; in MLflow to four significant digits.
        score: The objective at the best epoch; None if it came to none.
        best_epoch: Index of the best epoch, from 0.
        epochs_run: How many epochs it was trained.
        seconds: From its start to its end; stacked trials share theirs. None while it runs.
        reason: Why it failed; empty if it did not.
        started: Seconds since the epoch.
        stopped_by: `epochs`, the name of the callback that ended it, or `error`.
        run: Its run; None where there is none in MLflow.
    """

    trial_id: str
    number: int
    name: str
    status: str
    hyperparameters: Mapping[str, Value]
    score: float | None
    best_epoch: int | None
    epochs_run: int | None
    seconds: float | None
    reason: str
    started: float
    stopped_by: str
    run: StoredRun | None = None


@dataclass(frozen=True)
class StoredSearch:
    """One search: its own run, its trials and its models.

    Attributes:
        run: The parent run; its params are the settings.
        objective: What was optimised.
        trials: In the order of asking.
        baseline: None if there is none (yet).
        final: None if there is none (yet).
        model: The version that was registered of the final model; None if none was (yet).
    """

    run: StoredRun
    objective: Objective
    trials: tuple[Trial, ...]
    baseline: StoredRun | None
    final: StoredRun | None
    model: Registered | None

    @property
    def ranking(self) -> list[Trial]:
        """Trials with a score, the best first; of equal ones the earlier first."""
        return ranked(self.trials, self.objective.direction)

    @property
    def best_metric(self) -> str:
        """Name of the metric by which MLflow ranks the trials."""
        return entity_name(f"best_{self.objective.name}")

    @property
    def max_trials(self) -> int | None:
        """How many trials it was to have, as its settings say; an extension adds to it."""
        text = setting(self.run, "max_trials")
        return int(text) if text.isdecimal() else None

    def with_status(self, status: str) -> list[Trial]:
        """Trials that are `RUNNING`, `FINISHED`, `FAILED` or `KILLED`."""
        return [trial for trial in self.trials if trial.status == status]

    @property
    def seconds(self) -> float | None:
        """From the first trial's start to the last trial's end; None while one runs."""
        ends = [trial.started + trial.seconds for trial in self.trials if trial.seconds is not None]
        if not ends or len(ends) < len(self.trials):
            return None
        return round(max(ends) - min(trial.started for trial in self.trials), 3)


def ranked(trials: Iterable[Trial], direction: str) -> list[Trial]:
    """Trials with a score, the best first; of equal ones the earlier first.

    Args:
        trials: In any order.
        direction: `"max"` or `"min"`.
    """
    sign = -1.0 if direction == "max" else 1.0
    scored = [trial for trial in trials if trial.score is not None]
    return sorted(scored, key=lambda trial: (sign * (trial.score or 0.0), trial.number))


def setting(run: StoredRun, name: str) -> str:
    """A setting of a search: of one that an experiment file describes, or of a tuner's own.

    Returns:
        Its text, empty where the run does not say.
    """
    return run.params.get(f"search.{name}") or run.params.get(name, "")


def objective_of(run: StoredRun) -> Objective | None:
    """What a search optimises; None where the run does not say."""
    name, direction = setting(run, "objective"), setting(run, "direction")
    return Objective(name, direction) if name and direction in {"max", "min"} else None


def read_search(runs: RunStore, run: StoredRun) -> StoredSearch:
    """Reads all of a search: one request a thousand trials, and three for the registered model.

    Args:
        runs: The store.
        run: The search's own run.

    Raises:
        InputError: The run does not say what was optimised.
    """
    objective = objective_of(run)
    if objective is None:
        raise InputError(
            f"run {run.run_id} ({run.name}): its params name no objective, so its trials cannot "
            "be ranked; compare runs of your choice with --runs ID,ID"
        )
    children = runs.where(f"tags.`mlflow.parentRunId` = '{run.run_id}'", [run.experiment_id])
    of_kind: dict[str, list[StoredRun]] = {}
    for child in children:
        of_kind.setdefault(child.kind, []).append(child)
    final = _latest(of_kind.get("final", []))
    return StoredSearch(
        run=run,
        objective=objective,
        trials=_trials(of_kind.get("trial", []), objective),
        baseline=_latest(of_kind.get("baseline", [])),
        final=final,
        model=_model(runs, final) if final is not None else None,
    )


def trial_of(run: StoredRun, number: int, objective: Objective) -> Trial:
    """A trial's run as a trial.

    Args:
        run: Of the kind `trial`.
        number: Its position, where its id is no number.
        objective: Of its search.
    """
    trial_id = run.tags.get("trialstack.trial_id", "")
    score = run.metrics.get(entity_name(f"best_{objective.name}"))
    is_scored = run.status == "FINISHED" and score is not None and math.isfinite(score)
    return Trial(
        trial_id=trial_id,
        number=int(trial_id) if trial_id.isdecimal() else number,
        name=run.name,
        status=run.status,
        hyperparameters=run.values,
        score=score if is_scored else None,
        best_epoch=_count(run, "best_epoch"),
        epochs_run=_count(run, "epochs_run"),
        seconds=run.seconds,
        reason=run.tags.get(ERROR_TAG, ""),
        started=run.started,
        stopped_by=run.tags.get("trialstack.stopped_by", ""),
        run=run,
    )


def _trials(runs: Sequence[StoredRun], objective: Objective) -> tuple[Trial, ...]:
    last: dict[str, StoredRun] = {}  # oldest first: a later run of a trial takes the place
    for run in runs:
        trial_id = run.tags.get("trialstack.trial_id", run.run_id)
        if trial_id not in last or _attempt(run) >= _attempt(last[trial_id]):
            last[trial_id] = run
    trials = [trial_of(run, number, objective) for number, run in enumerate(last.values())]
    return tuple(sorted(trials, key=lambda trial: trial.number))


def _attempt(run: StoredRun) -> int:
    text = run.tags.get("trialstack.attempt", "")
    return int(text) if text.isdecimal() else 0


def _latest(runs: Sequence[StoredRun]) -> StoredRun | None:
    """The last of runs that do the same work again; one that came to its end before others."""
    ended = [run for run in runs if run.status == "FINISHED"]
    likeliest = ended or [run for run in runs if run.status == "RUNNING"] or runs
    return likeliest[-1] if likeliest else None


def _count(run: StoredRun, name: str) -> int | None:
    value = run.metrics.get(name)
    return int(value) if value is not None and math.isfinite(value) else None


def _model(runs: RunStore, final: StoredRun) -> Registered | None:
    versions = runs.client.search_model_versions(f"run_id = '{final.run_id}'")
    return registered(runs.client, versions[0].name, versions[0].version) if versions else None
