from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from trialstack.tables import print_table, print_text

COLUMNS = ["", "score", "learning_rate", "search.batch_size"]
ROWS = [["first", "0.5", "0.01", "32"], ["second", "0.25", "0.001", "64"]]


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What was printed, without the codes for bold type."""
    out = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    return [line.rstrip() for line in out.splitlines()]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes stdout a terminal of some columns."""

    def terminal(columns: int) -> None:
        monkeypatch.setattr("trialstack.tables.Console.is_terminal", True)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", str(columns))

    return terminal


def test_long_names_of_columns_are_folded(capsys) -> None:
    print_table(COLUMNS, ROWS)
    assert lines(capsys) == [
        "               learning_     search.",
        "        score       rate  batch_size",
        "────────────────────────────────────",
        "first     0.5       0.01          32",
        "second   0.25      0.001          64",
    ]


def test_in_a_narrow_terminal_the_last_columns_stand_below(capsys, terminal) -> None:
    terminal(24)
    print_table(COLUMNS, ROWS)
    assert lines(capsys) == [
        "               learning_",
        "        score       rate",
        "────────────────────────",
        "first     0.5       0.01",
        "second   0.25      0.001",
        "",
        "           search.",
        "        batch_size",
        "──────────────────",
        "first           32",
        "second          64",
    ]


def test_a_column_that_is_too_wide_stands_alone(capsys, terminal) -> None:
    terminal(4)
    print_table(["", "a", "b"], [["x", "long text", "y"]])
    assert lines(capsys) == [
        *("           a", "────────────", "x  long text", ""),
        *("   b", "────", "x  y"),
    ]


def test_columns_to_the_left_stay_so_in_every_part(capsys, terminal) -> None:
    terminal(14)
    print_table(["", "text", "n", "more"], [["a", "b", "1", "22222"]], left=2)
    assert lines(capsys) == [
        *("   text  n", "──────────", "a  b     1", ""),
        *("    more", "────────", "a  22222"),
    ]


def test_prose_is_broken_between_words_in_a_terminal_only(capsys, terminal) -> None:
    print_text("Eleven letters, [bold]then more")
    terminal(16)
    print_text("Eleven letters, [bold]then more")
    print_text("A  one two three four", hanging=3)
    print_text("B  thirteen long", hanging=3)
    assert lines(capsys) == [
        "Eleven letters, [bold]then more",
        *("Eleven letters,", "[bold]then more", "A  one two three", "   four", "B  thirteen long"),
    ]


def test_what_looks_like_markup_is_text(capsys) -> None:
    print_table(["", "[red]"], [["[bold]x", "1"]])
    assert "[bold]x" in "\n".join(lines(capsys))
