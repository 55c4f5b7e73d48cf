"""What the registry holds: models, versions, who is champion, how they did on their test rows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from trialstack.registry.champion import NOT_COMPARABLE_TAGS, REASON_TAG, SEARCH_RUN_TAG
from trialstack.registry.find import find_model, registered_models
from trialstack.registry.history import CHAMPION, ChampionChange, changes_of, versions_of
from trialstack.tracking.tags import KIND

TEST_METRIC = "test_"
"""How the final run's metrics on the sealed test rows begin."""

LOW, HIGH = "_low", "_high"
"""How the metrics of an interval's ends end."""

FINAL_RUNS = f"tags.`{KIND}` = 'final'"
MOST_RUNS = 1000
"""Runs in one answer of the store, newest first; older ones are asked for one by one."""


@dataclass(frozen=True)
class ListedVersion:
    """A version of a registered model.

    Attributes:
        version: From 1.
        aliases: Sorted.
        test: Scores on the sealed test rows: `auc`, `accuracy`, `log_loss`, ..., and `auc_ci`, an
            interval; empty where the search had no test rows.
        registered: When, in UTC.
        run_id: The final run; empty for a version that was not made by a search.
        search_run_id: The search's parent run; empty as `run_id`.
        comparable: Whether it could be compared with the champion of its time.
        reason: Why it became champion or did not; empty as `run_id`.
    """

    version: int
    aliases: tuple[str, ...]
    test: Mapping[str, float | list[float]]
    registered: datetime
    run_id: str
    search_run_id: str
    comparable: bool
    reason: str


@dataclass(frozen=True)
class ListedModel:
    """A registered model.

    Attributes:
        name: As `trialstack.load` takes it.
        description: Of the experiment.
        versions: Newest first.
        history: Every change of the champion, oldest first.
    """

    name: str
    description: str
    versions: tuple[ListedVersion, ...]
    history: tuple[ChampionChange, ...]

    @property
    def champion(self) -> int | None:
        """The version that holds the alias."""
        leaders = (each.version for each in self.versions if CHAMPION in each.aliases)
        return next(leaders, None)

    def as_json(self) -> dict[str, Any]:
        """Plain values; times in ISO 8601, in UTC."""
        return {
            "name": self.name,
            "description": self.description,
            "champion": self.champion,
            "versions": [_version_as_json(self.name, version) for version in self.versions],
            "history": [{**asdict(change), "at": change.at.isoformat()} for change in self.history],
        }


def list_models(client: Any, name: str | None = None) -> list[ListedModel]:
    """All registered models of a store, by name; or the one of a name.

    Args:
        client: `mlflow.MlflowClient` of the store.
        name: Of the only one that is wanted.

    Raises:
        InputError: There is no model of that name.
    """
    models = [find_model(client, name)] if name is not None else registered_models(client)
    return [_listed(client, model) for model in models]


def _listed(client: Any, model: Any) -> ListedModel:
    versions = versions_of(client, model.name)
    aliases: dict[int, list[str]] = {}
    for alias, number in model.aliases.items():
        aliases.setdefault(int(number), []).append(alias)
    metrics = _metrics(client, model.name, [version.run_id for version in versions])
    return ListedModel(
        name=model.name,
        description=model.description or "",
        versions=tuple(
            _version(version, sorted(aliases.get(int(version.version), [])), metrics)
            for version in reversed(versions)
        ),
        history=tuple(changes_of(versions)),
    )


def _version(
    version: Any, aliases: Iterable[str], metrics: Mapping[str, Mapping[str, float]]
) -> ListedVersion:
    return ListedVersion(
        version=int(version.version),
        aliases=tuple(aliases),
        test=_test_scores(metrics.get(version.run_id, {})),
        registered=datetime.fromtimestamp(version.creation_timestamp / 1000, tz=UTC),
        run_id=version.run_id or "",
        search_run_id=version.tags.get(SEARCH_RUN_TAG, ""),
        comparable=not any(tag in version.tags for tag in NOT_COMPARABLE_TAGS),
        reason=version.tags.get(REASON_TAG, ""),
    )


def _test_scores(metrics: Mapping[str, float]) -> dict[str, float | list[float]]:
    """Scores on the test rows among a run's metrics, the two ends of an interval in one.

    Example:
        >>> metrics = {"test_auc": 0.9, "test_auc_ci_low": 0.8, "test_auc_ci_high": 1.0, "auc": 1}
        >>> _test_scores(metrics)
        {'auc': 0.9, 'auc_ci': [0.8, 1.0]}
    """
    scores: dict[str, float | list[float]] = {}
    for key in sorted(metrics):
        if not key.startswith(TEST_METRIC):
            continue
        name = key.removeprefix(TEST_METRIC)
        if name.endswith(LOW) and (high := key.removesuffix(LOW) + HIGH) in metrics:
            scores[name.removesuffix(LOW)] = [metrics[key], metrics[high]]
        elif not name.endswith(HIGH):
            scores[name] = metrics[key]
    return scores


def _metrics(client: Any, name: str, run_ids: Iterable[str]) -> dict[str, Mapping[str, float]]:
    """The latest metrics of runs, by run id; a run that is gone is left out.

    Runs of one experiment come in one answer of the store, and a model has its experiment's name.
    """
    from mlflow.entities import ViewType
    from mlflow.exceptions import MlflowException

    experiment = client.get_experiment_by_name(name)
    found = (
        client.search_runs([experiment.experiment_id], FINAL_RUNS, ViewType.ALL, MOST_RUNS)
        if experiment
        else ()
    )
    metrics = {run.info.run_id: run.data.metrics for run in found}
    for run_id in run_ids:
        if run_id and run_id not in metrics:
            with contextlib.suppress(MlflowException):
                metrics[run_id] = client.get_run(run_id).data.metrics
    return metrics


def _version_as_json(name: str, version: ListedVersion) -> dict[str, Any]:
    fields = asdict(version)
    return {
        **fields,
        "uri": f"models:/{name}/{version.version}",
        "registered": version.registered.isoformat(),
    }
