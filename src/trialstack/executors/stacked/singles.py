"""Trials that cannot be stacked, or whose stack broke: they go to `model.fit`."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field

from trialstack.executors.base import Tell, TrainingJob
from trialstack.executors.one_by_one import train_one
from trialstack.trials import EpochBlock, Event, Started, TrialSpec


@dataclass
class Single:
    """A trial that goes to `model.fit`.

    Attributes:
        spec: Which.
        begun: Whether its start is told.
        told: Epochs that a stack has told of it, by execution.
    """

    spec: TrialSpec
    begun: bool = False
    told: dict[int, int] = field(default_factory=dict)

    def fit(self, job: TrainingJob, tell: Tell) -> None:
        """Trains it; what is told of it is not told again."""
        if not self.begun:
            tell(Started(self.spec.trial_id, time.time()))

        def tell_new(event: Event) -> None:
            new = self._untold(event) if isinstance(event, EpochBlock) else event
            if new is not None:
                tell(new)

        train_one(self.spec, job, tell_new)

    def _untold(self, block: EpochBlock) -> EpochBlock | None:
        known = self.told.get(block.execution, 0) - block.first_epoch
        if known <= 0:
            return block
        if known >= len(block.rows):
            return None
        return dataclasses.replace(
            block,
            first_epoch=block.first_epoch + known,
            rows=block.rows[known:],
            times=block.times[known:],
        )
