"""What a tracker is: the place where runs are written, seen from the search.

Runs are named by the caller with a *key* that is unique within a search (`"search"`,
`"trial/0007"`, `"baseline"`, `"final"`), so that nobody has to wait for a server to invent an id.
A tracker may write later and on another thread; `run_id`, `flush` and `close` wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from trialstack.trials import EpochRow

Kind = Literal["search", "trial", "baseline", "final", "model"]
Status = Literal["FINISHED", "FAILED", "KILLED"]

OWN_END = frozenset({"FINISHED", "FAILED"})
"""Statuses of runs that came to an end of their own: nothing follows it, so nothing is missing."""

Drawing = Callable[[], bytes]
"""Makes a picture, on whatever thread it is called."""


@dataclass(frozen=True)
class NewRun:
    """A run to be opened.

    Attributes:
        key: The caller's name for it, unique within the search.
        kind: Value of the tag `trialstack.kind`.
        name: As people see it.
        started: Seconds since the epoch.
        parent: Key of the parent run, if any.
        params: As a person reads them; they cannot change later.
        tags: Beside `trialstack.kind`.
        description: Markdown; its first line is what the run page shows.
    """

    key: str
    kind: Kind
    name: str
    started: float
    parent: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str = ""


@dataclass(frozen=True)
class DatasetRecord:
    """A data set as a run's input.

    Attributes:
        name: As people know it.
        digest: Of all rows (SHA-256; MLflow shows the first 36 characters).
        source: Where it came from.
        rows: Number of rows.
        features: Column names.
        target: Name of the target column.
        context: What the run used it for.
    """

    name: str
    digest: str
    source: str
    rows: int
    features: Sequence[str]
    target: str
    context: str = "training"


@dataclass(frozen=True)
class KnownRun:
    """A run that the store already holds for this search."""

    key: str
    run_id: str
    status: str
    description: str = ""
    successor: str = ""

    def waits_for(self, successor: str) -> bool:
        """Whether it was interrupted, and nobody but `successor` goes on in its place yet."""
        return self.status == "KILLED" and self.successor in {"", successor}


def runs_by_key(runs: Iterable[KnownRun]) -> dict[str, KnownRun]:
    """Key -> its latest run; one that came to its own end, if there is one, before all others.

    An attempt that was interrupted and what was written in its place begin at the same time, so
    that their order means nothing.

    Example:
        >>> runs = [KnownRun("trial/0", "a", "FINISHED"), KnownRun("trial/0", "b", "KILLED")]
        >>> runs_by_key(runs)["trial/0"].run_id
        'a'
    """
    return {run.key: run for run in sorted(runs, key=lambda run: run.status in OWN_END)}


class Tracker(Protocol):
    """Writes runs. No method but `run_id`, `known_runs`, `flush` and `close` waits for a server."""

    def start_run(self, run: NewRun) -> None:
        """Opens a run. A key used before opens a new run that replaces the old one."""

    def resume_run(self, key: str, run_id: str) -> None:
        """Goes on with a run that the store holds: RUNNING again, without the error of before."""

    def log_epochs(
        self, key: str, first_epoch: int, rows: Sequence[EpochRow], times: Sequence[float]
    ) -> None:
        """Per-epoch metrics; step = epoch from 0. Values that are None are left out."""

    def log_metrics(self, key: str, metrics: Mapping[str, float], step: int = 0) -> None:
        """Single values."""

    def log_params(self, key: str, params: Mapping[str, str]) -> None:
        """More params of an open run."""

    def set_tags(self, key: str, tags: Mapping[str, str]) -> None:
        """Tags, replacing those of the same names."""

    def describe(self, key: str, markdown: str) -> None:
        """The run's description; the result belongs into its first line."""

    def log_file(self, key: str, path: str, content: bytes) -> None:
        """A file artifact; `path` is relative and may have folders."""

    def log_image(self, key: str, name: str, picture: bytes | Drawing, step: int = 0) -> None:
        """A picture for the image grid, under the key `name`.

        Args:
            key: Whose picture it is.
            name: Key of the grid.
            picture: A PNG, square and bare; or what draws one, which is called when the picture is
                written, maybe on another thread. If that fails, the run lacks the picture and
                the tracker tells it as a problem.
            step: Position of the slider.
        """

    def log_table(self, key: str, path: str, columns: Mapping[str, Sequence[object]]) -> None:
        """A table that MLflow shows as one (`path` ends in `.json`)."""

    def log_dataset(self, key: str, dataset: DatasetRecord) -> None:
        """Adds a data set to the run's inputs."""

    def end_run(
        self, key: str, status: Status, ended: float, written: Callable[[], None] | None = None
    ) -> None:
        """Closes a run.

        Args:
            key: Of the run.
            status: What it came to.
            ended: Seconds since the epoch.
            written: Called, on whatever thread, when the store holds the run up to its end.
        """

    def run_id(self, key: str) -> str:
        """The store's id of a run; waits until there is one."""

    def known_runs(self) -> list[KnownRun]:
        """Runs that the store holds for this search, oldest first."""

    def kill_open_runs(self, successor: str) -> list[KnownRun]:
        """Closes runs of this search that a killed process has left RUNNING.

        Args:
            successor: Who goes on in their place, and in that of runs that a stopped process has
                closed itself: becomes their tag `trialstack.successor`, until a run of the same
                key is started here, whose id then takes its place.

        Returns:
            The runs that were RUNNING, as they were.
        """

    def flush(self, patience: float | None = None) -> bool:
        """Waits until everything so far is written.

        Args:
            patience: Seconds for which a store may be away; None = half a minute.

        Returns:
            Whether it is.
        """

    def close(self) -> None:
        """Flushes and lets go of threads and connections. Runs still open become KILLED."""


def undrawn(key: str, error: Exception) -> str:
    """The problem that a run has no picture because its drawing failed.

    Example:
        >>> undrawn("trial/0", ValueError("no outputs"))
        "run 'trial/0': its picture could not be drawn: ValueError: no outputs"
    """
    line = f"{type(error).__name__}: {error}".partition("\n")[0]
    return f"run {key!r}: its picture could not be drawn: {line}"
