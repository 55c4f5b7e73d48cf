from __future__ import annotations

from typing import Any

import pytest

from trialstack.tuners.deaths import LEFT, suspects, under_way


def entries(story: str) -> list[dict[str, Any]]:
    """`b1 a1 s1 f1` = building, asked, started, finished of trial 1; `x1` failed; `c` closed;
    `l12` left with trials 1 and 2."""
    events = {"b": "building", "a": "asked", "s": "started", "f": "finished", "x": "failed"}
    told: list[dict[str, Any]] = []
    for word in story.split():
        if word[0] == "l":
            told.append({"event": "stage", "name": LEFT, "data": {"trials": list(word[1:])}})
        elif word == "c":
            told.append({"event": "closed"})
        else:
            told.append({"event": events[word[0]], "trial_id": word[1:]})
    return told


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        ("", ""),
        ("a1 s1", ""),  # one death
        ("a1 s1 a1 s1", "1"),  # two
        ("b1 a1 s1 b1 a1 s1", "1"),
        ("b1 b1", "1"),  # while it was built
        ("b1 b1 a1 s1", "1"),  # once so, once so
        ("b1 a1 b1 a1", ""),  # asked, and not begun: it has done nothing
        ("a1 s1 l1 a1 s1", ""),  # the first has said goodbye
        ("a1 s1 a1 s1 l1", ""),
        ("a1 s1 a1 s1 a1 s1 l1", "1"),
        ("a1 s1 l a1 s1", "1"),  # the second had not come to it when it left
        ("a1 s1 a1 s1 f1", ""),
        ("a1 s1 a1 s1 x1 a1 s1", ""),  # its retry has died once
        ("a1 s1 a2 s2 a1 s1 f1 a2 s2", "2"),
        ("a1 s1 a2 s2 a1 s1 a2 s2", "12"),  # a stack
        ("a1 s1 a2 s2 a1 s1", "1"),  # the second death was before 2 was begun again
        ("a1 s1 c a1 s1", ""),
    ],
)
def test_two_deaths_make_a_suspect(story: str, expected: str) -> None:
    assert suspects(entries(story)) == list(expected)


def test_under_way_is_what_was_begun_and_not_ended() -> None:
    assert under_way(entries("b1 a1 s1 b2 a2 s2 f1 b3")) == ["2", "3"]
