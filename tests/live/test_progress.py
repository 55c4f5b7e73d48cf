"""What is written to stderr while a search runs."""

from __future__ import annotations

import contextlib
import io
import re
import sys

import pytest
from rich.console import Console

from trialstack.errors import Interrupted
from trialstack.live.progress import Progress, _Frames
from trialstack.live.snapshot import Snapshot
from trialstack.trials import Objective

CONTROL = re.compile(r"\x1b\[(\d*)([A-Zm])|(\r)|(\n)|([^\x1b\r\n]+)")


class Terminal(io.StringIO):
    """A terminal that is tall enough."""

    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        """What stands on the screen."""
        rows, row = [""], 0
        for count, control, start, end, text in CONTROL.findall(self.getvalue()):
            if control == "A":
                row -= int(count or 1)
            elif control == "K" or start:
                rows[row] = ""
            elif end:
                row += 1
                rows += [""] * (row == len(rows))
            elif text:
                rows[row] += text
        assert not any(rows[row:])  # the cursor stands below everything
        return rows[:row]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")


def untimed(lines: list[str]) -> list[str]:
    return [re.sub(r"^\[ *\d+\.\d s\]", "[]", line) for line in lines]


def search_of_eight(search, progress: Progress) -> None:
    with progress.searching(search.in_progress()):
        first = search.start(0)
        progress.warning("a  disk\nis full")
        print("printed by a hypermodel")
        print("and by Python", file=sys.stderr)
        search.finish(first, 0.875)
        progress.trial_ended(search.run, 8)
        progress.stage("s" * 200)


def test_lines_stand_above_the_dashboard_and_a_last_one_in_its_place(search) -> None:
    with contextlib.redirect_stderr(Terminal()) as terminal, contextlib.redirect_stdout(terminal):
        search_of_eight(search, Progress())
        assert sys.stderr is sys.stdout is terminal
    assert untimed(terminal.lines()) == [
        "warning: a disk is full",
        "printed by a hypermodel",
        "and by Python",
        f"[] {'s' * 200}",
        "[] 1/8 trials, best val_auc 0.8750 (trial 000 · units 4)",
    ]
    assert "0 of 8 trials" in terminal.getvalue()  # there was a dashboard
    assert "\x1b[32m" in terminal.getvalue()
    assert "\x1b[?25l" not in terminal.getvalue()  # the cursor is never hidden


@pytest.mark.parametrize("error", [Interrupted(2), ValueError("no")])
def test_an_error_leaves_the_terminal_clean(search, error: Exception) -> None:
    terminal = Terminal()
    with (
        pytest.raises(type(error)),
        contextlib.redirect_stderr(terminal),
        Progress().searching(search.in_progress()),
    ):
        search.start(0)
        raise error
    assert untimed(terminal.lines()) == ["[] 0/8 trials"]


def test_no_colour(search, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with contextlib.redirect_stderr(Terminal()) as terminal:
        search_of_eight(search, Progress())
    assert not re.search(r"\x1b\[[\d;]*3\dm", terminal.getvalue())
    assert "0 of 8 trials" in terminal.getvalue()


@pytest.mark.parametrize(
    ("stream", "variable"),
    [
        (io.StringIO, ("FORCE_COLOR", "1")),
        (Terminal, ("TERM", "dumb")),
        (Terminal, ("TTY_INTERACTIVE", "0")),
    ],
)
def test_plain_lines_where_there_is_no_terminal_to_draw_in(
    search, monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO], variable: tuple[str, str]
) -> None:
    monkeypatch.setenv(*variable)
    with contextlib.redirect_stderr(stream()) as written, contextlib.redirect_stdout(written):
        search_of_eight(search, Progress())
    assert untimed(written.getvalue().splitlines()) == [
        "warning: a disk is full",
        "printed by a hypermodel",
        "and by Python",
        "[] 1/8 trials, best val_auc 0.8750 (trial 000 · units 4)",
        f"[] {'s' * 200}",
    ]


def test_plain_lines_at_every_tenth_of_the_trials() -> None:
    with contextlib.redirect_stderr(io.StringIO()) as written:
        progress = Progress()
        for done in range(1, 26):
            progress.trial_ended(_Ended(done), 25)
    told = [int(line.split("] ")[1].split("/")[0]) for line in written.getvalue().splitlines()]
    assert told == [2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 25]


class _Ended:
    """A search of which only the number of trials is known."""

    def __init__(self, trials: int) -> None:
        self.rows = [object()] * trials

    def failures(self) -> list[object]:
        return []

    def ranking(self) -> list[object]:
        return []


def test_a_search_that_has_all_of_its_trials_needs_no_dashboard(search) -> None:
    search.finish(search.start(0), 0.5)
    terminal = Terminal()
    with (
        contextlib.redirect_stderr(terminal),
        Progress().searching(search.in_progress(max_trials=1)),
    ):
        pass
    assert terminal.getvalue() == ""


def test_a_dashboard_that_breaks_costs_nothing_but_itself(
    search, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trialstack.live.progress.dashboard", None)
    with contextlib.redirect_stderr(Terminal()) as terminal:
        progress = Progress()
        with progress.searching(search.in_progress()):
            progress.warning("still here")
            search.finish(search.start(0), 0.5)
    assert untimed(terminal.lines()) == [
        "warning: still here",
        "[] 1/8 trials, best val_auc 0.5000 (trial 000 · units 4)",
    ]


def test_rows_that_a_narrower_terminal_has_wrapped_are_cleared() -> None:
    class Watch:
        def look(self) -> Snapshot:
            return Snapshot(Objective("val_auc", "max"), 8)

    out = io.StringIO()
    console = Console(file=out, width=40)
    frames = _Frames(Watch(), console)  # type: ignore[arg-type]
    assert [line.plain for line in frames.draw().renderables] == [
        "░" * 39,
        "0 of 8 trials · stacked",
        "0.0 s used",
    ]
    console.width = 20
    frames.draw()
    # Two rows, two and one: up from the last to the first, clear, and down to the third.
    assert out.getvalue() == "\x1b[4A\r\x1b[J\x1b[2B"
    console.width = 60
    frames.draw()
    assert out.getvalue().count("\x1b[J") == 1
