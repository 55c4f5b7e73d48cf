"""SIGKILL at chosen and at random moments of real commands, again and again on the same search."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.faults.conftest import Figure
from tests.faults.kill_points import FINAL, ORACLE, POINTS, STACK, START, TRIALS
from tests.faults.searched import TRIALS as TRIALS_OF_A_SEARCH
from tests.faults.searched import Searched, check_as_if_never_interrupted
from trialstack.tuners.journal import Journal

pytestmark = pytest.mark.faults

Whole = Callable[[str], Searched]

SEED = int(os.environ.get("SEED") or time.time_ns() % 10**6)
KILLS = int(os.environ.get("KILLS") or 12)
"""At random moments, of each executor."""

QUICK = ["a trial is recorded: half a line", "the final model is checked"]
"""Each costs a start of the command; the long half takes all points."""


def killed_at(place: Searched, points: Sequence[str], figure: Figure) -> None:
    """Gives the same command again and again; it comes further every time."""
    for point in points:
        with place.start_killed_at(point) as process:
            code = process.wait()
            assert code == -signal.SIGKILL, f"{point}: {code}: {process.said}"
        figure("kills tried", 1)


def survived(place: Searched, whole: Searched, kills: int, figure: Figure) -> None:
    check_as_if_never_interrupted(place, place.answer if place.done else place.finish(), whole)
    figure("kills survived", kills)
    figure("results lost", 0)  # or the check would have failed
    figure("duplicate or orphan runs", 0)


def test_a_few_kills(tmp_path: Path, whole: Whole, figure: Figure) -> None:
    place = Searched(tmp_path)
    killed_at(place, QUICK, figure)
    survived(place, whole("one-by-one"), len(QUICK), figure)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("executor", "points"),
    [
        ("one-by-one", [*START, *TRIALS, *ORACLE, *FINAL]),
        ("stacked", [*START[-2:], *STACK[:2], *ORACLE, *FINAL[:2], FINAL[-1]]),
        # Two of them at most find a stack: trials that died with it twice are trained alone.
        ("stacked", [*STACK[2:], FINAL[0]]),
    ],
)
def test_kills_at_chosen_points(
    tmp_path: Path, whole: Whole, figure: Figure, executor: str, points: Sequence[object]
) -> None:
    place = Searched(tmp_path, executor)
    names = [name for name, point in POINTS.items() if point in points]
    killed_at(place, names, figure)
    survived(place, whole(executor), len(names), figure)


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["one-by-one", "stacked"])
def test_kills_at_random_moments(
    tmp_path: Path, whole: Whole, figure: Figure, executor: str
) -> None:
    chance = random.Random(f"{SEED} {executor}")
    print(f"SEED={SEED} KILLS={KILLS}")
    tried = number = 0
    while tried < KILLS:
        number += 1
        place = Searched(tmp_path / str(number), executor)
        before = tried
        while tried < KILLS and strike(place, chance):
            tried += 1
            figure("kills tried", 1)
        survived(place, whole(executor), tried - before, figure)


def strike(place: Searched, chance: random.Random) -> bool:
    """Kills the command some time after it has begun, or has journaled something.

    Returns:
        Whether it was killed before the search was done.
    """
    size, delay = place.journal_size, chance.uniform(0.0, 1.5)
    soon = chance.random() < 0.3
    growth = 0 if soon else chance.randint(1, 6000)
    delay *= 4 if soon else 1  # imports take most of the time
    with place.start() as process:
        came = process.wait_for(lambda: place.journal_size >= size + growth)
        if came:
            time.sleep(delay)
        print(f"after {growth} bytes and {delay:.3f} s")
        killed = process.kill()
    assert killed or place.done, process.said
    return not place.done


def test_what_journaling_costs(tmp_path: Path, whole: Whole, figure: Figure) -> None:
    """The lines of a search once more, as fast as they can be written."""
    entries = [
        entry
        for entry in whole("one-by-one").entries()
        if entry["event"] not in {"opened", "stage"}
    ]
    journal = Journal(tmp_path / "journal.jsonl")
    journal.open("a", {})
    before = time.perf_counter()
    for entry in entries:
        fields = {key: value for key, value in entry.items() if key not in {"event", "crc"}}
        journal.append(entry["event"], **fields)
    milliseconds = 1000 * (time.perf_counter() - before)
    assert len(journal) == 1 + len(entries)
    figure("ms to journal a trial, each", milliseconds / TRIALS_OF_A_SEARCH)
