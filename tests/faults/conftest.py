"""Uninterrupted searches to compare with, and the figures that the suite ends with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.searched import Searched

FIGURE = "fault figure"


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Searched]:
    """Gives the search that an executor makes when nothing happens to it."""
    made: dict[str, Searched] = {}

    def search(executor: str) -> Searched:
        if executor not in made:
            place = Searched(tmp_path_factory.mktemp(executor), executor)
            place.finish()
            made[executor] = place
        return made[executor]

    return search


Figure = Callable[[str, float], None]


@pytest.fixture
def figure(record_property: Callable[[str, Any], None]) -> Figure:
    """Notes a number, which is added up over all tests; one whose name ends in `each` is a mean."""

    def note(name: str, value: float) -> None:
        record_property(FIGURE, (name, value))

    return note


def pytest_terminal_summary(terminalreporter: Any) -> None:
    figures: dict[str, list[float]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for kind, noted in getattr(report, "user_properties", ()):
                if kind == FIGURE and getattr(report, "when", "") == "call":
                    figures.setdefault(noted[0], []).append(noted[1])
    if not figures:
        return
    terminalreporter.section("what the faults came to")
    for name, values in figures.items():
        total = sum(values) / (len(values) if name.endswith("each") else 1)
        terminalreporter.write_line(f"{total:8g}  {name}")
