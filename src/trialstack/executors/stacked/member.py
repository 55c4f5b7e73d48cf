"""One training in a stack: its curves, its best weights, and what is told of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.executors.base import Tell
from trialstack.executors.stacked.layout import Packed
from trialstack.executors.stacked.monitors import Monitors
from trialstack.executors.stacked.plan import TrialPlan
from trialstack.trials import EpochBlock, EpochRow, Failed, Finished, Objective, Weights


@dataclass
class Member:
    """A trial of a stack, or one of its executions.

    Attributes:
        plan: What it is.
        monitors: Its own callbacks.
        objective: Of the search.
        tell: Takes its events.
        rows: Its metrics, one mapping an epoch.
        best: Its weights after its best epoch, as its stack has them.
        stopped_by: See `Finished`.
        failure: Why it cannot go on, or empty.
        told: Epochs that are told.
    """

    plan: TrialPlan
    monitors: Monitors
    objective: Objective
    tell: Tell
    rows: list[EpochRow] = field(default_factory=list)
    best: Packed | None = None
    stopped_by: str = "epochs"
    failure: str = ""
    told: int = 0
    _times: list[float] = field(default_factory=list)
    _best_epoch: int = 0
    _best_value: float = math.nan

    def __post_init__(self) -> None:
        self._best_value = self.objective.worst

    @property
    def ended(self) -> bool:
        """Whether it is at its end: by a callback, an error, or because all epochs were run."""
        return bool(self.failure) or len(self.rows) == self._last or self.stopped_by != "epochs"

    @property
    def _last(self) -> int:
        return self.plan.fit.epochs

    def take_row(self, row: dict[str, float], now: float, weights: Callable[[], Packed]) -> None:
        """Takes the metrics of an epoch that has just ended.

        Args:
            row: The metrics.
            now: When it ended.
            weights: Gives the weights after this epoch, to keep.
        """
        epoch = len(self.rows)
        stopper = self.monitors.epoch_ended(epoch, row)
        self.rows.append(row)
        self._times.append(now)
        for key in dict.fromkeys(("loss", "val_loss", self.objective.name)):
            if key in row and not math.isfinite(row[key]):
                self.failure = f"{key} became {row[key]} in epoch {epoch}"
                return
        value = row.get(self.objective.name)
        if value is None or self.objective.better(value, self._best_value):
            self._best_epoch = epoch
            self._best_value = self._best_value if value is None else value
            self.best = weights()
        if epoch + 1 < self._last:
            self.stopped_by = stopper or "epochs"

    def tell_rows(self) -> None:
        """Tells the epochs that are not told yet."""
        if self.told < len(self.rows):
            rows, times = self.rows[self.told :], self._times[self.told :]
            spec = self.plan.spec
            self.tell(EpochBlock(spec.trial_id, self.told, rows, times, spec.execution))
            self.told = len(self.rows)

    def tell_end(self, weights: Weights | None, probe: NDArray[np.float32] | None) -> None:
        """Tells how it ended.

        Args:
            weights: See `Finished`.
            probe: See `Finished`.
        """
        trial_id = self.plan.spec.trial_id
        if self.failure:
            self.tell(Failed(trial_id, time.time(), self.failure, history=self._history()))
            return
        self.tell(
            Finished(
                trial_id,
                time.time(),
                self._history(),
                self.rows[self._best_epoch],
                self._best_epoch,
                weights=weights,
                stopped_by=self.stopped_by,
                stacked=True,
                probe=probe,
                build_config=self.plan.model.get_build_config(),
            )
        )

    def _history(self) -> dict[str, list[Any]]:
        names = dict.fromkeys(name for row in self.rows for name in row)
        return {name: [row.get(name, math.nan) for row in self.rows] for name in names}
