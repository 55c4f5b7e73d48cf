"""No tracking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from trialstack.tracking.base import DatasetRecord, Drawing, KnownRun, NewRun, Status
from trialstack.trials import EpochRow


class NullTracker:
    """Takes everything and keeps nothing; every run's id is empty."""

    def start_run(self, run: NewRun) -> None:
        """See `Tracker`."""

    def resume_run(self, key: str, run_id: str) -> None:
        """See `Tracker`."""

    def log_epochs(
        self, key: str, first_epoch: int, rows: Sequence[EpochRow], times: Sequence[float]
    ) -> None:
        """See `Tracker`."""

    def log_metrics(self, key: str, metrics: Mapping[str, float], step: int = 0) -> None:
        """See `Tracker`."""

    def log_params(self, key: str, params: Mapping[str, str]) -> None:
        """See `Tracker`."""

    def set_tags(self, key: str, tags: Mapping[str, str]) -> None:
        """See `Tracker`."""

    def describe(self, key: str, markdown: str) -> None:
        """See `Tracker`."""

    def log_file(self, key: str, path: str, content: bytes) -> None:
        """See `Tracker`."""

    def log_image(self, key: str, name: str, picture: bytes | Drawing, step: int = 0) -> None:
        """See `Tracker`."""

    def log_table(self, key: str, path: str, columns: Mapping[str, Sequence[object]]) -> None:
        """See `Tracker`."""

    def log_dataset(self, key: str, dataset: DatasetRecord) -> None:
        """See `Tracker`."""

    def end_run(
        self, key: str, status: Status, ended: float, written: Callable[[], None] | None = None
    ) -> None:
        """See `Tracker`."""

    def run_id(self, key: str) -> str:
        """See `Tracker`."""
        return ""

    def known_runs(self) -> list[KnownRun]:
        """None."""
        return []

    def kill_open_runs(self, successor: str) -> list[KnownRun]:
        """None."""
        return []

    def flush(self, patience: float | None = None) -> bool:
        """See `Tracker`."""
        return True

    def close(self) -> None:
        """See `Tracker`."""
