"""What is written to a terminal while a search runs."""

from __future__ import annotations

import contextlib
import io
from types import SimpleNamespace
from typing import Any

import pytest
from rich.cells import cell_len

from trialstack.console import Progress

CLEAR = "\r\x1b[2K"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(trials: int, name: str) -> Any:
    """What `Progress` looks at in a search."""
    return SimpleNamespace(
        rows=[object()] * trials,
        failures=lambda: [],
        ranking=lambda: [SimpleNamespace(score=0.98765, name=name)],
        objective=SimpleNamespace(name="val_auc"),
    )


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")


def test_a_line_that_is_written_over_fits_one_row() -> None:
    with contextlib.redirect_stderr(Terminal()) as terminal:
        progress = Progress()
        progress.trial_ended(
            run(7, "trial 003 · 99-98 · l1 1e-05 · l2 0.001 · lr 0.003162 · tanh"), 100
        )
        progress.trial_ended(run(8, "trial 003 · 網路" + "寬" * 40), 100)
        progress.trial_ended(run(9, "trial 003 · 4-4"), 100)
        progress.close()
    _, long, wide, short = terminal.getvalue().split(CLEAR)
    assert len(long) == 79  # the last column stays free: a terminal may wrap once it is written
    assert long.endswith("…")
    assert "7/100 trials, best val_auc 0.9877 (trial 003" in long
    assert cell_len(wide) <= 79  # these characters take two columns each
    assert short.endswith("9/100 trials, best val_auc 0.9877 (trial 003 · 4-4)\n")


def test_lines_that_stay_are_whole() -> None:
    with contextlib.redirect_stderr(Terminal()) as terminal:
        progress = Progress()
        progress.warning("long " * 40)
        progress.stage("s" * 200)
    warning, stage = terminal.getvalue().splitlines()
    assert warning == "warning: " + " ".join(["long"] * 40)
    assert stage.endswith("s" * 200)
