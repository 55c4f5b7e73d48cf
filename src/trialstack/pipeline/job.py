"""What the steps of the main job share."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from trialstack.errors import TrialstackError
from trialstack.experiment import Experiment
from trialstack.pipeline.data import Data
from trialstack.plots.painter import TILE_RESOLUTION, BoundaryPainter
from trialstack.plots.plane import Plane, plane_of
from trialstack.searches import OpenSearch
from trialstack.tracking.store import Store
from trialstack.tuners.journal import Entry, write_atomically

if TYPE_CHECKING:
    from trialstack.executors.base import Executor
    from trialstack.pipeline.result import TuneResult
    from trialstack.tracking.mlflow import MlflowTracker
    from trialstack.tuners.report import ExecutionReport
    from trialstack.tuners.search_run import SearchRun


@dataclass(frozen=True)
class SearchInProgress:
    """What may be looked at while a search trains, from any thread, to show how far it is.

    Attributes:
        run: Has the trials that have ended and those under way.
        executor: Trains them.
        report: How those that have ended were trained.
        max_trials: How many there are to be.
        epochs: Most epochs of a trial.
        time_limit: Seconds after which no further trial is begun.
    """

    run: SearchRun
    executor: Executor
    report: ExecutionReport
    max_trials: int
    epochs: int
    time_limit: float | None = None


BRIEF = 1.0
"""Seconds for a store that is away, where something else can be done."""

LONGEST_OUTAGE = 600.0
"""The same, where nothing can be done without it."""


class NotWrittenError(TrialstackError):
    """The store lacks what a step rests on: the step is done again by the next process."""


class Listener:
    """Told how far the job is; this one says nothing."""

    def warning(self, text: str) -> None:
        """Something to know that does not stop the job."""

    def stage(self, text: str) -> None:
        """A step begins."""

    def search_opened(self) -> None:
        """The search has a journal: without `fresh`, the same call goes on with it from here on."""

    def trial_ended(self, run: SearchRun, max_trials: int) -> None:
        """A trial has come to its end, or was found done already."""

    def searching(self, search: SearchInProgress) -> contextlib.AbstractContextManager[None]:
        """Inside, trials are asked for and trained."""
        return contextlib.nullcontext()

    def ended(self, result: TuneResult) -> None:
        """All is done; whatever happens before this returns, the same call comes here again."""


@dataclass(frozen=True)
class Job:
    """One run of the main job: what is given to all of its steps."""

    experiment: Experiment
    store: Store
    data: Data
    search: OpenSearch
    tracker: MlflowTracker
    client: Any
    plane: Plane
    listener: Listener

    @classmethod
    def plane_for(cls, data: Data) -> Plane:
        """The plane that all decision boundaries of the experiment are drawn on."""
        return plane_of(data.train.X, data.feature_names)

    @classmethod
    def painter_for(cls, data: Data, plane: Plane) -> BoundaryPainter:
        """What draws the trials' decision boundaries."""
        train, n_classes = data.train, data.dataset.n_classes
        return BoundaryPainter(plane.at_resolution(TILE_RESOLUTION), train.X, train.y, n_classes)

    def done_stage(self, name: str) -> Entry | None:
        """What a step has recorded, unless trials were asked after it."""
        for entry in reversed(self.search.journal.entries):
            if entry["event"] == "asked" and name != BASELINE:
                return None
            if entry["event"] == "stage" and entry["name"] == name:
                return entry
        return None

    def record_stage(self, name: str, data: Mapping[str, Any]) -> Entry:
        """Writes down that a step is done, and what came of it."""
        return self.search.journal.append("stage", name=name, data=dict(data))

    def record_run_stage(self, name: str, data: Mapping[str, Any]) -> Entry:
        """Writes down that a step with a run of its own is done, once the store has the run.

        What is recorded is not done again, so nothing of the run may be missing. Its end follows:
        a run that is FINISHED is recorded, and one that was left open is closed by `open_run`.

        Raises:
            NotWrittenError: The store has been away for long.
        """
        self.wait_until_written(name)
        return self.record_stage(name, {"run_id": self.tracker.run_id(name), **data})

    def wait_until_written(self, name: str, *, is_patient: bool = True) -> None:
        """Waits until the store has everything so far, as a server does that is started again.

        Args:
            name: Key of the run that it is about.
            is_patient: Whether to wait for a store that is away.

        Raises:
            NotWrittenError: It is away, and has been for long.
        """
        if self.tracker.flush(None if is_patient else BRIEF):
            return
        if is_patient:
            self.listener.stage(
                f"waiting for the tracking store, {LONGEST_OUTAGE / 60:.0f} minutes at most; "
                "after Ctrl-C the same command goes on"
            )
            if self.tracker.flush(LONGEST_OUTAGE):
                return
        raise NotWrittenError(
            f"run {name!r} is not completely in the store: {'; '.join(self.tracker.problems)}; "
            "what is finished is saved: give the same command again when the store answers"
        )

    def save_array(self, name: str, array: NDArray[np.float64]) -> None:
        """Keeps predictions beside the journal, where a resumed job finds them."""
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        write_atomically(self.search.folder / f"{name}.npy", buffer.getvalue())

    def load_array(self, name: str) -> NDArray[np.float64]:
        """Predictions that `save_array` has kept."""
        array: NDArray[np.float64] = np.load(self.search.folder / f"{name}.npy", allow_pickle=False)
        return array


BASELINE = "baseline"
FINAL = "final"
REGISTERED = "registered"
SEARCHING = "searching"  # which is not done but begins, in every process that asks for trials
"""Names of the stages in the journal; `trialstack.searches.DONE` follows them."""
