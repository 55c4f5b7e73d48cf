"""Follows what happens to trials: writes it down, tells the oracle, tells the tracker."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from keras_tuner.engine import trial as kt_trial

from trialstack.signals import stop_if_interrupted
from trialstack.trials import EpochBlock, Event, Failed, Finished, Started, TrialSpec
from trialstack.tuners.asking import Asking
from trialstack.tuners.journal import Entry
from trialstack.tuners.replay import look_at_first, register_metrics
from trialstack.tuners.search_run import SearchRun
from trialstack.tuners.weights import BestWeights

if TYPE_CHECKING:
    from trialstack.tuners.base import TrackedTuner
    from trialstack.tuners.job import SearchJob


class Telling:
    """The answers of one `search` call.

    Args:
        tuner: Whose oracle, journal and hooks are told.
        job: Forgets the models of finished trials that it has built ahead.
        asking: Knows the trials.
        run: The search's run.
        weights: Keeps those of the best trials.
        max_consecutive_failures: Ends the search after so many in a row; None for never.
    """

    def __init__(
        self,
        tuner: TrackedTuner,
        job: SearchJob,
        asking: Asking,
        run: SearchRun,
        weights: BestWeights,
        max_consecutive_failures: int | None,
    ) -> None:
        self._tuner = tuner
        self._oracle = tuner.oracle
        self._job = job
        self._asking = asking
        self._run = run
        self._weights = weights
        self._max_consecutive_failures = max_consecutive_failures

    def tell(self, event: Event) -> None:
        """Writes an event down, then follows it: journal, oracle, tracker, in this order.

        Raises:
            RuntimeError: It was one failure too many in a row.
        """
        stop_if_interrupted()
        spec = self._asking.specs[event.trial_id]
        trial = self._oracle.trials[event.trial_id]
        if isinstance(event, Started):
            self._job.begun = True
            self._tuner.journal.append("started", trial_id=spec.trial_id, attempt=spec.attempt)
            self._run.trial_started(spec, spec.hyperparameters, event.time)
            self._tuner.on_trial_begin(trial)
        elif isinstance(event, EpochBlock):
            self._run.epochs(spec, event)
        elif isinstance(event, Finished):
            self._finished(spec, trial, event)
        else:
            self._failed(spec, trial, event)

    def _finished(self, spec: TrialSpec, trial: Any, event: Finished) -> None:
        objective = self._oracle.objective.name
        score = event.metrics[objective]
        values = trial.hyperparameters.active_values()
        if event.weights is not None:
            self._weights.offer(spec.trial_id, score, event.weights, event.build_config)
        self._run.keep_picture(spec, event)
        entry = self._record(
            "finished",
            spec,
            trial,
            status=kt_trial.TrialStatus.COMPLETED,
            history=event.history,
            times=self._run.epoch_times(spec),
            metrics=event.metrics,
            best_epoch=event.best_epoch,
            stopped_by=event.stopped_by,
            stacked=event.stacked,
        )
        self._weights.forget_others()
        self._tuner.execution_report.add(event.stacked)
        self._job.built_ahead.forget(spec.trial_id)
        if not trial.metrics.exists(objective):
            register_metrics(trial.metrics, event.metrics, self._oracle.objective)
            self._oracle.update_trial(spec.trial_id, dict(event.metrics), step=event.best_epoch)
        trial.status = kt_trial.TrialStatus.COMPLETED
        self._end_trial(trial)
        self._run.trial_finished(spec, values, dataclasses.replace(event, time=entry["time"]))

    def _failed(self, spec: TrialSpec, trial: Any, event: Failed) -> None:
        status = kt_trial.TrialStatus.INVALID if event.retry else kt_trial.TrialStatus.FAILED
        values = trial.hyperparameters.active_values()
        entry = self._record(
            "failed",
            spec,
            trial,
            status=status,
            reason=event.reason,
            traceback=event.traceback,
            history=event.history,
            times=self._run.epoch_times(spec),
        )
        trial.status = status
        trial.message = event.traceback or event.reason
        self._end_trial(trial)
        self._run.trial_failed(spec, values, dataclasses.replace(event, time=entry["time"]))
        self._check_consecutive_failures()

    def _record(self, kind: str, spec: TrialSpec, trial: Any, **fields: Any) -> Entry:
        return self._tuner.journal.append(
            kind,
            trial_id=spec.trial_id,
            attempt=spec.attempt,
            active=list(trial.hyperparameters.active_values()),
            **trial.hyperparameters.get_config(),
            **fields,
        )

    def _end_trial(self, trial: Any) -> None:
        look_at_first(self._oracle, self._asking.tuner_ids[trial.trial_id])
        self._tuner.on_trial_end(trial)

    def _check_consecutive_failures(self) -> None:
        limit = self._max_consecutive_failures
        if limit is None:
            return
        last = [self._oracle.trials[trial_id] for trial_id in self._oracle.end_order[-limit:]]
        if len(last) == limit and all(t.status == kt_trial.TrialStatus.FAILED for t in last):
            raise RuntimeError(
                f"Number of consecutive failures exceeded the limit of {limit}.\n{last[-1].message}"
            )
