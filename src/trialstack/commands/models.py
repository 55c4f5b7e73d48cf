"""`trialstack models`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from trialstack.console import print_json
from trialstack.markdown import plain
from trialstack.quiet import silence_libraries
from trialstack.registry.find import open_registry
from trialstack.registry.history import ChampionChange
from trialstack.registry.listing import ListedModel, ListedVersion, list_models
from trialstack.tables import print_heading, print_table, print_text
from trialstack.tracking.store import display_uri, resolve_store

SHOWN_ID = 8
"""Characters of a run's id, which `trialstack compare NAME@ID` takes."""

HANGING = 18
"""Characters of a time and the gap after it."""

SCORES = {"auc": "test AUC", "accuracy": "accuracy", "log_loss": "log loss"}


def run_models(name: str | None, *, as_json: bool, tracking_uri: str | None) -> None:
    """Prints the registered models of a store, or one of them with the history of its champions.

    `--json` prints one object: `tracking_uri` and `models`, each with `name`, `description`,
    `champion` (a version or null), `versions`, newest first (`version`, `uri`, `aliases`, `test`
    with the scores and their `..._ci`, `registered`, `run_id`, `search_run_id`, `comparable`,
    `reason`), and `history`, oldest first (`version`, `previous`, `at`, `by`, `reason`, `who`).

    Args:
        name: Of the only model that is wanted.
        as_json: Print JSON instead of tables.
        tracking_uri: Of the store; None = its default.
    """
    silence_libraries()
    store = resolve_store(tracking_uri)
    models = list_models(open_registry(store), name)
    uri = display_uri(store.tracking_uri)
    if as_json:
        print_json({"tracking_uri": uri, "models": [model.as_json() for model in models]})
    elif not models:
        print(f"No model is registered in {uri}; trialstack tune registers one.")
    elif name is None:
        _print_all(models)
    else:
        _print_one(models[0])


def _print_all(models: Sequence[ListedModel]) -> None:
    for number, model in enumerate(models):
        if number:
            print()
        _print_versions(model, model.name)
    print("\nMore of one, and who was champion when and why: trialstack models NAME")


def _print_one(model: ListedModel) -> None:
    if model.description:
        print_heading(model.name)
        print_text(plain(model.description))
        print()
    _print_versions(model, "Versions" if model.description else model.name)
    print()
    print_heading("Champions, the latest first")
    for change in reversed(model.history):
        print_text(f"{_time(change.at)}  {_change(change)}", HANGING)
    champions = {change.version for change in model.history}
    others = [each for each in model.versions if each.version not in champions and each.reason]
    if others:
        print()
        print_heading("Never champion")
        for version in others:
            why = f"version {version.version}: {version.reason}"
            print_text(f"{_time(version.registered)}  {why}", HANGING)


def _print_versions(model: ListedModel, heading: str) -> None:
    print_heading(heading)
    columns = ["version", "alias", *SCORES.values(), "registered", "search"]
    print_table(columns, [_cells(version) for version in model.versions])


def _cells(version: ListedVersion) -> list[str]:
    scores = (version.test.get(key) for key in SCORES)
    return [
        str(version.version),
        ", ".join(version.aliases),
        *(f"{score:.4f}" if isinstance(score, float) else "" for score in scores),
        _time(version.registered),
        version.search_run_id[:SHOWN_ID],
    ]


def _change(change: ChampionChange) -> str:
    instead = f" instead of {change.previous}" if change.previous else ""
    by = f" by {change.who}" if change.who else ""
    promoted = f", promoted{by}" if change.by == "promote" else ""
    return f"version {change.version}{instead}{promoted}: {change.reason}"


def _time(when: datetime) -> str:
    """To the minute, as this machine's clock shows it."""
    return f"{when.astimezone():%Y-%m-%d %H:%M}"
