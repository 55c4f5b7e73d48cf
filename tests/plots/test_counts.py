"""Rows of each class: the numbers, then the bars."""

from __future__ import annotations

import pytest

from trialstack.errors import DataError
from trialstack.plots.counts import class_counts, count_classes, draw_class_counts
from trialstack.plots.style import figure_png


def test_counts_and_shares_by_hand() -> None:
    found = count_classes([2, 0, 2, 2], ["a", "b", "c"])
    assert found.names == ["a", "b", "c"]
    assert found.counts.tolist() == [1, 0, 3]
    assert found.shares.tolist() == [0.25, 0.0, 0.75]


def test_a_bar_a_class_the_first_on_top() -> None:
    figure = class_counts(["no", "yes", "no", "no"], title="pets")
    [axes] = figure.axes
    assert [bar.get_width() for bar in axes.patches] == [3, 1]
    assert [text.get_text() for text in axes.texts] == ["3 (75.0 %)", "1 (25.0 %)"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["no", "yes"]
    assert axes.yaxis_inverted()
    assert axes.get_title(loc="left") == "pets"


def test_parts_side_by_side() -> None:
    parts = {"train": count_classes(["a", "b"]), "test": count_classes(["b"], ["a", "b"])}
    left, right = draw_class_counts(parts).axes
    assert [bar.get_width() for bar in right.patches] == [0, 1]
    assert left.get_ylim() == right.get_ylim()


def test_one_class_and_many_can_be_drawn() -> None:
    for labels in (["only"] * 3, list(range(40))):
        assert figure_png(class_counts(labels))[1:4] == b"PNG"


def test_missing_labels_are_refused() -> None:
    with pytest.raises(DataError, match="1 of 2 labels are missing"):
        class_counts(["a", None])  # type: ignore[list-item]
