from __future__ import annotations

from trialstack.report.differences import differing, names_of


def test_one_value_everywhere_is_no_difference() -> None:
    assert differing([[{"a": 1, "b": 2}, {"a": 1, "b": 3}]]) == ["b"]
    assert differing([[{"a": 1}]]) == []
    assert differing([]) == []


def test_a_conditional_hyperparameter_differs_within_its_group_only() -> None:
    with_dropout = {"units": 8, "dropout": 0.5}
    assert differing([[{"units": 8}, with_dropout]]) == ["dropout"]
    assert differing([[{"units": 8}], [with_dropout]]) == []


def test_true_is_not_one() -> None:
    assert differing([[{"a": True}, {"a": 1}]]) == ["a"]


def test_names_come_in_the_order_of_the_longest_row() -> None:
    assert names_of([{"b": 1, "x": 1}, {"a": 1, "b": 1, "c": 1}]) == ["a", "b", "c", "x"]
