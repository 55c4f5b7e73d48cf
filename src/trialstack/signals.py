"""SIGINT and SIGTERM: the first unwinds and saves, the second ends at once."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from trialstack.errors import Interrupted

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

SIGNALS = (signal.SIGINT, signal.SIGTERM)

_AGAIN_AFTER = 0.05
"""Seconds. A finalizer that swallows a signal is done by then."""

_received: list[int] = []  # by the `interruptible` that is active
_again: list[threading.Timer] = []  # which send what was swallowed once more


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Turns the first signal into `Interrupted`, raised where the main thread is.

    That may be anywhere, also between two writes: the journal is made to survive a kill, and an
    exception is a gentler one. Whatever unwinds (trackers, child processes) then does so under the
    signals' default action, so that a second Ctrl-C ends the process.

    What is raised while a finalizer runs (`__del__`, a callback of a weak reference, of which Keras
    has many) Python prints and ignores. Here it is not printed, and the signal comes once more.
    """

    def stop(number: int, _frame: FrameType | None) -> None:
        _received.append(number)
        _unwind()

    def ignored(told: UnraisableHookArgs) -> None:
        if not isinstance(told.exc_value, Interrupted):
            hook(told)
            return
        number = _received[-1]
        signal.signal(number, stop)
        main_thread = threading.main_thread().ident
        timer = threading.Timer(_AGAIN_AFTER, signal.pthread_kill, (main_thread, number))
        timer.daemon = True
        _again.append(timer)
        timer.start()

    before = {number: signal.signal(number, stop) for number in SIGNALS}
    hook, sys.unraisablehook = sys.unraisablehook, ignored
    try:
        yield
    finally:
        _cancel()
        _received.clear()
        sys.unraisablehook = hook
        for number, action in before.items():
            signal.signal(number, action)


def stop_if_interrupted() -> None:
    """Raises what may have been swallowed; to be called wherever much is yet to be done.

    Raises:
        Interrupted: A signal came, and yet the program has gone on to here.
    """
    if _received:
        _unwind()


def _unwind() -> NoReturn:
    _cancel()
    for each in SIGNALS:
        signal.signal(each, signal.SIG_DFL)
    raise Interrupted(_received[0])


def _cancel() -> None:
    while _again:
        _again.pop().cancel()
