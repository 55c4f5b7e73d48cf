"""Who shares a stack: worked out by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from trialstack.executors.stacked import padding
from trialstack.executors.stacked.padding import groups_of


def trial(*shape: int) -> Any:
    """A plan of one kernel; what `groups_of` looks at."""
    slot = SimpleNamespace(shape=shape)
    chain = SimpleNamespace(links=[SimpleNamespace(slots=[slot])])
    return SimpleNamespace(chain=chain, size=shape[0] * shape[1])


def shapes(groups: list[list[Any]]) -> list[list[tuple[int, int]]]:
    return [[plan.chain.links[0].slots[0].shape for plan in group] for group in groups]


def test_trials_of_one_size_stay_together() -> None:
    assert shapes(groups_of([trial(3, 4)] * 5, 1)) == [[(3, 4)] * 5]


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        # Apart 10 + 10 + 100 + 2 c, together 3 * 100 + c: a cut is worth up to 180.
        (179, [[(2, 5), (2, 5)], [(10, 10)]]),
        (181, [[(2, 5), (2, 5), (10, 10)]]),
    ],
)
def test_a_cut_is_made_where_it_saves_more_than_it_costs(
    monkeypatch: pytest.MonkeyPatch, cost: int, expected: list[list[tuple[int, int]]]
) -> None:
    monkeypatch.setattr(padding, "STACK_COST", cost)
    assert shapes(groups_of([trial(10, 10), trial(2, 5), trial(2, 5)], 1)) == expected


def test_a_stack_is_as_large_as_its_largest_in_every_dimension(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """(1, 20) and (20, 1) have 20 weights each, but together 400 each."""
    monkeypatch.setattr(padding, "STACK_COST", 100)
    assert len(groups_of([trial(1, 20), trial(20, 1)], 1)) == 2


def test_trials_of_one_size_and_different_shape_are_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(padding, "STACK_COST", 100)
    flat, tall = [(1, 20)] * 3, [(20, 1)] * 3
    mixed = [trial(*shape) for pair in zip(flat, tall, strict=True) for shape in pair]
    assert sorted(shapes(groups_of(mixed, 1))) == [flat, tall]


def test_nothing_is_lost_of_many() -> None:
    plans = [trial(1 + k % 37, 1 + k % 91) for k in range(500)]
    groups = groups_of(plans, 1)
    assert sorted(map(id, (plan for group in groups for plan in group))) == sorted(map(id, plans))


def test_stacks_that_train_side_by_side_are_as_many_as_can(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal trials, which nothing else would part, are divided evenly."""
    monkeypatch.setattr(padding, "STACK_COST", 10)
    plans = [trial(3, 4)] * 8
    assert [len(group) for group in groups_of(plans, 1)] == [8]
    assert [len(group) for group in groups_of(plans, 2)] == [4, 4]
    assert sorted(len(group) for group in groups_of(plans, 3)) == [2, 2, 4]


def test_a_small_stack_is_not_parted_for_the_cores_sake(monkeypatch: pytest.MonkeyPatch) -> None:
    """8 trials of 12 weights train 96 at a step, less than four times half the cost of a stack."""
    monkeypatch.setattr(padding, "STACK_COST", 50)
    assert len(groups_of([trial(3, 4)] * 8, 2)) == 1


def test_side_by_side_a_stack_costs_half(monkeypatch: pytest.MonkeyPatch) -> None:
    """Apart 10 + 10 + 100 + c, together 3 * 100 + c / 2: a cut is worth up to a cost of 360."""
    monkeypatch.setattr(padding, "STACK_COST", 359)
    assert len(groups_of([trial(10, 10), trial(2, 5), trial(2, 5)], 2)) == 2
    monkeypatch.setattr(padding, "STACK_COST", 361)
    assert len(groups_of([trial(10, 10), trial(2, 5), trial(2, 5)], 2)) == 1
