"""SIGINT and SIGTERM: the first unwinds and saves, the second ends at once."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

from trialstack.errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Turns the first signal into `Interrupted`, raised where the main thread is.

    That may be anywhere, also between two writes: the journal is made to survive a kill, and an
    exception is a gentler one. Whatever unwinds (trackers, child processes) then does so under the
    signals' default action, so that a second Ctrl-C ends the process.
    """

    def stop(number: int, _frame: FrameType | None) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        raise Interrupted(number)

    before = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)
