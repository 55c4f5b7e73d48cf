"""Threads that train stacks, one stack each, while Python's work on trials goes on beside them.

TensorFlow spreads an operation over all cores by threads of its own. The operations of a stack of
small networks are so short that these spend more time on meeting than on computing; where
TensorFlow is told to use one thread an operation, the cores are busy with a stack each instead.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from trialstack.cores import count_cores, operations_take_one_thread
from trialstack.executors.stacked.cohort import Cohort, Epoch

MOST = 16
"""Threads at most: they all wait for Python now and then."""


class Workers:
    """Trains epochs of stacks ahead of being asked for them.

    What an epoch means to its trials is not decided here: that is the caller's thread's business.
    With one worker there is no further thread, and an epoch is trained when it is asked for.

    Args:
        count: Stacks that may be in training at a time.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(count, "stack") if count > 1 else None
        self._epochs: dict[int, Future[Epoch]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Waits for the epochs that are being trained, and begins no other."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def begin(self, cohort: Cohort) -> None:
        """Begins the next epoch of a stack, which is left alone until `epoch_of` returns."""
        cohort.begin_epoch()
        if self._pool is not None:
            self._epochs[id(cohort)] = self._pool.submit(cohort.train)

    def epoch_of(self, cohort: Cohort) -> Epoch:
        """The epoch that has been begun, once it is trained.

        Raises:
            Exception: Whatever training raised.
        """
        if self._pool is None:
            return cohort.train()
        return self._epochs.pop(id(cohort)).result()


def stacks_at_a_time() -> int:
    """One a core where TensorFlow's operations take one thread each, otherwise one."""
    return min(MOST, count_cores()) if operations_take_one_thread() else 1
