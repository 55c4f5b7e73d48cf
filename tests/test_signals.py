from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from trialstack import signals
from trialstack.errors import Interrupted
from trialstack.signals import SIGNALS, interruptible, stop_if_interrupted


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_becomes_an_exception_with_its_exit_code(
    number: signal.Signals, exit_code: int
) -> None:
    before = [signal.getsignal(each) for each in SIGNALS]
    with pytest.raises(Interrupted) as raised, interruptible():
        os.kill(os.getpid(), number)
    assert raised.value.exit_code == exit_code
    assert [signal.getsignal(each) for each in SIGNALS] == before


def test_it_passes_through_what_catches_exceptions() -> None:
    with pytest.raises(Interrupted), interruptible(), contextlib.suppress(Exception):
        os.kill(os.getpid(), signal.SIGTERM)


class Finalized:
    """A thing whose end is interrupted."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would be printed, as ignored."""
    ignored: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", ignored.append)
    return ignored


def test_one_that_a_finalizer_swallowed_comes_again(told: list[Any]) -> None:
    with pytest.raises(Interrupted) as raised, interruptible():
        Finalized()
        time.sleep(60)  # or whatever else the program has gone on with
    assert raised.value.exit_code == 143
    assert told == []
    stop_if_interrupted()  # over with the `with`


def test_one_that_a_finalizer_swallowed_is_raised_where_it_is_asked_for(
    told: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "_AGAIN_AFTER", 0.5)  # on a busy machine it must not come first
    with interruptible():
        Finalized()
        with pytest.raises(Interrupted) as raised:
            stop_if_interrupted()
        time.sleep(0.75)  # it does not come again while the first one unwinds
    assert raised.value.exit_code == 143
    assert told == []


def test_what_else_a_finalizer_raises_is_told_as_ever(told: list[Any]) -> None:
    class Broken:
        def __del__(self) -> None:
            raise ValueError("no")

    with interruptible():
        Broken()
    assert [type(each.exc_value) for each in told] == [ValueError]
    assert sys.unraisablehook == told.append


def test_without_a_signal_nothing_changes() -> None:
    before = [signal.getsignal(each) for each in SIGNALS]
    with interruptible():
        assert [signal.getsignal(each) for each in SIGNALS] != before
    assert [signal.getsignal(each) for each in SIGNALS] == before


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_the_process_while_the_first_unwinds(second: signal.Signals) -> None:
    program = f"""
import os, signal
from trialstack.signals import interruptible
with interruptible():
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        print("unwinding", flush=True)
        os.kill(os.getpid(), {int(second)})
        print("still there", flush=True)
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert ended.stdout == "unwinding\n"
    assert ended.returncode == -second
