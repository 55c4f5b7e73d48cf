"""Trials one after the other, each by Keras' own `model.fit`."""

from __future__ import annotations

import collections
import time
from collections.abc import Iterator

from trialstack.errors import TrialstackError
from trialstack.executors.base import Tell, TrainingJob
from trialstack.executors.release import Releases
from trialstack.trials import Started, TrialSpec


class OneByOneExecutor:
    """Trains in the calling thread, whatever the model, the callbacks and the data are."""

    name = "one-by-one"
    describes = False
    epochs_passed: float | None = None

    def __init__(self) -> None:
        self.reasons: collections.Counter[str] = collections.Counter()
        self._releases = Releases()

    def run(self, trials: Iterator[TrialSpec | None], job: TrainingJob, tell: Tell) -> None:
        """Trains until `trials` is exhausted; see `trialstack.executors.base.Executor`."""
        for spec in trials:
            if spec is None:
                # Nothing runs here between two trials, so nobody would ever be told.
                raise RuntimeError("the search waits for results, but no trial is running")
            self.reasons["the one-by-one executor was chosen"] += 1
            tell(Started(spec.trial_id, time.time()))
            with self._releases.after_training():
                train_one(spec, job, tell)


def train_one(spec: TrialSpec, job: TrainingJob, tell: Tell) -> None:
    """Trains a trial that is told to have started, and tells how it ended."""
    try:
        finished = job.train(spec, tell)
    except TrialstackError:
        raise
    except Exception as error:
        tell(job.failure(spec, error))
    else:
        tell(finished)
