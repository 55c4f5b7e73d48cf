"""The executor that trains trials as stacks, and one by one what cannot be stacked."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import logging
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.errors import TrialstackError
from trialstack.executors.base import Tell, TrainingJob
from trialstack.executors.release import Releases, rare_collections
from trialstack.executors.stacked.cohort import Cohort, Data
from trialstack.executors.stacked.epoch import TrainingFunction
from trialstack.executors.stacked.executions import Executions
from trialstack.executors.stacked.feed import Feed, preprocessed
from trialstack.executors.stacked.memory import room_for
from trialstack.executors.stacked.padding import groups_of
from trialstack.executors.stacked.plan import TrialPlan, plan_of
from trialstack.executors.stacked.reasons import Unstackable, said
from trialstack.executors.stacked.singles import Single
from trialstack.executors.stacked.stack import penalized
from trialstack.executors.stacked.workers import Workers, stacks_at_a_time
from trialstack.trials import TrialSpec

log = logging.getLogger(__name__)

GATHERED = 500
"""Trials that are divided into stacks together: the more there are, the less of them is padding."""
TAKEN_AT_ONCE = 24
"""Trials that are built between two epochs of the stacks in training."""


class StackedExecutor:
    """Groups trials that can share a stack, pads them to the widest and trains them together.

    Trials are pulled as long as there is room for them in memory; when some of a stack have
    stopped, waiting ones begin a further stack in the room that they leave.
    """

    name = "stacked"
    describes = True

    def __init__(self) -> None:
        self.reasons: collections.Counter[str] = collections.Counter()
        self._run: _Run | None = None

    @property
    def epochs_passed(self) -> float | None:
        """See `trialstack.executors.base.Executor`; of the stacks."""
        return self._run.epochs_passed if self._run is not None else None

    def run(self, trials: Iterator[TrialSpec | None], job: TrainingJob, tell: Tell) -> None:
        """Trains until `trials` is exhausted; see `trialstack.executors.base.Executor`."""
        self._run = _Run(trials, job, tell, self.reasons)
        try:
            with rare_collections():
                self._run.run()
        finally:
            self._run = None
        for reason, count in self.reasons.items():
            some = "1 trial was" if count == 1 else f"{count} trials were"
            log.warning("%s trained one by one: %s", some, reason)


class _Run:
    """One call of `StackedExecutor.run`."""

    def __init__(
        self,
        trials: Iterator[TrialSpec | None],
        job: TrainingJob,
        tell: Tell,
        reasons: collections.Counter[str],
    ) -> None:
        self._trials = trials
        self._job = job
        self._tell = tell
        self._executions = Executions(job.executions, job.objective, tell)
        self._reasons = reasons
        self._exhausted = False
        self._workers = Workers(stacks_at_a_time())
        self._waiting: dict[Any, list[TrialPlan]] = {}  # key of a stack -> trials
        self._singles: list[Single] = []
        self._apart: set[tuple[str, int]] = set()  # trials whose stack broke, by id and attempt
        self._cohorts: list[Cohort] = []
        self._functions: dict[Any, TrainingFunction] = {}
        self._data: dict[Any, Data] = {}
        self._releases = Releases()
        self._room = 1  # trials that may be pulled and not ended; known after the first

    @property
    def epochs_passed(self) -> float | None:
        """The mean over trials, each with the epochs of its stack."""
        made = [(cohort.running, cohort.epochs_passed) for cohort in list(self._cohorts)]
        trials = sum(running for running, _ in made)
        return sum(running * epochs for running, epochs in made) / trials if trials else None

    def run(self) -> None:
        with self._workers:
            while True:
                gathered = self._pull()
                if self._job.out_of_time():
                    self._drop_waiting()
                elif gathered:
                    self._form_cohorts()
                if self._cohorts:
                    for cohort in list(self._cohorts):
                        self._advance(cohort)
                    self._cohorts = [cohort for cohort in self._cohorts if cohort.running]
                elif self._singles:
                    with self._releases.after_training():
                        self._singles.pop(0).fit(self._job, self._tell)
                elif self._exhausted:
                    return
                else:
                    raise RuntimeError("the search waits for results, but no trial is running")

    def _advance(self, cohort: Cohort) -> None:
        """Takes an epoch and begins the next; trials of a stack that breaks go to `model.fit`.

        Stacks take turns, whichever is ready first: so a search comes to the same end every time.
        """
        try:
            cohort.end_epoch(self._workers.epoch_of(cohort))
            if cohort.running:
                self._workers.begin(cohort)
        except TrialstackError:
            raise
        except Exception as error:
            self._take_apart(cohort.dissolve(), error)

    def _take_apart(
        self, left: Sequence[tuple[TrialSpec, int]], error: Exception, begun: bool = True
    ) -> None:
        """Has trials of a stack that broke trained alone; their other executions are given up.

        Args:
            left: Those that are not at their end, and how many epochs of each are told.
            error: What broke it.
            begun: Whether their start is told.
        """
        log.debug("a stack broke", exc_info=error)
        trials: dict[tuple[str, int], Single] = {}
        for spec, told in left:
            whole = Single(dataclasses.replace(spec, execution=0), begun)
            trial = trials.setdefault(_trial_of(spec), whole)
            trial.told[spec.execution] = told
        for other in self._cohorts:
            other.drop(trials.keys())
        self._apart |= trials.keys()
        for trial in trials.values():
            trial.begun |= self._executions.forget(trial.spec)
        self._reasons[f"their stack broke ({said(error)})"] += len(trials)
        self._singles.extend(trials.values())

    def _pull(self) -> bool:
        """Takes trials while there is room, for a further stack only when it is worth one.

        While stacks are in training it takes a few at a time.

        Returns:
            Whether those that wait now are as many as can be had.
        """
        training = bool(self._cohorts)
        worth = min(GATHERED, self._room // 4)
        if training and not self._waiting and self._room - self._taken() < worth:
            return True
        for _ in range(TAKEN_AT_ONCE) if training else itertools.repeat(None):
            if self._exhausted or self._n_waiting >= GATHERED or self._taken() >= self._room:
                return True
            try:
                spec = next(self._trials)
            except StopIteration:
                self._exhausted = True
                return True
            if spec is None:
                return True
            self._sort_in(spec)
        return False

    @property
    def _n_waiting(self) -> int:
        return sum(map(len, self._waiting.values()))

    def _drop_waiting(self) -> None:
        """Lets go of trials that were not begun: the search's time is up."""
        self._exhausted = True
        self._waiting = {}
        self._singles = [single for single in self._singles if single.begun]

    def _taken(self) -> int:
        waiting = self._n_waiting + len(self._singles)
        return waiting + sum(cohort.running for cohort in self._cohorts)

    def _sort_in(self, spec: TrialSpec) -> None:
        try:
            plans = [self._plan(execution) for execution in self._executions.of(spec)]
        except Unstackable as reason:
            self._reasons[str(reason)] += 1
            self._singles.append(Single(spec))
            return
        except Exception as error:
            # The trial's own error: `model.fit` will meet it again and tell it.
            self._reasons[f"{said(error)} while it was looked at"] += 1
            self._singles.append(Single(spec))
            return
        self._room = max(self._room, room_for(plans[0], self._job.probe))
        for plan in plans:
            self._waiting.setdefault(plan.key, []).append(plan)

    def _plan(self, spec: TrialSpec) -> TrialPlan:
        return plan_of(spec, *self._job.described(spec))

    def _form_cohorts(self) -> None:
        for plans in self._waiting.values():
            function = self._function(plans)
            rows = plans[0].rows_key
            if rows not in self._data:
                self._data[rows] = _data(plans[0], self._job.probe)
            for group in groups_of(plans, self._workers.count):
                self._form_cohort(group, function, self._data[rows])
        self._waiting = {}

    def _form_cohort(self, group: list[TrialPlan], function: TrainingFunction, data: Data) -> None:
        group = [plan for plan in group if _trial_of(plan.spec) not in self._apart]
        if not group:
            return
        try:
            cohort = Cohort(group, function, data, self._job, self._executions.teller)
        except TrialstackError:
            raise
        except Exception as error:  # such as a callback that refuses one of them
            self._take_apart([(plan.spec, 0) for plan in group], error, begun=False)
            return
        log.debug("stack of %d trials, padding %.0f %%", len(group), 100 * cohort.layout.padding)
        try:
            self._workers.begin(cohort)
        except TrialstackError:
            raise
        except Exception as error:
            self._take_apart(cohort.dissolve(), error)
        else:
            self._cohorts.append(cohort)

    def _function(self, plans: list[TrialPlan]) -> TrainingFunction:
        """One function for all stacks of a kind; another only if penalties come up later."""
        needed = penalized(plans)
        key = plans[0].kind, str(plans[0].fit.y.dtype)
        known = self._functions.get(key)
        if known is None or any(n and not k for n, k in zip(needed, known.penalized, strict=True)):
            known = self._functions[key] = TrainingFunction(plans[0], needed)
        return known


def _trial_of(spec: TrialSpec) -> tuple[str, int]:
    return spec.trial_id, spec.attempt


def _data(plan: TrialPlan, probe: NDArray[np.float32] | None) -> Data:
    """The rows of a stack, preprocessed once for all its trials."""
    fit = plan.fit
    return Data(
        Feed(plan, fit.x, fit.y, fit.weight),
        Feed(plan, *fit.validation) if fit.validation else None,
        None if probe is None else preprocessed(plan.chain.preprocessing, probe),
    )
