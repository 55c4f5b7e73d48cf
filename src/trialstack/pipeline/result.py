"""What the main job comes to, as `tune --json` prints it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trialstack.durations import seconds_of_process
from trialstack.tuners.journal import plain

if TYPE_CHECKING:
    from trialstack.tuners.trial_row import TrialRow


@dataclass(frozen=True)
class TrialCounts:
    """How the trials ended; `resumed` were done by an earlier process already.

    `stacked` counts those of earlier processes too.
    """

    completed: int
    failed: int
    resumed: int
    stacked: int


@dataclass(frozen=True)
class Best:
    """The trial that won.

    Attributes:
        epochs: Of the final fit.
        hyperparameters: As a person reads them, exact.
    """

    trial_id: str
    run_id: str
    score: float
    epochs: int
    hyperparameters: Mapping[str, Any]


@dataclass(frozen=True)
class Scored:
    """A run and its scores on the sealed test rows; None where there are no such rows."""

    run_id: str
    test: Mapping[str, Any] | None


@dataclass(frozen=True)
class RegisteredModel:
    """The version that the search has made."""

    name: str
    version: int
    alias: str | None
    uri: str
    reason: str


@dataclass(frozen=True)
class TuneResult:
    """What `trialstack.tune` returns.

    Attributes:
        experiment: Its name.
        tracking_uri: Absolute, without a password.
        search_run_id: The parent run.
        baseline: None when the experiment has none.
        comparison: Final against baseline: `auc_difference`, `ci`, `p` (DeLong),
            `accuracy_difference`, `accuracy_ci`, `accuracy_p` (McNemar), ...; None without a
            baseline or test rows.
        sentence: The comparison in words.
        leaderboard: Trials with a score, the best first.
        links: Name of a page -> address.
        seconds_search: From the first trial asked to the last result journaled, in all processes
            that worked on the search.
    """

    experiment: str
    tracking_uri: str
    search_run_id: str
    objective: str
    trials: TrialCounts
    best: Best
    baseline: Scored | None
    final: Scored
    comparison: Mapping[str, Any] | None
    sentence: str
    model: RegisteredModel
    leaderboard: list[TrialRow]
    links: Mapping[str, str]
    seconds_search: float

    def as_json(self) -> dict[str, Any]:
        """Plain data for `--json`; the total is what this process has taken until now."""
        model = self.model
        document = {
            "experiment": self.experiment,
            "tracking_uri": self.tracking_uri,
            "search_run_id": self.search_run_id,
            "trials": vars(self.trials),
            "best": vars(self.best),
            "baseline": vars(self.baseline) if self.baseline else None,
            "final": vars(self.final),
            "comparison": self.comparison,
            "model": {
                "name": model.name,
                "version": model.version,
                "alias": model.alias,
                "uri": model.uri,
            },
            "seconds": {"search": self.seconds_search, "total": seconds_of_process()},
        }
        return plain(document)  # type: ignore[no-any-return]
