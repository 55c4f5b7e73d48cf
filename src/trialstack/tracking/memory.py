"""Trackers without a store: one that remembers, for tests, and one that forgets."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from trialstack.tracking.base import DatasetRecord, Drawing, KnownRun, NewRun, Status, undrawn
from trialstack.tracking.tags import ERROR, SUCCESSOR
from trialstack.trials import EpochRow


@dataclass
class RunRecord:
    """A run as it was written.

    Attributes:
        key: See `trialstack.tracking.base`.
        run_id: Invented.
        new: What it was started with; None after `resume_run` of an unknown run.
        parent: Id of the parent run.
        status: RUNNING, FINISHED, FAILED or KILLED.
        ended: Seconds since the epoch.
        params: By name.
        tags: By name, with those it was started with.
        description: Markdown.
        metrics: Name -> step -> value; the value that was written last.
        files: Path -> content.
        images: Name -> step -> PNG.
        tables: Path -> column -> values.
        datasets: Inputs.
    """

    key: str
    run_id: str
    new: NewRun | None = None
    parent: str | None = None
    status: str = "RUNNING"
    ended: float | None = None
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    description: str = ""
    metrics: dict[str, dict[int, float]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    images: dict[str, dict[int, bytes]] = field(default_factory=dict)
    tables: dict[str, Mapping[str, Sequence[object]]] = field(default_factory=dict)
    datasets: list[DatasetRecord] = field(default_factory=list)


class MemoryTracker:
    """Keeps all runs in memory.

    Args:
        runs: Those of an earlier tracker of the same search, as a store would hold them.

    Attributes:
        runs: All runs in the order of starting; a key may be there several times.
        problems: Pictures that could not be drawn, one line each.

    Example:
        >>> tracker = MemoryTracker()
        >>> tracker.start_run(NewRun("trial/0", "trial", "trial 0", started=0.0))
        >>> tracker.log_epochs("trial/0", 0, [{"loss": 0.7}, {"loss": 0.5}], [1.0, 2.0])
        >>> tracker["trial/0"].metrics
        {'loss': {0: 0.7, 1: 0.5}}
    """

    def __init__(self, runs: Sequence[RunRecord] = ()) -> None:
        self.runs = list(runs)
        self.problems: list[str] = []
        self._current: dict[str, RunRecord] = {}
        self._orphans: dict[str, list[RunRecord]] = {}
        self._closed = False

    def __getitem__(self, key: str) -> RunRecord:
        """The run that a key stands for now."""
        if key not in self._current:
            raise LookupError(f"no run {key!r} was started")
        return self._current[key]

    def start_run(self, run: NewRun) -> None:
        """See `Tracker`."""
        parent = self[run.parent].run_id if run.parent is not None else None
        old = self._current.get(run.key)
        if old is not None and old.status == "RUNNING":
            self.end_run(run.key, "KILLED", time.time())
        self._enter(
            RunRecord(
                key=run.key,
                run_id=f"{len(self.runs):032x}",
                new=run,
                parent=parent,
                params=dict(run.params),
                tags=dict(run.tags),
                description=run.description,
            )
        )

    def resume_run(self, key: str, run_id: str) -> None:
        """See `Tracker`."""
        known = next((run for run in self.runs if run.run_id == run_id), None)
        if known is None:
            self._enter(RunRecord(key=key, run_id=run_id))
        else:
            known.status, known.ended = "RUNNING", None
            known.tags.pop(ERROR, None)
            self._current[key] = known

    def log_epochs(
        self, key: str, first_epoch: int, rows: Sequence[EpochRow], times: Sequence[float]
    ) -> None:
        """See `Tracker`."""
        for epoch, (row, _) in enumerate(zip(rows, times, strict=True), first_epoch):
            self.log_metrics(key, row, epoch)

    def log_metrics(self, key: str, metrics: Mapping[str, float], step: int = 0) -> None:
        """See `Tracker`."""
        run = self._writable(key)
        for name, value in metrics.items():
            if value is not None:
                run.metrics.setdefault(name, {})[step] = float(value)

    def log_params(self, key: str, params: Mapping[str, str]) -> None:
        """See `Tracker`. The first value of a param holds, as in MLflow."""
        run = self._writable(key)
        run.params = {**params, **run.params}

    def set_tags(self, key: str, tags: Mapping[str, str]) -> None:
        """See `Tracker`."""
        self._writable(key).tags.update(tags)

    def describe(self, key: str, markdown: str) -> None:
        """See `Tracker`."""
        self._writable(key).description = markdown

    def log_file(self, key: str, path: str, content: bytes) -> None:
        """See `Tracker`."""
        self._writable(key).files[path] = content

    def log_image(self, key: str, name: str, picture: bytes | Drawing, step: int = 0) -> None:
        """See `Tracker`. A picture is drawn at once."""
        run = self._writable(key)
        try:
            png = picture if isinstance(picture, bytes) else picture()
        except Exception as error:  # whatever it is, a search is worth more than a picture
            self.problems.append(undrawn(key, error))
            return
        run.images.setdefault(name, {})[step] = png

    def log_table(self, key: str, path: str, columns: Mapping[str, Sequence[object]]) -> None:
        """See `Tracker`."""
        self._writable(key).tables[path] = columns

    def log_dataset(self, key: str, dataset: DatasetRecord) -> None:
        """See `Tracker`."""
        self._writable(key).datasets.append(dataset)

    def end_run(
        self, key: str, status: Status, ended: float, written: Callable[[], None] | None = None
    ) -> None:
        """See `Tracker`."""
        run = self._writable(key)
        run.status, run.ended = status, ended
        if written is not None:
            written()

    def run_id(self, key: str) -> str:
        """See `Tracker`."""
        return self[key].run_id

    def known_runs(self) -> list[KnownRun]:
        """All runs, oldest first."""
        return [
            KnownRun(run.key, run.run_id, run.status, successor=run.tags.get(SUCCESSOR, ""))
            for run in self.runs
        ]

    def kill_open_runs(self, successor: str) -> list[KnownRun]:
        """See `Tracker`."""
        own = {run.run_id for run in self._current.values()}
        orphans = []
        for run, known in zip(self.runs, self.known_runs(), strict=True):
            if run.run_id in own:
                continue
            if run.status == "RUNNING":
                orphans.append(known)
                run.status, run.ended = "KILLED", time.time()
            elif not known.waits_for(successor):
                continue
            run.tags[SUCCESSOR] = successor
            self._orphans.setdefault(run.key, []).append(run)
        return orphans

    def flush(self, patience: float | None = None) -> bool:
        """See `Tracker`: there is nothing to wait for."""
        return True

    def close(self) -> None:
        """See `Tracker`."""
        for run in self._current.values():
            if run.status == "RUNNING":
                run.status, run.ended = "KILLED", time.time()
        self._closed = True

    def _enter(self, run: RunRecord) -> None:
        if self._closed:
            raise RuntimeError("this tracker is closed")
        self.runs.append(run)
        self._current[run.key] = run
        for orphan in self._orphans.pop(run.key, ()):
            orphan.tags[SUCCESSOR] = run.run_id

    def _writable(self, key: str) -> RunRecord:
        if self._closed:
            raise RuntimeError("this tracker is closed")
        return self[key]
