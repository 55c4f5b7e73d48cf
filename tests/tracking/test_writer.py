from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace

import pytest

from trialstack.tracking import writer as writer_module
from trialstack.tracking.writer import Writer


class Log:
    """Keeps what was written, and fails as often as it is told to."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.failures: dict[str, int] = {}
        self.errors: list[str] = []
        self.given_up: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def write(self, item: str) -> None:
        self.gate.wait()
        if self.failures.get(item, 0):
            self.failures[item] -= 1
            raise OSError(f"{item} failed")
        self.written.append(item)

    def writer(self, delay: float = 0.0) -> Writer[str]:
        return Writer(
            self.write, lambda error: self.errors.append(str(error)), self.given_up.append, delay
        )


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "_FIRST_PAUSE", 0.001)
    monkeypatch.setattr(writer_module, "_LONGEST_PAUSE", 0.004)


def test_items_are_written_in_the_order_of_asking() -> None:
    log = Log()
    writer = log.writer()
    log.gate.clear()
    for item in "abc":
        writer.put(item)
    log.gate.set()
    assert writer.close(10)
    assert log.written == ["a", "b", "c"]


def test_an_item_put_often_is_written_once() -> None:
    log = Log()
    writer = log.writer(delay=3600)
    for _ in range(100):
        writer.put("a")
    assert writer.close(10)
    assert log.written == ["a"]


def test_an_urgent_item_is_written_before_the_others() -> None:
    log = Log()
    writer = log.writer(delay=3600)
    writer.put("a")
    writer.put("b", now=True)
    while not log.written:
        threading.Event().wait(0.001)
    assert log.written == ["b"]
    writer.close(10)


def test_what_fails_is_tried_again_until_it_works() -> None:
    log = Log()
    log.failures = {"a": 4, "b": 4}
    writer = log.writer()
    writer.put("a")
    writer.put("b")
    assert writer.close(10)
    assert sorted(log.written) == ["a", "b"]
    assert set(log.errors) == {"a failed", "b failed"}
    assert log.given_up == []


def test_an_item_that_fails_while_others_succeed_is_given_up() -> None:
    log = Log()
    log.failures = {"bad": 10**6}
    writer = log.writer()
    writer.put("bad")
    number = 0
    while not log.given_up:
        writer.put(f"good {number}")
        writer.flush(0.01)
        number += 1
        assert number < 10_000
    assert log.given_up == ["bad"]
    assert writer.close(10)


def test_flush_does_not_wait_for_ever_for_a_store_that_is_away() -> None:
    log = Log()
    log.failures = {"a": 10**6}
    writer = log.writer()
    writer.put("a")
    assert not writer.flush(0.05)
    assert not writer.close(0.05)
    assert log.written == []
    assert log.given_up == []


def test_flush_waits_for_what_is_being_written() -> None:
    log = Log()
    log.gate.clear()
    writer = log.writer()
    writer.put("a", now=True)
    done: list[bool] = []
    waiting = threading.Thread(target=lambda: done.append(writer.flush(10)))
    waiting.start()
    waiting.join(0.05)
    assert done == []
    log.gate.set()
    waiting.join(10)
    assert done == [True]
    assert log.written == ["a"]
    writer.close(10)


def test_flush_does_not_wait_for_what_comes_later() -> None:
    """Other threads may go on putting; a flush ends nevertheless."""
    log = Log()
    writer: Writer[str]

    def write_and_put_another(item: str) -> None:
        log.write(item)
        writer.put(f"{len(log.written)}", now=True)

    def never(_: object) -> None:
        raise AssertionError

    write: Callable[[str], None] = write_and_put_another
    writer = Writer(write, never, never, 0.0)
    writer.put("0")
    assert writer.flush(10)
    with writer._changed:
        writer._stopping = True


class TogetherLog(Log):
    """One to which several items can be given as one; the names of some make that fail."""

    def __init__(self) -> None:
        super().__init__()
        self.groups: list[list[str]] = []

    def write_together(self, items: Sequence[str]) -> None:
        self.gate.wait()
        self.groups.append([*items])
        for item in items:
            if self.failures.get(item, 0):
                raise OSError(f"{item} failed in a group")
        self.written.extend(items)

    def writer(self, delay: float = 0.0) -> Writer[str]:
        return Writer(
            self.write,
            lambda error: self.errors.append(str(error)),
            self.given_up.append,
            delay,
            self.write_together,
        )


def test_items_that_are_due_are_written_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "_TOGETHER", 3)
    log = TogetherLog()
    writer = log.writer(delay=3600)
    for item in "abcdefg":
        writer.put(item)
    assert writer.close(10)
    assert log.groups == [["a", "b", "c"], ["d", "e", "f"]]
    assert log.written == [*"abcdefg"], "the last is written alone"


def test_each_of_a_group_that_fails_is_tried_alone() -> None:
    log = TogetherLog()
    log.failures = {"b": 2}
    writer = log.writer(delay=3600)
    for item in "abc":
        writer.put(item)
    assert writer.close(10)
    assert log.groups == [["a", "b", "c"]]
    assert sorted(log.written) == ["a", "b", "c"]
    assert log.errors == ["b failed", "b failed"], "nothing is told of the group"
    assert log.given_up == []


def test_while_the_store_is_away_items_are_tried_alone() -> None:
    log = TogetherLog()
    log.failures = {"a": 2, "b": 1, "c": 1}
    writer = log.writer(delay=3600)
    for item in "abc":
        writer.put(item)
    assert writer.close(10)
    assert log.errors[:3] == ["a failed", "b failed", "c failed"]
    assert log.groups[0] == ["a", "b", "c"]
    assert sorted(log.written) == ["a", "b", "c"]


class HungLog(Log):
    """Its first write fails after as long as a request may take; the second one never ends."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.begun = 0
        self._hung = 0.0
        monotonic = time.monotonic
        clock = SimpleNamespace(monotonic=lambda: monotonic() + self._hung)
        monkeypatch.setattr(writer_module, "time", clock)

    def write(self, item: str) -> None:
        self.begun += 1
        if self.begun == 1:
            self._hung = 20.0
            threading.Event().wait(0.3)  # in which `flush` looks at the clock
            raise OSError("no answer in time")
        super().write(item)


def test_the_time_that_a_request_hung_counts_as_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    log = HungLog(monkeypatch)
    log.gate.clear()
    writer = log.writer()
    writer.put("a")
    done: list[bool] = []
    waiting = threading.Thread(target=lambda: done.append(writer.flush(20)), daemon=True)
    waiting.start()
    waiting.join(10)
    assert done == [False]
    log.gate.set()
    # The clock says that its patience is over, but for another attempt.
    monkeypatch.setattr(writer_module, "_LONGEST_PAUSE", 20.0)
    assert writer.close(20), "it was tried again meanwhile"
    assert log.written == ["a"]


def test_after_a_long_outage_there_is_another_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    log = HungLog(monkeypatch)
    writer = log.writer()
    monkeypatch.setattr(writer_module, "_FIRST_PAUSE", 3600.0)
    monkeypatch.setattr(writer_module, "_LONGEST_PAUSE", 3600.0)
    writer.put("a")
    while not log.errors:
        threading.Event().wait(0.001)
    assert writer.flush(20), "without waiting for the end of the pause"
    assert (log.begun, log.written) == (2, ["a"])
    writer.close(20)
