"""What is known of a running search at one moment."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trialstack.live.forecast import epochs_left
from trialstack.trials import Objective
from trialstack.tuners.trial_row import ranked

if TYPE_CHECKING:
    from trialstack.pipeline.job import SearchInProgress

RATE_OVER = 30.0
"""Seconds that epochs are counted over; a large stack tells them in blocks, seconds apart."""
SLOW_EPOCH = 3.0
"""Seconds that an epoch takes from which on it is shown how far it is."""
ONE_BY_ONE = "one-by-one"


@dataclass(frozen=True)
class Snapshot:
    """A running search at one moment.

    Attributes:
        objective: What it optimises.
        max_trials: How many it is to have.
        scores: Of trials that have ended, in that order; NaN for a failed one.
        running: Trials under way.
        best: Score and name of the best trial, the hyperparameters in it; None before there is one.
        executor: How its trials are trained.
        rate: Epochs a second, of all trials together; None before there is one.
        used: Seconds since it began.
        left: Seconds that it will still take; None as long as nothing is known.
        epochs: Most that a trial has.
        epochs_passed: Those of the trials under way on average, parts of one included; None where
            they come too fast to be looked at, or nothing is known.
    """

    objective: Objective
    max_trials: int
    scores: tuple[float, ...] = ()
    running: int = 0
    best: tuple[float, str] | None = None
    executor: str = "stacked"
    rate: float | None = None
    used: float = 0.0
    left: float | None = None
    epochs: int = 0
    epochs_passed: float | None = None

    @property
    def epoch(self) -> str:
        """The epoch under way and how much of it is done; empty where none is to be shown.

        Example:
            >>> Snapshot(Objective("val_auc", "max"), 8, epochs=3, epochs_passed=1.45).epoch
            'epoch 2 of 3: 45 %'
        """
        if self.epochs_passed is None:
            return ""
        whole = min(int(self.epochs_passed), self.epochs - 1)
        done = min(self.epochs_passed - whole, 1.0)
        return f"epoch {whole + 1} of {self.epochs}: {100 * done:.0f} %"

    @property
    def failed(self) -> int:
        """Trials without a score."""
        return sum(math.isnan(score) for score in self.scores)


class Watch:
    """Looks at a search from another thread than the one that trains.

    What it reads is copied in single steps of the interpreter, so that nobody waits for it.

    Args:
        search: What it looks at.
        clock: Gives seconds since any moment.
    """

    def __init__(
        self, search: SearchInProgress, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._search = search
        self._clock = clock
        self._began = clock()
        self._told_before = search.run.epochs_told
        # When more epochs were told, and how many they were then. What comes before the first of
        # them, such as the tracing of a stack's function, is no measure of what is to follow.
        self._told: deque[tuple[float, int]] = deque()
        self._left_then: float | None = None  # when epochs were told last
        self._epoch_began = self._began, 0.0  # when one was first seen, and how far it was then
        self._seconds_an_epoch = 0.0  # of those before it

    def look(self) -> Snapshot:
        """The search as it is now."""
        search, now = self._search, self._clock()
        ended = list(search.run.rows.values())
        running = list(search.run.running.values())
        self._count_epochs(now, [row.epochs_run for row in ended], running)
        best = next(iter(ranked(ended, search.run.objective)), None)
        return Snapshot(
            search.run.objective,
            search.max_trials,
            tuple(math.nan if row.score is None else row.score for row in ended),
            len(running),
            (best.score or 0.0, best.name) if best else None,
            self._executor(len(running)),
            self._rate(now),
            now - self._began,
            self._left(now),
            search.epochs,
            self._epochs_passed(now),
        )

    def _epochs_passed(self, now: float) -> float | None:
        """As the executor has it, if an epoch takes long."""
        passed = self._search.executor.epochs_passed
        if passed is None:
            return None
        began, before = self._epoch_began
        seconds = (now - began) / max(passed - before, 1.0)
        if int(passed) != int(before):
            self._seconds_an_epoch, self._epoch_began = seconds, (now, passed)
        return passed if max(self._seconds_an_epoch, seconds) >= SLOW_EPOCH else None

    def _count_epochs(self, now: float, ended: list[int], running: list[int]) -> None:
        told = self._search.run.epochs_told - self._told_before
        if told == (self._told[-1][1] if self._told else 0):
            return
        self._told.append((now, told))
        while len(self._told) > 2 and now - self._told[0][0] > RATE_OVER:
            self._told.popleft()
        rate = self._rate(now)
        if rate is not None:
            waiting = max(self._search.max_trials - len(ended) - len(running), 0)
            self._left_then = epochs_left(ended, running, waiting, self._search.epochs) / rate

    def _rate(self, now: float) -> float | None:
        """Between two moments at which epochs were told; up to now, if the last is long ago."""
        if len(self._told) < 2:
            return None
        (first, epochs_then), (last, epochs) = self._told[0], self._told[-1]
        end = now if now - last > RATE_OVER else last
        return (epochs - epochs_then) / (end - first)

    def _left(self, now: float) -> float | None:
        limit = self._search.time_limit
        until_limit = math.inf if limit is None else max(self._began + limit - now, 0.0)
        if self._left_then is None:
            return until_limit if limit is not None else None
        return min(max(self._left_then - (now - self._told[-1][0]), 0.0), until_limit)

    def _executor(self, running: int) -> str:
        """How trials are trained, as far as it has shown until now."""
        if self._search.executor.name == ONE_BY_ONE:
            return "one by one"
        alone = sum(list(self._search.executor.reasons.values()))
        if not alone:
            return "stacked"
        stacked = self._search.report.stacked or running > 1
        return f"{'stacked, ' if stacked else ''}{alone} one by one"
