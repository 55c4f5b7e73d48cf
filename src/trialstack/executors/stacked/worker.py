"""The thread that trains: Python's work on trials goes on beside it.

TensorFlow's operations leave Python's lock alone while they run. One thread is enough: operations
are spread over the cores by TensorFlow itself, and two stacks at a time only hinder each other.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from trialstack.executors.stacked.cohort import Cohort, Epoch


class Worker:
    """Trains epochs of stacks, one after the other, ahead of being asked for them.

    What an epoch means to its trials is not decided here: that is the caller's thread's business.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="stacks")
        self._epochs: dict[int, Future[Epoch]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Waits for the epoch that is being trained, and begins no other."""
        self._pool.shutdown(cancel_futures=True)

    def begin(self, cohort: Cohort) -> None:
        """Trains the next epoch of a stack, which is left alone until `epoch_of` returns."""
        cohort.begin_epoch()
        self._epochs[id(cohort)] = self._pool.submit(cohort.train)

    def epoch_of(self, cohort: Cohort) -> Epoch:
        """The epoch that has been begun, once it is trained.

        Raises:
            Exception: Whatever training raised.
        """
        return self._epochs.pop(id(cohort)).result()
