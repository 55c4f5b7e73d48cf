"""Which search a command means: a new one, one to go on with, or one that is refused.

Of the searches of an experiment, the newest is the one that counts.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from trialstack.errors import InputError, JournalError
from trialstack.experiment import Experiment
from trialstack.searches.data_changes import data_changes
from trialstack.searches.folders import new_folder, searches_in
from trialstack.tuners.journal import FILE_NAME, Journal, plain

DONE = "done"
"""Name of the stage that ends a search: everything is evaluated and registered."""

CLOSED_OTHERS = "closed others"
"""Name of the stage in which the runs of the searches that this one replaces are closed."""

EXTENDED = "extended"
"""Name of the stage that reopens a search for more trials."""


@dataclass(frozen=True)
class OpenSearch:
    """A search that this process works on.

    Attributes:
        folder: Where its journal is.
        journal: Opened.
        max_trials: How many trials it is to have in the end.
        resumed: Whether an earlier process began it.
        abandoned: Search ids of unfinished searches that this one replaces, whose runs may still
            be open.
    """

    folder: Path
    journal: Journal
    max_trials: int
    resumed: bool
    abandoned: tuple[str, ...] = ()


def open_search(
    home: Path,
    experiment: Experiment,
    data_digest: str,
    data_facts: Mapping[str, Any] | None = None,
    *,
    fresh: bool = False,
    extend: int | None = None,
) -> OpenSearch:
    """Finds the search to go on with, or begins one; see `choose_search`."""
    return choose_search(home, experiment, data_digest, data_facts, fresh=fresh, extend=extend)()


def choose_search(
    home: Path,
    experiment: Experiment,
    data_digest: str,
    data_facts: Mapping[str, Any] | None = None,
    *,
    fresh: bool = False,
    extend: int | None = None,
) -> Callable[[], OpenSearch]:
    """Decides which search to go on with, or that one begins; writes nothing yet.

    Args:
        home: The experiment's folder, held.
        experiment: What is wanted now.
        data_digest: Of all rows.
        data_facts: Of a person's table, what tells two versions of it apart; see
            `trialstack.searches.data_changes`.
        fresh: Begin a new one whatever is there.
        extend: Go on with a finished search by so many more trials.

    Returns:
        What opens that search, as long as the folder is held.

    Raises:
        InputError: An unfinished search has other settings or other rows, or there is nothing to
            extend.
    """
    identity = {**experiment.identity_settings(), "data": data_digest}
    facts = dict(data_facts or {})
    try:
        latest = _latest(searches_in(home))
    except JournalError:
        if not fresh:
            raise
        latest = None  # what cannot be read cannot be closed either
    if latest is None or fresh:
        if extend is not None:
            raise InputError(
                f"--extend {extend}: experiment {experiment.name!r} has no search to go on with; "
                "leave --extend away"
            )
        return partial(_begin, home, experiment, identity, facts, latest)
    folder, journal = latest
    _require_own(journal)
    state = state_of(journal)
    same = not differing(journal.header["identity"], identity)
    if state["name"] == DONE and extend is None:
        if not same or experiment.search.max_trials <= state["data"]["max_trials"]:
            return partial(_begin, home, experiment, identity, facts, None)
    elif not same and next(journal.of("asked"), None) is None:
        return partial(_begin, home, experiment, identity, facts, latest)  # nothing would be lost
    _refuse_other(experiment, folder, journal, identity, facts)
    return partial(_go_on, folder, journal, state, experiment, extend)


def _require_own(journal: Journal) -> None:
    if "identity" not in journal.header:
        raise JournalError(
            f"{journal.path}: not the journal of a search of an experiment file; move its folder "
            "away, or start a new search with --fresh"
        )


def differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Keys whose values are not the same, each with both values."""
    old, new = plain(old), plain(new)
    return [
        f"{key} was {_shown(old.get(key))}, is {_shown(new.get(key))}"
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    ]


def _latest(folders: list[Path]) -> tuple[Path, Journal] | None:
    for folder in reversed(folders):
        journal = Journal(folder / FILE_NAME)
        if len(journal):
            return folder, journal
        if any(path.name not in {FILE_NAME, "lock"} for path in folder.iterdir()):
            raise JournalError(
                f"{journal.path}: nothing that can be read is in it, although trials were trained "
                "here; put the file back from a backup, or start the search anew with --fresh"
            )
    return None


def state_of(journal: Journal) -> dict[str, Any]:
    """The last word on whether the search is done."""
    last = {"name": "begun", "data": {}}
    for entry in journal.of("stage"):
        if entry["name"] in {DONE, EXTENDED}:
            last = entry
    return last


def _begin(
    home: Path,
    experiment: Experiment,
    identity: Mapping[str, Any],
    facts: Mapping[str, Any],
    latest: tuple[Path, Journal] | None,
) -> OpenSearch:
    abandoned: tuple[str, ...] = ()
    if latest is not None and state_of(latest[1])["name"] != DONE:
        # With those that it has replaced itself: it may not have come to close their runs.
        abandoned = (*_replaced_by(latest[1]), latest[1].search_id)
    search_id = uuid.uuid4().hex
    folder = new_folder(home)
    journal = Journal(folder / FILE_NAME)
    objective = experiment.objective
    journal.open(
        search_id,
        {
            "name": experiment.name,
            "seed": experiment.search.seed,
            "objective": {"name": objective.name, "direction": objective.direction},
            "algorithm": experiment.search.algorithm,
            "identity": dict(identity),
            **({"data": dict(facts)} if facts else {}),
            "replaces": list(abandoned),
            "experiment": experiment.resolved(),
        },
    )
    return OpenSearch(folder, journal, experiment.search.max_trials, False, abandoned)


def _go_on(
    folder: Path,
    journal: Journal,
    state: Mapping[str, Any],
    experiment: Experiment,
    extend: int | None,
) -> OpenSearch:
    wanted = experiment.search.max_trials
    if state["name"] == EXTENDED:
        # An extension that was interrupted: the same command goes on with it.
        wanted = max(wanted, int(state["data"]["max_trials"]))
    elif state["name"] == DONE or extend is not None:
        asked = len({entry["trial_id"] for entry in journal.of("asked")})
        before = int(state["data"].get("max_trials", max(asked, wanted)))
        wanted = before + extend if extend is not None else wanted
        journal.append("stage", name=EXTENDED, data={"max_trials": wanted})
    return OpenSearch(folder, journal, wanted, True, _replaced_by(journal))


def _replaced_by(journal: Journal) -> tuple[str, ...]:
    """Searches that a search has replaced, and whose runs it has not come to close."""
    closed = next(journal.stages(CLOSED_OTHERS), None) is not None
    return () if closed else tuple(journal.header.get("replaces", ()))


def _refuse_other(
    experiment: Experiment,
    folder: Path,
    journal: Journal,
    identity: Mapping[str, Any],
    facts: Mapping[str, Any],
) -> None:
    header = journal.header
    differences = differing(header["identity"], identity)
    if not differences:
        return
    changed = header["identity"]["data"] != identity["data"]
    changes = data_changes(header.get("data", {}), facts) if changed else ""
    if changes:
        settings = differing({**header["identity"], "data": ""}, {**identity, "data": ""})
        told = f"{experiment.dataset.source} has changed: {changes}"
        if any(setting.startswith("dataset.") for setting in settings):
            told = f"the data are others, perhaps by these settings: {changes}"
        differences = [told, *settings]
    done = len(list(journal.of("finished")))
    raise InputError(
        f"experiment {experiment.name!r}: a search with {done} finished trials ({folder}) has "
        f"other {'data' if changes else 'settings'}: {'; '.join(differences)}; put them back to go "
        "on with it, or start a new one with --fresh"
    )


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False) if value is not None else "not set"
    return text if len(text) <= 60 else f"{text[:57]}..."
