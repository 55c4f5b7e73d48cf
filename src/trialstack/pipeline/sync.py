"""Sends what MLflow is still missing of searches, from their journals; nothing is trained."""

from __future__ import annotations

import contextlib
import functools
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialstack.datasets.names import nearest
from trialstack.errors import InputError, JournalError, TrialstackError
from trialstack.pipeline.job import Listener
from trialstack.pipeline.missing import Missing
from trialstack.quiet import load_tensorflow
from trialstack.searches import address_of, folder_name, place_of, searches_in
from trialstack.tracking.connection import probe
from trialstack.tracking.store import Store, display_uri, open_client, resolve_store
from trialstack.tuners.journal import FILE_NAME, Journal
from trialstack.tuners.lock import locked


@dataclass(frozen=True)
class Synced:
    """What came of one search, or of all searches of an experiment that is held.

    Attributes:
        title: Which it is.
        said: What was sent, or why nothing.
        failed: Whether something is still missing that could have been sent.
    """

    title: str
    said: str
    failed: bool = False


def sync(
    name: str | None = None,
    *,
    tracking_uri: str | None = None,
    directory: Path | None = None,
    listener: Listener | None = None,
) -> Iterator[Synced]:
    """Sends what a store is missing of finished work, exactly once, with its original times.

    Searches that another process holds are left to it. What is sent are the trials whose end the
    journal knows and the store does not, and the ends of runs that nobody will close: a search
    that is not done becomes KILLED, until it is gone on with.

    Args:
        name: Of the experiment; None = all.
        tracking_uri: MLflow store; by default `MLFLOW_TRACKING_URI`, or the embedded store under
            the current directory.
        directory: Of a program's own searches: the argument `directory` of their tuners, or the
            folder of a project in it. None = searches of experiments.
        listener: Told how far it is.

    Yields:
        What came of each search.

    Raises:
        InputError: The store does not answer, or there is no search of that name.
    """
    store = resolve_store(tracking_uri)
    probe(store)
    client = functools.cache(lambda: open_client(store))
    if directory is not None:
        for project in _projects(directory, name):
            yield from _sync_held(project, [project], store, client, listener or Listener())
        return
    for home in _homes(store.folder / "searches", name):
        yield from _sync_held(home, searches_in(home), store, client, listener or Listener())


def sync_command(store: Store, name: str) -> str:
    """What a person types to send the rest of an experiment's searches."""
    command = ["trialstack", "sync", name]
    try:
        if store != resolve_store():
            command += ["--tracking-uri", display_uri(store.tracking_uri)]
    except InputError:
        command += ["--tracking-uri", display_uri(store.tracking_uri)]
    return shlex.join(command)


def _homes(root: Path, name: str | None) -> list[Path]:
    """Folders of experiments with searches."""
    homes = sorted({path.parent.parent for path in root.glob(f"*/*/{FILE_NAME}")})
    if name is None:
        return homes
    if root / folder_name(name) in homes:
        return [root / folder_name(name)]
    names = [home.name for home in homes]
    there = ", ".join(names) or "none"
    raise InputError(
        f"experiment {name!r} has no search in {root}; there is: {there}{nearest(name, names)}"
    )


def _projects(directory: Path, name: str | None) -> list[Path]:
    """Folders of the searches that programs have made in a directory."""
    own = [directory] if (directory / FILE_NAME).is_file() else []
    found = own or sorted(path.parent for path in directory.glob(f"*/{FILE_NAME}"))
    wanted = [folder for folder in found if name in {None, folder.resolve().name}]
    if not wanted:
        names = [folder.resolve().name for folder in found]
        what = f"project {name!r} is not there" if name is not None else "no search is there"
        raise InputError(
            f"--directory {directory}: {what}; there is: {', '.join(names) or 'none'}"
            f"{nearest(name, names) if name is not None else ''}"
        )
    return wanted


def _sync_held(
    home: Path,
    folders: Sequence[Path],
    store: Store,
    client: Callable[[], Any],
    listener: Listener,
) -> Iterator[Synced]:
    with contextlib.ExitStack() as holding:
        try:
            holding.enter_context(locked(home, "skipped"))
        except TrialstackError as error:
            yield Synced(home.name, str(error), failed=isinstance(error, InputError))
            return
        for folder in folders:
            probe(store)  # it may have gone away since the last one
            title = home.name if folder == home else f"{home.name}/{folder.name}"
            on_sending = functools.partial(listener.stage, f"{title}: sending")
            try:
                said = _sync_search(folder, store, client, on_sending)
            except JournalError as error:
                yield Synced(title, f"cannot be read: {error}", failed=True)
            except InputError as error:  # its experiment is deleted
                yield Synced(title, f"skipped: {error}")
            except Exception as error:  # of this search; the next one may be sent
                first_line = display_uri(str(error)).strip().partition("\n")[0]
                yield Synced(title, f"not all was sent: {first_line}", failed=True)
            else:
                yield Synced(title, said)


def _sync_search(
    folder: Path, store: Store, client: Callable[[], Any], on_sending: Callable[[], None]
) -> str:
    """Sends what is missing of one search; says what that was."""
    journal = Journal(folder / FILE_NAME)
    if not len(journal):
        return "nothing was begun"
    place = place_of(journal)
    if place.store and place.store != address_of(store):
        return f"skipped: its runs are in {place.store}; name that one with --tracking-uri"

    from trialstack.tracking.mlflow import MlflowTracker

    is_program = "name" not in journal.header
    name = folder.resolve().name if is_program else journal.header["name"]
    with MlflowTracker(store, name, journal.search_id, client()) as tracker:
        missing = Missing(journal, tracker.known_runs(), tracker.known_runs(deleted=True))
        if missing.parent_is_deleted:
            return "skipped: it was deleted in MLflow"
        if is_program and missing.parent is None:
            return "skipped: its runs are not in this store; name theirs with --tracking-uri"
        if not missing:
            return "complete already"
        on_sending()
        load_tensorflow()

        from trialstack.pipeline.sending import send, send_program

        if is_program:
            send_program(tracker, missing)
        else:
            send(tracker, missing, place.folder)
    if tracker.problems:
        raise TrialstackError("; ".join(tracker.problems))
    return f"sent: {missing}"
