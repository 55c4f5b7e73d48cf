"""Turns what a search logs into what is pending of a run."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from trialstack.tracking import tags
from trialstack.tracking.base import DatasetRecord, Drawing
from trialstack.tracking.entities import table_json
from trialstack.tracking.pending import Pending, Point
from trialstack.tracking.pictures import picture_path
from trialstack.trials import EpochRow


class Gathering(ABC):
    """The half of a tracker that takes values; the other half writes them."""

    @abstractmethod
    def _add(self, key: str, more: Pending) -> None:
        """Puts something with what is pending of a run.

        Raises:
            LookupError: No run of that key was started.
        """

    def log_epochs(
        self, key: str, first_epoch: int, rows: Sequence[EpochRow], times: Sequence[float]
    ) -> None:
        """See `Tracker`."""
        ends = map(_milliseconds, times)
        points = [
            Point(name, float(value), ended, epoch)
            for epoch, (row, ended) in enumerate(zip(rows, ends, strict=True), first_epoch)
            for name, value in row.items()
            if value is not None
        ]
        self._add(key, Pending(metrics=points))

    def log_metrics(self, key: str, metrics: Mapping[str, float], step: int = 0) -> None:
        """See `Tracker`."""
        now = _milliseconds(time.time())
        points = [
            Point(name, float(value), now, step)
            for name, value in metrics.items()
            if value is not None
        ]
        self._add(key, Pending(metrics=points))

    def log_params(self, key: str, params: Mapping[str, str]) -> None:
        """See `Tracker`."""
        self._add(key, Pending(params=dict(params)))

    def set_tags(self, key: str, values: Mapping[str, str]) -> None:
        """See `Tracker`."""
        self._add(key, Pending(tags=dict(values)))

    def describe(self, key: str, markdown: str) -> None:
        """See `Tracker`."""
        self._add(key, Pending(tags={tags.DESCRIPTION: markdown}))

    def log_file(self, key: str, path: str, content: bytes) -> None:
        """See `Tracker`."""
        self._add(key, Pending(files={path: content}))

    def log_image(self, key: str, name: str, picture: bytes | Drawing, step: int = 0) -> None:
        """See `Tracker`."""
        path = picture_path(name, step, _milliseconds(time.time()))
        if isinstance(picture, bytes):
            self._add(key, Pending(pictures={path: picture}))
        else:
            self._add(key, Pending(drawings={path: picture}))

    def log_table(self, key: str, path: str, columns: Mapping[str, Sequence[object]]) -> None:
        """See `Tracker`."""
        self._add(key, Pending(files={path: table_json(columns)}, tables=[path]))

    def log_dataset(self, key: str, dataset: DatasetRecord) -> None:
        """See `Tracker`."""
        self._add(key, Pending(datasets=[dataset]))


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
