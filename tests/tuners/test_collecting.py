"""What a search puts aside comes back, and what it leaves is collected before the next."""

from __future__ import annotations

import gc
import itertools
import weakref
from collections.abc import Iterator

import pytest

from trialstack.tuners import collecting
from trialstack.tuners.collecting import collecting_apart


class Node:
    """Refers to itself: only a collection frees it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _thawed() -> Iterator[None]:
    """Libraries may have put objects aside when they were imported."""
    gc.unfreeze()
    yield
    gc.unfreeze()


def abandoned() -> weakref.ref[Node]:
    return weakref.ref(Node())


def test_aside_and_back() -> None:
    with collecting_apart():
        assert gc.get_freeze_count() > 1000
        with collecting_apart():
            pass
        assert gc.get_freeze_count() > 1000
    assert gc.get_freeze_count() == 0


def test_also_after_an_exception() -> None:
    with pytest.raises(KeyboardInterrupt), collecting_apart():
        raise KeyboardInterrupt
    assert gc.get_freeze_count() == 0


def test_what_others_put_aside_stays_there() -> None:
    gc.freeze()
    with collecting_apart():
        pass
    assert gc.get_freeze_count() > 1000


def test_what_is_made_inside_is_collected() -> None:
    with collecting_apart():
        node = abandoned()
        gc.collect()
        assert node() is None


def test_what_was_left_before_waits_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "_searches", itertools.count())
    gc.disable()
    try:
        node = abandoned()
        with collecting_apart():
            gc.collect()
            assert node() is not None
        with collecting_apart():
            assert node() is None, "the next search begins with it"
    finally:
        gc.enable()
