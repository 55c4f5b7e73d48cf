"""Versions of a registered model, and which of them is the champion.

What is decided is written where it can be read again: the version's tags say on which rows it was
tested, how it compared and why it holds the alias or not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trialstack.errors import InputError
from trialstack.registry.challenge import Compare, ScoreChampion, Verdict, challenge
from trialstack.registry.digest import DIGEST_TAG
from trialstack.registry.evidence import Evidence, read_evidence
from trialstack.registry.history import CHAMPION, champion_of, crown, crowned_for, versions_of
from trialstack.registry.package import LoggedModelRef
from trialstack.tracking.tags import DATA_DIGEST, TEST_DIGEST

SEARCH_RUN_TAG = "trialstack.search_run_id"
TEST_USES_TAG = "trialstack.test_uses"
REASON_TAG = "trialstack.champion_reason"
"""Why the version got the alias or not; there once the decision is complete."""
NOT_COMPARABLE_TAGS = ("not_comparable", "trialstack.not_comparable")
MODEL_VERSIONS_TAG = "mlflow.modelVersions"
"""Tag of a logged model by which MLflow's pages show its registered versions."""

ATTEMPTS = 5
"""How often the decision is made anew when another process changes the champion meanwhile."""


@dataclass(frozen=True)
class Registered:
    """A version of a registered model.

    Attributes:
        name: The registered model's name.
        version: From 1.
        alias: `"champion"` if this version holds it.
        uri: `models:/NAME/VERSION`.
        reason: One line: why it holds the alias or does not.
        test_uses: How often its test rows have been used to compare, this time included.
    """

    name: str
    version: int
    alias: str | None
    uri: str
    reason: str
    test_uses: int


@dataclass(frozen=True)
class Candidate:
    """A logged model that is to become a version.

    Attributes:
        model: As `log_model` returned it.
        run_id: The final run, which holds the model and its evidence.
        search_id: Identity of the search.
        search_run_id: The search's parent run.
        data_digest: Of all rows.
        test_auc: On the test rows; None where there are none.
        evidence: Of its test.
        description: Markdown, shown on the version's page.
    """

    model: LoggedModelRef
    run_id: str
    search_id: str
    search_run_id: str
    data_digest: str
    test_auc: float | None
    evidence: Evidence
    description: str = ""


def register(
    client: Any,
    name: str,
    candidate: Candidate,
    *,
    compare: Compare,
    score_champion: ScoreChampion | None = None,
    description: str = "",
    tags: Mapping[str, str] | None = None,
) -> Registered:
    """Makes a version of a logged model and decides whether it becomes champion.

    The first version does. A later one does if it is better than the champion beyond chance
    (`trialstack.registry.challenge`). Calling again for the same run returns the version that is
    there, and completes what a killed call left undone. Check the model in a fresh process first.

    Args:
        client: `mlflow.MlflowClient` of the store.
        name: Registered model; made if need be.
        candidate: What is registered.
        compare: Paired comparison of two AUCs on the same rows.
        score_champion: Scores the champion on the candidate's test rows, where they are others
            than its own.
        description: Of the registered model, when it is made.
        tags: Of the registered model, when it is made.
    """
    found = next((v for v in versions_of(client, name) if v.run_id == candidate.run_id), None)
    version = found or _create_version(client, name, candidate, description, tags or {})
    _link(client, candidate.model.model_id, name, version.version)

    def judge(champion: Any) -> Verdict:
        return challenge(
            candidate.evidence,
            read_evidence(client, champion.run_id) if champion.run_id else None,
            champion=f"models:/{name}/{champion.version}",
            compare=compare,
            score_champion=score_champion,
        )

    if REASON_TAG not in version.tags:
        _decide(client, name, version, judge)
    return registered(client, name, version.version)


def registered(client: Any, name: str, version: int | str) -> Registered:
    """A version as it stands in the registry now.

    Raises:
        InputError: There is no such version.
    """
    versions = {int(known.version): known for known in versions_of(client, name)}
    if int(version) not in versions:
        there = ", ".join(map(str, sorted(versions))) or "none"
        raise InputError(f"model {name!r}: no version {version}; there are: {there}")
    tags = versions[int(version)].tags
    champion = champion_of(client, name)
    leads = champion is not None and int(champion.version) == int(version)
    return Registered(
        name=name,
        version=int(version),
        alias=CHAMPION if leads else None,
        uri=f"models:/{name}/{int(version)}",
        reason=tags.get(REASON_TAG, ""),
        test_uses=int(tags.get(TEST_USES_TAG, 0)),
    )


def promote(client: Any, name: str, version: int | str, reason: str) -> Registered:
    """Makes a version champion because somebody says so.

    Args:
        client: `mlflow.MlflowClient` of the store.
        name: Registered model.
        version: Its version.
        reason: One line for the history.

    Raises:
        InputError: There is no such version.
    """
    wanted = registered(client, name, version)
    if wanted.alias is None:
        crown(client, name, wanted.version, reason, by="promote")
        client.set_model_version_tag(name, str(wanted.version), REASON_TAG, reason)
    return registered(client, name, version)


def _create_version(
    client: Any, name: str, candidate: Candidate, description: str, tags: Mapping[str, str]
) -> Any:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name, tags=dict(tags), description=description or None)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    logged = client.get_logged_model(candidate.model.model_id)
    return client.create_model_version(
        name,
        # Not `models:/m-...`: the SQL store would look that up at MLflow's global tracking URI.
        source=logged.artifact_location,
        run_id=candidate.run_id,
        model_id=logged.model_id,
        tags=_version_tags(client, name, candidate),
        description=candidate.description or None,
        await_creation_for=0,
    )


def _version_tags(client: Any, name: str, candidate: Candidate) -> dict[str, str]:
    digest = candidate.evidence.test_digest
    uses = sum(known.tags.get(TEST_DIGEST) == digest for known in versions_of(client, name))
    tags = {
        "trialstack.search_id": candidate.search_id,
        SEARCH_RUN_TAG: candidate.search_run_id,
        DATA_DIGEST: candidate.data_digest,
        "trialstack.model_id": candidate.model.model_id,
        TEST_DIGEST: digest,
        TEST_USES_TAG: str(uses + 1),
        DIGEST_TAG: candidate.model.files_sha256,
    }
    if candidate.test_auc is not None:
        tags["test_auc"] = repr(float(candidate.test_auc))
    return tags


def _link(client: Any, model_id: str, name: str, version: int | str) -> None:
    """Shows the version on the logged model's page; a tracking server has done it already."""
    entry = {"name": name, "version": int(version)}
    known = json.loads(client.get_logged_model(model_id).tags.get(MODEL_VERSIONS_TAG, "[]"))
    if not any(e["name"] == name and int(e["version"]) == int(version) for e in known):
        client.set_logged_model_tags(model_id, {MODEL_VERSIONS_TAG: json.dumps([*known, entry])})


def _decide(client: Any, name: str, version: Any, judge: Callable[[Any], Verdict]) -> None:
    """Decides about the alias, and anew when the champion changed while that was done.

    MLflow cannot set an alias on condition, so a short moment remains between the last look and
    the change; two searches of one model that end within it leave the later one's decision.
    """
    for _ in range(ATTEMPTS):
        champion = champion_of(client, name)
        verdict = _verdict(client, name, version, champion, judge)
        now = champion_of(client, name)
        if (now and now.version) == (champion and champion.version):
            break
    number = str(version.version)
    leads = champion is not None and champion.version == version.version
    if verdict.wins and not leads:
        crown(client, name, int(number), verdict.reason, by="register")
    if not verdict.comparable:
        for tag in NOT_COMPARABLE_TAGS:
            client.set_model_version_tag(name, number, tag, "true")
    client.set_model_version_tag(name, number, REASON_TAG, verdict.reason)


def _verdict(
    client: Any, name: str, version: Any, champion: Any, judge: Callable[[Any], Verdict]
) -> Verdict:
    if champion is None:
        first = all(known.version == version.version for known in versions_of(client, name))
        reason = "the first version" if first else "no version was champion"
        return Verdict(wins=True, comparable=True, reason=reason)
    if champion.version == version.version:  # a killed call had come that far
        reason = crowned_for(champion) or "it held the alias already"
        return Verdict(wins=True, comparable=True, reason=reason)
    return judge(champion)
