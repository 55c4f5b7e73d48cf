"""The trials that may have killed their search, and how they are trained."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Self

from trialstack.executors.apart import ApartExecutor
from trialstack.executors.base import Executor, Tell
from trialstack.executors.one_by_one import train_one
from trialstack.trials import Started, TrialSpec
from trialstack.tuners.apart import Apart
from trialstack.tuners.deaths import SUSPICIOUS, suspects

if TYPE_CHECKING:
    from trialstack.tuners.base import TrackedTuner
    from trialstack.tuners.job import SearchJob

log = logging.getLogger(__name__)

REASON = "the search has died twice with them"
"""Why such trials are not stacked."""
MOST_NAMED = 5


class Suspects:
    """Those of one `search` call; a context manager.

    In the search of an experiment each is trained in a child process, which reads the experiment
    again. A hypermodel that exists in a program only cannot be had in another process (to fork
    after TensorFlow has run is not safe): there they come last, so that a trial that kills the
    program takes nothing else with it.

    Args:
        tuner: Whose journal tells of them.
        job: Of the search.
    """

    def __init__(self, tuner: TrackedTuner, job: SearchJob) -> None:
        self.trial_ids = frozenset(suspects(tuner.journal.entries))
        self._tuner = tuner
        self._job = job
        self._apart: Apart | None = None
        if self.trial_ids and tuner.apart_command is not None:
            self._apart = Apart(tuner.apart_command, tuner.journal.path.parent, job.probe)
        if self.trial_ids:
            log.warning("%s", self._told())

    def builds(self, spec: TrialSpec, hp: Any) -> bool:
        """Builds one of them when it is asked, as far as that can be done; false for any other."""
        if spec.trial_id not in self.trial_ids:
            return False
        if self._apart is not None:
            self._apart.build(spec, hp)
        return True

    def executor(self, others: Executor) -> Executor:
        """Trains them, and by `others` all that are no suspects."""
        if not self.trial_ids:
            return others
        last = self._apart is None
        return ApartExecutor(others, self.trial_ids, self._train, last=last, reason=REASON)

    def _train(self, spec: TrialSpec, tell: Tell) -> None:
        if self._apart is not None:
            trial = self._tuner.oracle.trials[spec.trial_id]
            self._apart.train(spec, trial.hyperparameters, tell)
            self._tuner.oracle.update_space(trial.hyperparameters)
            return
        tell(Started(spec.trial_id, time.time()))
        train_one(spec, self._job, tell)

    def _told(self) -> str:
        names = sorted(self.trial_ids)
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        which = f"trial{'s' * (len(names) > 1)} {', '.join(names[:MOST_NAMED])}{more}"
        begin = f"{which}: under way when this search died, {SUSPICIOUS} times or more;"
        if self._apart is not None:
            return f"{begin} trained one by one in a process of their own"
        return (
            f"{begin} trained last, in this process; only the search of an experiment file "
            "(`trialstack tune`) can train them in one of their own, and go on if it dies"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._apart is not None:
            self._apart.close()
