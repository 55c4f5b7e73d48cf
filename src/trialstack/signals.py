"""SIGINT and SIGTERM: the first unwinds and saves, the second ends at once."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

from trialstack.errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM)

_received: list[int] = []  # by the `interruptible` that is active


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
        _received.append(number)
        raise Interrupted(number)

    before = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield
    finally:
        _received.clear()
        for number, action in before.items():
            signal.signal(number, action)


def stop_if_interrupted() -> None:
    """Raises what Python may have swallowed; to be called wherever much is yet to be done.

    What a signal raises while a finalizer runs (`__del__`, a callback of a weak reference, of which
    Keras has many) is printed and ignored.

    Raises:
        Interrupted: A signal came, and yet the program has gone on to here.
    """
    if _received:
        raise Interrupted(_received[0])
