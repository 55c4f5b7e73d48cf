"""Trials that are trained several times: each execution has a place of its own in a stack."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from trialstack.executors.base import Tell
from trialstack.trials import EpochBlock, Event, Failed, Finished, Objective, Started, TrialSpec


@dataclass
class _Trial:
    """What is known of a trial's executions."""

    finished: dict[int, Finished] = field(default_factory=dict)
    started: bool = False
    failed: bool = False


class Executions:
    """Makes the events of a trial out of those of its executions.

    Args:
        count: Executions of every trial.
        objective: Of the search.
        tell: Takes the trials' events.
    """

    def __init__(self, count: int, objective: Objective, tell: Tell) -> None:
        self._count = count
        self._objective = objective
        self._tell = tell
        self._trials: dict[tuple[str, int], _Trial] = {}  # by id and attempt

    def of(self, spec: TrialSpec) -> Iterator[TrialSpec]:
        """The executions of a trial."""
        return (dataclasses.replace(spec, execution=k) for k in range(self._count))

    def teller(self, spec: TrialSpec) -> Callable[[Event], None]:
        """Where an execution's events go."""
        return self._tell if self._count == 1 else partial(self._take, spec)

    def forget(self, spec: TrialSpec) -> bool:
        """Begins anew with a trial: what was told of its executions so far does not count.

        Returns:
            Whether one of several executions has told that it has started.
        """
        trial = self._trials.pop((spec.trial_id, spec.attempt), None)
        return trial is not None and trial.started

    def _take(self, spec: TrialSpec, event: Event) -> None:
        key = spec.trial_id, spec.attempt
        trial = self._trials.setdefault(key, _Trial())
        if trial.failed:
            return
        if isinstance(event, Started):
            if not trial.started:
                trial.started = True
                self._tell(event)
        elif isinstance(event, EpochBlock):
            self._tell(event)
        elif isinstance(event, Failed):
            trial.failed = True
            self._tell(event)
        else:
            trial.finished[spec.execution] = event
            if len(trial.finished) == self._count:
                del self._trials[key]
                self._tell(self._together([trial.finished[k] for k in range(self._count)]))

    def _together(self, executions: list[Finished]) -> Finished:
        """The best execution, with the mean of all executions' best epochs: Keras Tuner's rule."""
        best = executions[0]
        name = self._objective.name
        for other in executions[1:]:
            if self._objective.better(other.metrics[name], best.metrics[name]):
                best = other
        metrics = {
            key: float(np.mean([execution.metrics[key] for execution in executions]))
            for key in best.metrics
        }
        return dataclasses.replace(best, time=executions[-1].time, metrics=metrics)
