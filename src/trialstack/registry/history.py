"""Who was champion when, and why: written as tags of the versions, read back as a list.

Every change is a tag of its own, `trialstack.champion.<milliseconds>`, on the version that got the
alias. Nothing is ever rewritten, so processes that change the champion at the same time cannot
lose each other's entry.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from trialstack.tracking.tags import user_name

CHAMPION = "champion"
"""The alias."""
CHANGE_TAG = "trialstack.champion."


@dataclass(frozen=True)
class ChampionChange:
    """One change of the champion.

    Attributes:
        version: Which got the alias.
        previous: Which had it, or None.
        at: When, in UTC.
        by: `"register"` (the comparison decided) or `"promote"` (a person did).
        reason: One line.
        who: Name of the user whose process did it; empty where it was not written down.
    """

    version: int
    previous: int | None
    at: datetime
    by: Literal["register", "promote"]
    reason: str
    who: str = ""


def champion_history(client: Any, name: str) -> list[ChampionChange]:
    """All changes of a registered model's champion, oldest first."""
    return changes_of(versions_of(client, name))


def changes_of(versions: Iterable[Any]) -> list[ChampionChange]:
    """All changes of the champion that a model's versions tell of, oldest first."""
    changes = (change for version in versions for change in _changes(version))
    return sorted(changes, key=lambda change: change.at)


def versions_of(client: Any, name: str) -> list[Any]:
    """All versions of a registered model, oldest first; none when there is no such model."""
    quote = '"' if "'" in name else "'"  # MLflow's filters know no escape
    versions: list[Any] = []
    token = None
    while True:
        page = client.search_model_versions(f"name={quote}{name}{quote}", page_token=token)
        versions += page
        if not (token := page.token):
            return sorted(versions, key=lambda version: int(version.version))


def champion_of(client: Any, name: str) -> Any | None:
    """The version that holds the alias, or None (no such model, no alias, a deleted version)."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version_by_alias(name, CHAMPION)
    except MlflowException as error:
        if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            return None
        raise


def crown(
    client: Any, name: str, version: int, reason: str, by: Literal["register", "promote"]
) -> None:
    """Gives a version the alias, and writes down why."""
    previous = champion_of(client, name)
    entry = {
        "previous": int(previous.version) if previous else None,
        "by": by,
        "reason": reason,
        "who": user_name(),
    }
    milliseconds = time.time_ns() // 1_000_000
    client.set_model_version_tag(
        name, str(version), f"{CHANGE_TAG}{milliseconds}", json.dumps(entry)
    )
    client.set_registered_model_alias(name, CHAMPION, str(version))


def crowned_for(version: Any) -> str | None:
    """The reason of a version's latest entry, if it has one."""
    latest = max(_changes(version), key=lambda change: change.at, default=None)
    return latest.reason if latest else None


def _changes(version: Any) -> list[ChampionChange]:
    return [
        _change(int(version.version), int(tag.removeprefix(CHANGE_TAG)), json.loads(value))
        for tag, value in version.tags.items()
        if tag.startswith(CHANGE_TAG)
    ]


def _change(version: int, milliseconds: int, entry: dict[str, Any]) -> ChampionChange:
    return ChampionChange(
        version=version,
        previous=entry["previous"],
        at=datetime.fromtimestamp(milliseconds / 1000, tz=UTC),
        by=entry["by"],
        reason=entry["reason"],
        who=entry.get("who", ""),
    )
