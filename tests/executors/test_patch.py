"""Whatever happens inside, the originals are back afterwards."""

from __future__ import annotations

import threading
import types
from collections.abc import Iterator

import pytest

from trialstack.executors.patch import Patch, Replacement


@pytest.fixture
def module() -> types.SimpleNamespace:
    return types.SimpleNamespace(one=1, two=2)


@pytest.fixture
def patch(module: types.SimpleNamespace) -> Patch:
    return Patch(lambda: [(module, "one", "first"), (module, "two", "second")])


def test_inside_and_afterwards(module: types.SimpleNamespace, patch: Patch) -> None:
    with patch.applied():
        assert vars(module) == {"one": "first", "two": "second"}
    assert vars(module) == {"one": 1, "two": 2}


def test_after_an_exception(module: types.SimpleNamespace, patch: Patch) -> None:
    with pytest.raises(KeyboardInterrupt), patch.applied(), patch.applied():
        raise KeyboardInterrupt
    assert vars(module) == {"one": 1, "two": 2}


def test_entered_again(module: types.SimpleNamespace, patch: Patch) -> None:
    with patch.applied():
        with patch.applied():
            pass
        assert module.one == "first"
    assert module.one == 1


def test_threads_that_overlap(module: types.SimpleNamespace, patch: Patch) -> None:
    """The first to enter is the first to leave: each must not put back what it has found."""
    entered, leave = threading.Event(), threading.Event()

    def overlap() -> None:
        with patch.applied():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=overlap)
    with patch.applied():
        thread.start()
        assert entered.wait(10)
    assert module.one == "first", "the other is still inside"
    leave.set()
    thread.join()
    assert vars(module) == {"one": 1, "two": 2}


def test_replacements_are_made_for_each_time(module: types.SimpleNamespace) -> None:
    made: list[int] = []

    def replacements() -> Iterator[Replacement]:
        made.append(module.one)
        yield module, "one", 10 + len(made)

    patch = Patch(replacements)
    for expected in (11, 12):
        with patch.applied():
            assert module.one == expected
    assert made == [1, 1], "they see the originals"


@pytest.mark.parametrize("broken", ["missing", "raising"])
def test_nothing_is_changed_by_a_patch_that_does_not_fit(
    module: types.SimpleNamespace, broken: str
) -> None:
    """As with another version of the library."""

    def replacements() -> Iterator[Replacement]:
        yield module, "one", "first"
        if broken == "raising":
            raise KeyError
        yield module, "missing", "third"

    patch = Patch(replacements)
    for _ in range(2):
        with pytest.raises(KeyError), patch.applied():
            pass
        assert vars(module) == {"one": 1, "two": 2}
