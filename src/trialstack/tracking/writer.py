"""One background thread that writes what is due, and goes on trying while a store is away."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

Item = TypeVar("Item", bound=Hashable)

_FIRST_PAUSE = 0.25  # seconds before the second attempt; doubled at each failure
_LONGEST_PAUSE = 5.0
_ATTEMPTS = 6  # of an item whose neighbours succeed
_TOGETHER = 16  # items at most that are written as one


@dataclass
class _Waiting:
    due: float  # on the monotonic clock
    ticket: int  # order of asking, by which `flush` knows what came before it
    attempts: int = 0


class Writer(Generic[Item]):
    """Calls `write(item)` on its own thread, some time after `put(item)`.

    An item put again before it was written is written once: that is how the small blocks of a
    run's epochs become one request. When `write` raises, everything waits a little, longer each
    time, and the item takes its turn again behind the others: so nothing is lost while a server
    restarts. An item that keeps failing while others succeed is given up.

    Args:
        write: Writes all that an item has to say.
        failed: Told of every exception that `write` raised.
        given_up: Told of an item that will not be tried again.
        delay: Seconds from `put` to `write`.
        write_together: Writes several items as one, or none of them if it raises; then they take
            their turns again alone. None where there is no such way.
    """

    def __init__(
        self,
        write: Callable[[Item], None],
        failed: Callable[[Exception], None],
        given_up: Callable[[Item], None],
        delay: float = 1.0,
        write_together: Callable[[Sequence[Item]], None] | None = None,
    ) -> None:
        self._write = write
        self._write_together = write_together
        self._failed = failed
        self._given_up = given_up
        self._delay = delay
        self._changed = threading.Condition()
        self._waiting: dict[Item, _Waiting] = {}
        self._writing: list[_Waiting] = []
        self._alone = 0  # items that take their next turns alone
        self._tickets = 0
        self._pause = 0.0  # 0 while the store answers
        self._resume_at = 0.0
        self._began = 0.0  # the last attempt
        self._away_since = 0.0  # beginning of the first attempt that failed, while there is a pause
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="trialstack-tracking", daemon=True)
        self._thread.start()

    def put(self, item: Item, *, now: bool = False) -> None:
        """Has an item written: after the delay, or as the next one."""
        due = 0.0 if now else time.monotonic() + self._delay
        with self._changed:
            self._tickets += 1
            waiting = self._waiting.setdefault(item, _Waiting(due, self._tickets))
            waiting.due = min(waiting.due, due)
            self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Waits until all that was put so far is written.

        As long as writing goes on it is waited for. If it fails, patience counts from the first
        attempt that failed, which may have hung for most of it; but there is always time for
        another attempt.

        Args:
            timeout: Seconds of patience.

        Returns:
            Whether all was written.
        """
        with self._changed:
            last = self._tickets
            for waiting in self._waiting.values():
                waiting.due = 0.0
            self._resume_at = 0.0
            self._changed.notify_all()
            another_ends = time.monotonic() + min(timeout, _LONGEST_PAUSE)
            while self._older_than(last):
                patience_ends = max(self._away_since + timeout, another_ends)
                if self._pause and time.monotonic() >= patience_ends:
                    return False
                if not self._thread.is_alive():
                    return False
                self._changed.wait(0.1)
        return True

    def close(self, timeout: float) -> bool:
        """Flushes and ends the thread; after that nothing more is written.

        Returns:
            Whether all was written.
        """
        complete = self.flush(timeout)
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(timeout=1.0 if not complete else timeout)
        return complete

    def _older_than(self, ticket: int) -> bool:
        return any(each.ticket <= ticket for each in (*self._writing, *self._waiting.values()))

    def _run(self) -> None:
        while turns := self._next():
            if self._write_together is not None and len(turns) > 1:
                self._take_turns_together(turns, self._write_together)
            else:
                self._take_turn(*turns.popitem())

    def _take_turn(self, item: Item, waiting: _Waiting) -> None:
        try:
            self._write(item)
        except Exception as error:
            self._failed(error)
            self._put_back(item, waiting)
        else:
            self._written()

    def _take_turns_together(
        self, turns: Mapping[Item, _Waiting], write: Callable[[Sequence[Item]], None]
    ) -> None:
        try:
            write([*turns])
        except Exception as error:  # told when it comes again, to the one whom it concerns
            log.debug("%d items take their turns alone: %s", len(turns), error)
            with self._changed:
                self._alone = len(turns)
                for item, waiting in turns.items():
                    self._wait_again(item, waiting)
                self._writing = []
        else:
            self._written()

    def _written(self) -> None:
        with self._changed:
            self._pause = 0.0
            self._writing = []
            self._changed.notify_all()

    def _next(self) -> dict[Item, _Waiting]:
        """Waits for items that are due and takes them out, at most `_TOGETHER`; none at the end."""
        with self._changed:
            while not self._stopping:
                now = time.monotonic()
                wake = None
                if self._waiting:
                    wake = max(min(each.due for each in self._waiting.values()), self._resume_at)
                    if wake <= now:
                        return self._taken(now)
                self._changed.wait(None if wake is None else wake - now)
        return {}

    def _taken(self, now: float) -> dict[Item, _Waiting]:
        at_most = _TOGETHER if self._write_together and not self._pause else 1
        if self._alone:
            self._alone -= 1
            at_most = 1
        due = [item for item, waiting in self._waiting.items() if waiting.due <= now]
        due.sort(key=lambda item: self._waiting[item].due)
        taken = {item: self._waiting.pop(item) for item in due[:at_most]}
        self._writing = [*taken.values()]
        self._began = now
        return taken

    def _wait_again(self, item: Item, waiting: _Waiting) -> None:
        newer = self._waiting.get(item)
        self._waiting[item] = waiting
        if newer is not None:
            waiting.due = min(waiting.due, newer.due)

    def _put_back(self, item: Item, waiting: _Waiting) -> None:
        # While nothing at all succeeds it is the store that is away, not the item that is wrong.
        alone = self._pause > 0.0
        with self._changed:
            waiting.attempts += 0 if alone else 1
            self._away_since = self._away_since if alone else self._began
            self._pause = min(max(2 * self._pause, _FIRST_PAUSE), _LONGEST_PAUSE)
            now = time.monotonic()
            self._resume_at = now + self._pause
            self._writing = []
            if waiting.attempts >= _ATTEMPTS:
                self._waiting.pop(item, None)
                self._given_up(item)
            else:
                waiting.due = now  # behind those that are due already
                self._wait_again(item, waiting)
            self._changed.notify_all()
