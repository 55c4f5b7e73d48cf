"""Runs in MLflow, written beside the search by one background thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from trialstack.errors import TrialstackError
from trialstack.tracking import tags
from trialstack.tracking.base import KnownRun, NewRun, Status
from trialstack.tracking.delivery import Delivery
from trialstack.tracking.experiments import (
    find_experiment,
    find_or_make_experiment,
    runs_of_search,
)
from trialstack.tracking.gathering import Gathering
from trialstack.tracking.links import Links, base_url
from trialstack.tracking.outage import away
from trialstack.tracking.pending import Pending, RunState
from trialstack.tracking.run_requests import RunRequests
from trialstack.tracking.store import Store, open_client

log = logging.getLogger(__name__)

_LONGEST_WAIT = 60.0  # seconds for the id of a run
_PATIENCE = 30.0  # seconds that one waits for a store that does not answer


class MlflowTracker(Gathering):
    """Writes the runs of one search into one MLflow experiment.

    What a run has to say is gathered for about a second and written together, so a trial costs
    three requests (create, one `log_batch`, end) and one copy of its files. While the store does
    not answer everything is kept and tried again; what MLflow refuses is dropped and told in
    `problems`. Neither ever raises in the search.

    Args:
        store: See `resolve_store`.
        experiment_name: Made when the first run is.
        search_id: Value of the tag `trialstack.search_id` of every run.
        client: An `mlflow.MlflowClient` of that store, if there is one already.

    Raises:
        InputError: The store cannot be used, or the experiment is deleted.
    """

    def __init__(
        self, store: Store, experiment_name: str, search_id: str, client: Any = None
    ) -> None:
        self.store = store
        self.experiment_name = experiment_name
        self.search_id = search_id
        self.client = open_client(store) if client is None else client
        self._experiment_id = find_experiment(self.client, experiment_name)
        self._experiment_lock = threading.Lock()
        self._lock = threading.Lock()
        self._runs: dict[str, RunState] = {}
        self._problems: list[str] = []
        self._closed = False
        self._unwritten = False
        requests = RunRequests(self.client, lambda: self.experiment_id, search_id, self._note)
        self._delivery = Delivery(store, self.client, requests, self._lock, self._note)

    @property
    def experiment_id(self) -> str:
        """The store's id of the experiment, which is made if need be."""
        with self._experiment_lock:
            if self._experiment_id is None:
                self._experiment_id = find_or_make_experiment(
                    self.client, self.store, self.experiment_name
                )
            return self._experiment_id

    @property
    def links(self) -> Links:
        """Addresses of this experiment's pages.

        Raises:
            TrialstackError: The experiment is to be made yet, and the store does not answer.
        """
        try:
            return Links(base_url(self.store), self.experiment_id)
        except TrialstackError:
            raise
        except Exception as error:  # MLflow's, and those of the libraries below it
            raise TrialstackError(
                f"experiment {self.experiment_name!r} is not in the store: "
                f"{away(self.store, error)}; give the same command again then"
            ) from error

    @property
    def incomplete(self) -> bool:
        """Whether something was given up, or not written when the tracker was closed."""
        return self._unwritten or self._delivery.incomplete

    @property
    def problems(self) -> list[str]:
        """What went wrong and was not mended, one line each; empty when all is well."""
        with self._lock:
            return [*self._problems, *([self._delivery.outage] if self._delivery.outage else [])]

    def start_run(self, run: NewRun) -> None:
        """See `Tracker`."""
        parent = self._find(run.parent) if run.parent is not None else None
        with self._lock:
            old = self._runs.get(run.key)
        if old is not None and not old.ended:
            self.end_run(run.key, "KILLED", time.time())
        self._enter(
            RunState(run.key, new=run, parent=parent, pending=Pending(params={**run.params}))
        )

    def resume_run(self, key: str, run_id: str) -> None:
        """See `Tracker`."""
        self._enter(RunState(key, run_id=run_id, resuming=True))

    def attach_run(self, key: str, run_id: str) -> None:
        """Writes into a run that somebody else has opened and will end."""
        self._enter(RunState(key, run_id=run_id, resuming=True, ended=True))

    def end_run(
        self, key: str, status: Status, ended: float, written: Callable[[], None] | None = None
    ) -> None:
        """See `Tracker`."""
        self._find(key).ended = True
        waiting = [] if written is None else [written]
        self._add(key, Pending(end=(status, ended), written=waiting))

    def run_id(self, key: str) -> str:
        """See `Tracker`.

        Raises:
            TrialstackError: The store refused the run, or does not answer.
        """
        run = self._find(key)
        if run.new is not None and not run.opened.is_set():
            self._delivery.put(run, now=True)
            self._wait_until_opened(run)
        if run.run_id is None or not (run.new is None or run.opened.is_set()):
            raise TrialstackError(
                f"run {key!r} is not in the store: "
                f"{'; '.join(self.problems) or 'it has not answered yet'}; what is finished is "
                "saved: give the same command again when the store answers"
            )
        return run.run_id

    def known_runs(self, *, deleted: bool = False) -> list[KnownRun]:
        """Runs that the store holds for this search, oldest first.

        Args:
            deleted: Those that a person has deleted in MLflow, instead of the others.
        """
        if self._experiment_id is None:
            return []
        return [
            KnownRun(
                run.data.tags.get(tags.KEY, ""),
                run.info.run_id,
                run.info.status,
                run.data.tags.get(tags.DESCRIPTION, ""),
                run.data.tags.get(tags.SUCCESSOR, ""),
            )
            for run in runs_of_search(
                self.client, self._experiment_id, self.search_id, deleted=deleted
            )
        ]

    def kill_open_runs(self, successor: str, ended: float | None = None) -> list[KnownRun]:
        """Closes runs of this search that a killed process has left RUNNING.

        Args:
            successor: See `Tracker`.
            ended: When that process was last seen, in seconds since the epoch; None = now.

        Returns:
            The runs that were RUNNING, as they were.
        """
        with self._lock:
            own = {run.run_id for run in self._runs.values()}
        known = [run for run in self.known_runs() if run.run_id not in own]
        orphans = [run for run in known if run.status == "RUNNING"]
        milliseconds = int(1000 * ended) if ended is not None else None
        for run in (*orphans, *(run for run in known if run.waits_for(successor))):
            if run.successor != successor:
                self.client.set_tag(run.run_id, tags.SUCCESSOR, successor)
            if run.status == "RUNNING":
                self.client.set_terminated(run.run_id, "KILLED", milliseconds)
            self._delivery.orphans.setdefault(run.key, []).append(run.run_id)
        return orphans

    def flush(self, patience: float | None = None) -> bool:
        """See `Tracker`."""
        return self._delivery.flush(_PATIENCE if patience is None else patience)

    def close(self) -> None:
        """See `Tracker`. Returns in bounded time; `problems` then tells what is not written."""
        if self._closed:
            return
        with self._lock:
            still_open = [run for run in self._runs.values() if not run.ended]
        for run in reversed(still_open):  # children before their parents
            self.end_run(run.key, "KILLED", time.time())
        self._closed = True
        if not self._delivery.close(_PATIENCE):
            self._unwritten = True
            self._note("not all runs are completely written")

    def __enter__(self) -> MlflowTracker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _wait_until_opened(self, run: RunState) -> None:
        begun = time.monotonic()
        while not run.opened.wait(0.1):
            patience = _PATIENCE if self._delivery.outage else _LONGEST_WAIT
            if time.monotonic() - begun >= patience:
                return

    def _find(self, key: str) -> RunState:
        with self._lock:
            if key not in self._runs:
                raise LookupError(f"no run {key!r} was started")
            return self._runs[key]

    def _enter(self, run: RunState) -> None:
        with self._lock:
            self._runs[run.key] = run
        self._add(run.key, Pending())

    def _add(self, key: str, more: Pending) -> None:
        if self._closed:
            raise RuntimeError("this tracker is closed")
        run = self._find(key)
        with self._lock:
            run.pending = run.pending.followed_by(more)
        self._delivery.put(run)

    def _note(self, problem: str) -> None:
        with self._lock:
            if problem not in self._problems:
                self._problems.append(problem)
