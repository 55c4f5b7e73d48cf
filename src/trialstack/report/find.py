"""Which search or runs a person means: by name, by id, or by the beginning of an id."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import PurePath

from trialstack.datasets.names import nearest
from trialstack.errors import InputError
from trialstack.report.runs import RunStore, StoredRun
from trialstack.tracking.experiments import find_experiment
from trialstack.tracking.tags import KIND

SHOWN = 5
"""Names or runs that an error line lists."""

_PREFIX = re.compile(r"[0-9a-f]+")
_IS_SEARCH = f"tags.`{KIND}` = 'search'"


def find_search(runs: RunStore, reference: str) -> StoredRun:
    """The run of a search.

    Args:
        runs: The store.
        reference: `NAME` of an experiment, for its latest search, or `NAME@ID` with the id of a
            search's run, or the beginning of one.

    Raises:
        InputError: There is no such experiment or search.
    """
    name, experiment_id, prefix = _experiment(runs, reference)
    if not prefix:
        latest = runs.where(_IS_SEARCH, [experiment_id], newest_first=True, most=1)
        if not latest:
            raise InputError(
                f"experiment {name!r} holds no search; compare runs of your choice with "
                "--runs ID,ID, or search with: trialstack tune EXPERIMENT.toml"
            )
        return latest[0]
    found = _beginning_with(runs, prefix, [experiment_id], f" and {_IS_SEARCH}")
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(_ambiguous(reference, prefix, found))
    others = _beginning_with(runs, prefix, [experiment_id])
    if others:
        raise InputError(f"{reference}: this run is {_described(others[0])}, not a search")
    searches = runs.where(_IS_SEARCH, [experiment_id], newest_first=True, most=SHOWN)
    there = ", ".join(f"{run.run_id[:8]} ({_when(run)})" for run in searches) or "no search"
    raise InputError(
        f"{reference}: no run of experiment {name!r} begins with {prefix!r}; there is: {there}"
    )


def find_runs(runs: RunStore, ids: Sequence[str]) -> list[StoredRun]:
    """Runs of any experiments, in the order of asking.

    Args:
        runs: The store.
        ids: Of runs, or the beginnings of them that no other run shares.

    Raises:
        InputError: An id is unknown or ambiguous, or came twice.
    """
    chosen: dict[str, StoredRun] = {}
    for wanted in ids:
        found = _beginning_with(runs, wanted)
        if not found:
            raise InputError(
                f"run {wanted!r}: no run of {runs.uri} has an id that begins so; ids are in the "
                "addresses of MLflow's run pages, and in compare --json"
            )
        if len(found) > 1:
            raise InputError(_ambiguous(f"run {wanted!r}", wanted, found))
        if found[0].run_id in chosen:
            raise InputError(f"run {wanted!r} came twice; give each run once")
        chosen[found[0].run_id] = found[0]
    return list(chosen.values())


def require_experiment(runs: RunStore, reference: str) -> None:
    """Refuses a name that does not stand for an experiment.

    Raises:
        InputError: There is none.
    """
    _experiment(runs, reference)


def _experiment(runs: RunStore, reference: str) -> tuple[str, str, str]:
    """Name and id of the experiment, and what follows the name's `@`."""
    if not reference.strip("@"):
        raise InputError(f"{reference!r} came; give the NAME of an experiment")
    whole = find_experiment(runs.client, reference)
    if whole is not None:
        return reference, whole, ""
    name, at, prefix = reference.rpartition("@")
    if at:
        found = find_experiment(runs.client, name) if name else None
        if found is not None and prefix:
            return name, found, prefix
        if found is not None:
            raise InputError(
                f"{reference!r}: nothing follows the @; give NAME or NAME@SEARCH_RUN_ID"
            )
    raise InputError(_unknown(runs, name if at else reference))


def _unknown(runs: RunStore, name: str) -> str:
    there = [known for known in runs.experiments.values() if known != "Default"]
    if not there:
        return (
            f"experiment {name!r}: {runs.uri} holds no experiment yet; search first with: "
            "trialstack tune EXPERIMENT.toml"
        )
    # Somebody may give the experiment's file, whose name is often nearly the experiment's.
    stem = PurePath(name).stem if name.endswith(".toml") else name
    hint = nearest(stem.replace("_", "-"), there) or nearest(stem, there)
    if not hint:
        more = f" and {len(there) - SHOWN} more" if len(there) > SHOWN else ""
        hint = f"; there is: {', '.join(there[:SHOWN])}{more}"
    return f"experiment {name!r} is not in {runs.uri}{hint}"


def _beginning_with(
    runs: RunStore, prefix: str, experiment_ids: Sequence[str] | None = None, and_more: str = ""
) -> list[StoredRun]:
    if not _PREFIX.fullmatch(prefix):  # a `%` would stand for anything
        return []
    condition = f"attributes.run_id LIKE '{prefix}%'{and_more}"
    return runs.where(condition, experiment_ids, most=SHOWN)


def _ambiguous(subject: str, prefix: str, found: Sequence[StoredRun]) -> str:
    several = ", ".join(f"{run.run_id[: len(prefix) + 4]} ({_described(run)})" for run in found)
    return f"{subject}: several runs begin with {prefix!r}, such as {several}; give more of the id"


def _described(run: StoredRun) -> str:
    return f"{run.kind or 'run'} {run.name!r} of {run.experiment}"


def _when(run: StoredRun) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started))
