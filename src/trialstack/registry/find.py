"""Finds what a person names in the registry, or says in one line what is there instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trialstack.datasets.names import nearest
from trialstack.errors import InputError
from trialstack.registry.history import CHAMPION, versions_of
from trialstack.registry.reference import ModelReference
from trialstack.tracking.store import Store, display_uri, open_client

NAMES_SHOWN = 5


def open_registry(store: Store) -> Any:
    """An `mlflow.MlflowClient` of a store that is there already: looking makes none.

    Raises:
        InputError: There is no such store, or it cannot be used.
    """
    file = store.sqlite_file
    if file is not None and not file.exists():
        raise InputError(
            f"tracking store {file}: no such file, hence no models; search first (trialstack tune "
            "EXPERIMENT.toml), or name another store with --tracking-uri"
        )
    return open_client(store)


def find_model(client: Any, name: str) -> Any:
    """A registered model, with its aliases.

    Args:
        client: `mlflow.MlflowClient` of the store.
        name: Of the model.

    Raises:
        InputError: There is none; the line suggests the nearest name, or lists those there are.
    """
    from mlflow.exceptions import MlflowException

    try:
        return client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code not in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            raise
    names = [model.name for model in registered_models(client)]
    there = _listed(names) or f"none in {display_uri(client.tracking_uri)}"
    raise InputError(f"model {name!r} is not registered; there are: {there}{nearest(name, names)}")


def find_version(client: Any, reference: ModelReference) -> Any:
    """The version that a reference means.

    Args:
        client: `mlflow.MlflowClient` of the store.
        reference: As the user gave it.

    Raises:
        InputError: No such model, version or alias; the line lists those there are.
    """
    model = find_model(client, reference.name)
    versions = {int(version.version): version for version in versions_of(client, model.name)}
    number = reference.version or model.aliases.get(reference.alias)
    if number is not None and int(number) in versions:
        return versions[int(number)]
    there = _listed(list(map(str, versions))) or "none"
    start = f"model {model.name!r}: no version"
    if reference.version:
        raise InputError(f"{start} {reference.version}; there are: {there}")
    if reference.alias == CHAMPION:
        raise InputError(
            f"{start} is champion; name one ({model.name}/VERSION) or make it champion "
            f"(trialstack promote {model.name} VERSION); there are: {there}"
        )
    aliases = _listed(sorted(model.aliases)) or "none"
    raise InputError(
        f"{start} has the alias {reference.alias!r}; there are: {aliases}"
        f"{nearest(str(reference.alias), model.aliases)}"
    )


def registered_models(client: Any) -> list[Any]:
    """All registered models, by name."""
    models: list[Any] = []
    token = None
    while True:
        page = client.search_registered_models(max_results=1000, page_token=token)
        models += page
        if not (token := page.token):
            return sorted(models, key=lambda model: str(model.name))


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMES_SHOWN
    text = ", ".join(names[-NAMES_SHOWN:])
    return f"{text} and {more} more" if more > 0 else text
