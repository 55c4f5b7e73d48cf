"""Asks the oracle for trials and writes down what it hands out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from keras_tuner.engine import trial as kt_trial

from trialstack.signals import stop_if_interrupted
from trialstack.trials import TrialSpec
from trialstack.tuners.active import NotedHyperParameters
from trialstack.tuners.replay import space_config

if TYPE_CHECKING:
    from trialstack.tuners.base import TrackedTuner
    from trialstack.tuners.job import SearchJob
    from trialstack.tuners.suspects import Suspects

TIME_LIMIT = "time limit"
"""What the journal's last line says when trials are left for another time."""
SPACE_EXHAUSTED = "space exhausted"
"""What it says when there are fewer different trials than were wanted."""


class Asking:
    """The questions of one `search` call.

    Args:
        tuner: Whose oracle is asked, and whose journal keeps the answers.
        job: Builds trials ahead, so that the oracle learns what their building names.
        apart: Builds the trials that have killed the search, if there are some.

    Attributes:
        specs: trial id -> the trial as it was asked last.
        tuner_ids: trial id -> the tuner id that it was asked for.
        ended_by: What ended the asking, as the journal's last line says it.
    """

    def __init__(self, tuner: TrackedTuner, job: SearchJob, apart: Suspects) -> None:
        self.specs: dict[str, TrialSpec] = {}
        self.tuner_ids: dict[str, str] = {}
        self.ended_by = "max_trials"
        self._tuner = tuner
        self._oracle = tuner.oracle
        self._job = job
        self._apart = apart
        self._ended = {entry["trial_id"] for entry in tuner.journal.of("finished", "failed")}
        # Hyperparameters of the search space that the journal has already.
        self._known_space = sum(len(e["oracle"]["space"]) for e in tuner.journal.of("asked"))

    def trials(self) -> Iterator[TrialSpec | None]:
        """Trials as the oracle hands them out; None while it waits for results."""
        asked = 0
        while True:
            stop_if_interrupted()
            if self._tuner.time_is_up():
                self.ended_by = TIME_LIMIT
                return
            if self._others_wait():
                return
            self._tuner.pre_create_trial()
            # A tuner id of its own for each: the oracle gives one id the same trial again.
            tuner_id = f"{self._tuner.tuner_id}/{asked}"
            trial = self._oracle.create_trial(tuner_id)
            self.tuner_ids[trial.trial_id] = tuner_id
            asked += 1
            if trial.status == kt_trial.TrialStatus.STOPPED:
                if self._may_fail_yet():
                    yield None
                    continue
                limit = self._oracle.max_trials
                reached = limit is not None and len(self._oracle.trials) >= limit
                self.ended_by = "max_trials" if reached else SPACE_EXHAUSTED
                return
            if trial.status == kt_trial.TrialStatus.IDLE:
                yield None
                continue
            yield self._asked(trial)

    def _may_fail_yet(self) -> bool:
        """Whether a trial under way, should it fail, is to be tried again."""
        return bool(self._oracle.ongoing_trials) and self._oracle.max_retries_per_trial > 0

    def _others_wait(self) -> bool:
        """Whether there are enough trials without those that an earlier process left waiting.

        When its time was up it may have asked for more than are wanted in all now.
        """
        limit, waiting = self._oracle.max_trials, self._oracle._retry_queue
        wanted = self._ended | self.specs.keys()
        return bool(limit and waiting) and len(wanted) >= limit and waiting[-1] not in wanted

    def _asked(self, trial: Any) -> TrialSpec:
        trial.hyperparameters = NotedHyperParameters.of(trial.hyperparameters)
        number = self._number_of(trial.trial_id)
        spec = TrialSpec(
            trial.trial_id,
            number,
            dict(trial.hyperparameters.values),
            (self._tuner.search_seed, number),
            attempt=int(self._oracle._run_times[trial.trial_id]),
        )
        if self._tuner.builds_by_itself:
            self._build(spec, trial)
            self._oracle.update_space(trial.hyperparameters)
            # Or the values of this trial could be asked again before it has ended.
            self._oracle._record_values(trial)
            # Building may have named more of them, and left some alone.
            values = trial.hyperparameters.active_values()
            spec = dataclasses.replace(spec, hyperparameters=values)
        self.specs[spec.trial_id] = spec
        self._write_down(spec, trial)
        return spec

    def _build(self, spec: TrialSpec, trial: Any) -> None:
        """Has a trial built, so that it names all that it has."""
        if self._apart.builds(spec, trial.hyperparameters):
            return
        if not self._tuner.builds_harmlessly:
            self._tuner.journal.append("building", trial_id=spec.trial_id, attempt=spec.attempt)
        self._job.built_ahead.add(spec, describe=self._tuner.executor.describes)

    def _number_of(self, trial_id: str) -> int:
        """Position in the order of asking; nearly always the last."""
        order = self._oracle.start_order
        return len(order) - 1 if order[-1] == trial_id else int(order.index(trial_id))

    def _write_down(self, spec: TrialSpec, trial: Any) -> None:
        self._tuner.journal.append(
            "asked",
            trial_id=spec.trial_id,
            number=spec.number,
            attempt=spec.attempt,
            oracle={
                "seed_state": self._oracle._seed_state,
                "space": space_config(self._oracle.hyperparameters, self._known_space),
                "values": {},
            },
            **trial.hyperparameters.get_config(),
        )
        self._known_space = len(self._oracle.hyperparameters.space)
