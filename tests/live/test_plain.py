"""Lines on a long search where there is no terminal."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from trialstack.live import plain
from trialstack.live.snapshot import Snapshot
from trialstack.trials import Objective


class Watched:
    """Stands in for `Watch`."""

    def __init__(self, search: Any) -> None:
        self.search = search

    def look(self) -> Snapshot:
        return Snapshot(Objective("val_auc", "max"), 8, (), running=int(self.search))


def test_lines_come_now_and_then_until_the_search_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "Watch", Watched)
    lines: list[str] = []
    two = threading.Event()

    def tell(line: str) -> None:
        lines.append(line)
        if len(lines) == 2:
            two.set()

    search: Any = 3
    with plain.telling_of(search, tell, every=0.001):
        assert two.wait(30)
    told = len(lines)
    assert set(lines) == {"0/8 trials, 3 running"}
    assert len(lines) == told, "nobody tells any more"
    assert "telling" not in {thread.name for thread in threading.enumerate()}


def test_a_line_tells_how_far_a_long_epoch_is() -> None:
    found = Snapshot(
        Objective("val_auc", "max"), 8, (), running=8, left=90.0, epochs=3, epochs_passed=0.5
    )
    assert plain.line_of(found) == "0/8 trials, 8 running, epoch 1 of 3: 50 %, about 90.0 s left"


def test_a_short_search_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "Watch", Watched)
    lines: list[str] = []
    search: Any = 3
    with plain.telling_of(search, lines.append):
        pass
    assert lines == []
