"""What is still to be written of a run, gathered until its turn comes.

Everything that belongs into one request is in one place, so that a run that came and went within
a second is created, filled and closed with one request each.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from trialstack.tracking.base import DatasetRecord, Drawing, NewRun, Status


class Point(NamedTuple):
    """One value of a metric; the time in milliseconds since the epoch, as MLflow counts."""

    name: str
    value: float
    time: int
    step: int


@dataclass
class Pending:
    """Parts of a run that wait to be written, in the order in which they are.

    Attributes:
        metrics: Values.
        params: By name.
        tags: By name.
        files: Path within the run's artifacts -> content.
        pictures: Path without suffix -> PNG, each to be written with its thumbnail.
        drawings: Path without suffix -> what makes the PNG.
        tables: Those of the files that MLflow is to show as tables.
        datasets: Inputs of the run.
        end: Status and time in seconds, when the run is over.
        written: To be called when all of this is.
    """

    metrics: list[Point] = field(default_factory=list)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)
    drawings: dict[str, Drawing] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)
    datasets: list[DatasetRecord] = field(default_factory=list)
    end: tuple[Status, float] | None = None
    written: list[Callable[[], None]] = field(default_factory=list)

    def copy(self) -> Pending:
        """Another with the same parts; taking some out of one leaves them in the other."""
        return self.followed_by(Pending())

    def followed_by(self, later: Pending) -> Pending:
        """Both together; where they differ the later one holds."""
        return Pending(
            metrics=self.metrics + later.metrics,
            params={**self.params, **later.params},
            tags={**self.tags, **later.tags},
            files={**self.files, **later.files},
            pictures={**self.pictures, **later.pictures},
            drawings={**self.drawings, **later.drawings},
            tables=self.tables + later.tables,
            datasets=self.datasets + later.datasets,
            end=later.end or self.end,
            written=self.written + later.written,
        )


@dataclass(eq=False)
class RunState:
    """A run as its tracker knows it.

    Attributes:
        key: See `trialstack.tracking.base`.
        new: How to create it; None when it was resumed.
        parent: Must be created before it.
        run_id: The store's id, once there is one.
        resuming: It is in the store, and not yet looked at there.
        doubtful: A creation failed in a way that may have left a run behind.
        refused: The store will never create it.
        ended: Not open, or not ours to close.
        opened: Set when the store has created or refused it, for everybody to see.
        tables: All paths that MLflow is to show as tables.
        pending: What waits.
    """

    key: str
    new: NewRun | None = None
    parent: RunState | None = None
    run_id: str | None = None
    resuming: bool = False
    doubtful: bool = False
    refused: bool = False
    ended: bool = False
    opened: threading.Event = field(default_factory=threading.Event)
    tables: list[str] = field(default_factory=list)
    pending: Pending = field(default_factory=Pending)

    def lineage(self) -> list[RunState]:
        """The run, its parent, its parent's parent, ..."""
        return [self, *(self.parent.lineage() if self.parent else ())]

    def show(self) -> None:
        """Tells those who wait that the store has it and its ancestors, or has refused it."""
        for run in self.lineage():
            run.opened.set()

    def take(self, lock: threading.Lock) -> Pending:
        """What waits, which then does not any more."""
        with lock:
            pending, self.pending = self.pending, Pending()
        return pending

    def put_back(self, pending: Pending, lock: threading.Lock) -> None:
        """Has something wait that was taken, before what has come since."""
        with lock:
            self.pending = pending.followed_by(self.pending)
