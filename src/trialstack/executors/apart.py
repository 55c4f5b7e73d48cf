"""An executor that leaves most trials to another one and has the others trained apart from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator

from trialstack.executors.base import Executor, Tell, TrainingJob
from trialstack.trials import Event, Failed, Finished, TrialSpec


class ApartExecutor:
    """Hands on all trials but some, which it has trained one by one in the calling thread.

    Args:
        others: Trains all other trials.
        trial_ids: Trials to be trained apart.
        train: Trains one of them and tells its events.
        last: Whether they come after all others, else each when it is asked.
        reason: Why, for the report of what was not stacked.
    """

    def __init__(
        self,
        others: Executor,
        trial_ids: Collection[str],
        train: Callable[[TrialSpec, Tell], None],
        *,
        last: bool,
        reason: str,
    ) -> None:
        self.name = others.name
        self.describes = others.describes
        self.reasons: Counter[str] = others.reasons
        self._others = others
        self._trial_ids = frozenset(trial_ids)
        self._train = train
        self._last = last
        self._reason = reason
        self._waiting: list[TrialSpec] = []
        self._running: set[str] = set()  # of the other executor: taken and not ended

    @property
    def epochs_passed(self) -> float | None:
        """See `trialstack.executors.base.Executor`; of the other executor."""
        return self._others.epochs_passed

    def run(self, trials: Iterator[TrialSpec | None], job: TrainingJob, tell: Tell) -> None:
        """Trains until `trials` is exhausted; see `trialstack.executors.base.Executor`."""

        def tell_and_count(event: Event) -> None:
            tell(event)
            if isinstance(event, Finished | Failed):
                self._running.discard(event.trial_id)

        self._others.run(self._left_over(trials, tell), job, tell_and_count)
        while self._waiting:
            self._train_apart(self._waiting.pop(0), tell)

    def _left_over(
        self, trials: Iterator[TrialSpec | None], tell: Tell
    ) -> Iterator[TrialSpec | None]:
        """The trials of the other executor."""
        for spec in trials:
            if spec is None:
                if self._waiting and not self._running:  # it is those that the search waits for
                    self._train_apart(self._waiting.pop(0), tell)
                else:
                    yield None
            elif spec.trial_id not in self._trial_ids:
                self._running.add(spec.trial_id)
                yield spec
            elif self._last:
                self._waiting.append(spec)
            else:
                self._train_apart(spec, tell)

    def _train_apart(self, spec: TrialSpec, tell: Tell) -> None:
        self.reasons[self._reason] += 1
        self._train(spec, tell)
