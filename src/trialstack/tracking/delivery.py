"""The writing half of a tracker: runs as they wait, to the store, by one background thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from trialstack.tracking import tags
from trialstack.tracking.base import undrawn
from trialstack.tracking.outage import away, back
from trialstack.tracking.pending import Pending, RunState
from trialstack.tracking.run_requests import RunRequests
from trialstack.tracking.store import Store, display_uri
from trialstack.tracking.writer import Writer

log = logging.getLogger(__name__)


class Delivery:
    """Writes what is pending of runs, soon after it is told to, and goes on trying.

    Args:
        store: Where to.
        client: An `mlflow.MlflowClient` of it.
        requests: How.
        lock: Held where something becomes pending.
        note: Takes a line for people.

    Attributes:
        orphans: Key of a run -> ids of those that earlier processes did not come to the end of,
            which it succeeds.
        outage: What the store says while it does not take anything, else empty.
        incomplete: Whether something was given up.
    """

    def __init__(
        self,
        store: Store,
        client: Any,
        requests: RunRequests,
        lock: threading.Lock,
        note: Callable[[str], None],
    ) -> None:
        self.orphans: dict[str, list[str]] = {}
        self.outage = ""
        self.incomplete = False
        self._store = store
        self._client = client
        self._requests = requests
        self._lock = lock
        self._note = note
        self._failed: RunState | None = None  # whose writing began an outage
        self._told = False  # of that outage
        self._writer: Writer[RunState] = Writer(
            self._write,
            self._writing_failed,
            self._give_up,
            write_together=self._write_together if hasattr(client, "together") else None,
        )

    def put(self, run: RunState, *, now: bool = False) -> None:
        """Has a run written: see `Writer.put`."""
        self._writer.put(run, now=now)

    def flush(self, timeout: float) -> bool:
        """See `Writer.flush`."""
        return self._writer.flush(timeout)

    def close(self, timeout: float) -> bool:
        """See `Writer.close`."""
        return self._writer.close(timeout)

    def _write(self, run: RunState) -> None:
        pending = run.take(self._lock)
        try:
            self._send(run, pending)
        except BaseException:
            run.put_back(pending, self._lock)
            if self._failed is None:
                self._failed = run
            raise
        finally:
            if run.run_id is not None or run.refused:
                run.show()
        self._taken([(run, pending)])

    def _write_together(self, runs: Sequence[RunState]) -> None:
        """Writes all that is pending of some runs, or nothing."""
        before = [(run, run.run_id, [*run.tables]) for each in runs for run in each.lineage()]
        pending_of: list[tuple[RunState, Pending]] = []
        sent: list[tuple[RunState, Pending]] = []
        try:
            with self._client.together():
                for run in runs:
                    pending = run.take(self._lock)
                    pending_of.append((run, pending.copy()))
                    self._send(run, pending)
                    sent.append((run, pending))
        except BaseException:
            for run, run_id, tables in before:
                run.doubtful |= run.run_id != run_id
                run.run_id, run.tables = run_id, tables
            for run, pending in pending_of:
                run.put_back(pending, self._lock)
            raise
        for run in runs:
            run.show()
        self._taken(sent)

    def _send(self, run: RunState, pending: Pending) -> None:
        if self._requests.open(run):
            self._link_orphans(run)
            self._draw(run, pending)
            self._requests.send(run, pending)

    def _taken(self, sent: Sequence[tuple[RunState, Pending]]) -> None:
        self.outage = ""
        if any(run is self._failed for run, _ in sent):
            # Not others: what MLflow never takes is no outage.
            self._failed, self._told = None, False
            log.warning("%s", back(self._store))
        for run, pending in sent:
            if not run.refused:
                for tell in pending.written:
                    tell()

    def _link_orphans(self, run: RunState) -> None:
        orphans = self.orphans.get(run.key, [])
        if run.run_id not in orphans:  # else it is one of them that is resumed
            for orphan in orphans:
                self._client.set_tag(orphan, tags.SUCCESSOR, run.run_id)
            self.orphans.pop(run.key, None)

    def _draw(self, run: RunState, pending: Pending) -> None:
        drawings, pending.drawings = pending.drawings, {}
        for path, draw in drawings.items():
            try:
                pending.pictures[path] = draw()
            except Exception as error:  # whatever it is, a run is worth more than its picture
                self._note(undrawn(run.key, error))
        if pending.pictures:
            pending.tags[tags.LOGGED_IMAGES] = "True"

    def _writing_failed(self, error: Exception) -> None:
        if not self._told:
            self._told = True
            log.warning("%s", away(self._store, error))
        first_line = display_uri(str(error)).strip().partition("\n")[0]
        uri = display_uri(self._store.tracking_uri)
        self.outage = f"tracking store {uri} does not take what is written: {first_line}"

    def _give_up(self, run: RunState) -> None:
        self.incomplete = True
        if self._failed is run:
            self._failed, self._told = None, False
        self._note(f"run {run.key!r} is not completely written: {self.outage}")
