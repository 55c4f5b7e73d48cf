"""What a long command writes on stderr: lines that stay, and below them a search's dashboard."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from trialstack.console import one_line
from trialstack.live.dashboard import dashboard
from trialstack.live.plain import telling_of
from trialstack.live.snapshot import Watch
from trialstack.pipeline.job import Listener, SearchInProgress
from trialstack.tracking.store import display_uri

if TYPE_CHECKING:
    from trialstack.pipeline.result import TuneResult
    from trialstack.tuners.search_run import SearchRun

log = logging.getLogger(__name__)

MILESTONES = 10
"""Lines that a search's progress takes where there is no terminal."""
REFRESHED = 4.0
"""Times a second that the dashboard is drawn; however many epochs that are, it costs the same."""


class _Terminal(Console):
    """A console that never hides the cursor: not even a kill then leaves a terminal without one."""

    def show_cursor(self, show: bool = True) -> bool:
        """Leaves it as it is."""
        return show


class Progress(Listener):
    """Shows on stderr how far the job is.

    Attributes:
        has_journal: Whether the search is one to go on with.
        show: Given the result, before the search is recorded as done.
    """

    def __init__(self) -> None:
        self.has_journal = False
        self.show: Callable[[TuneResult], None] | None = None
        self._started = time.monotonic()
        self._told = 0
        self._live: Live | None = None  # while the dashboard is shown

    def line(self, text: str) -> None:
        """A line that stays, above the dashboard; without the credentials of a store."""
        text = display_uri(text)
        if self._live is None:
            print(text, file=sys.stderr, flush=True)
        else:
            self._live.console.print(Text(text), soft_wrap=True)

    def warning(self, text: str) -> None:
        """See `Listener`."""
        self.line(f"warning: {one_line(text)}")

    def stage(self, text: str) -> None:
        """See `Listener`."""
        self.line(f"[{time.monotonic() - self._started:5.1f} s] {text}")

    def search_opened(self) -> None:
        """See `Listener`."""
        self.has_journal = True

    def ended(self, result: TuneResult) -> None:
        """See `Listener`."""
        if self.show is not None:
            self.show(result)

    def trial_ended(self, run: SearchRun, max_trials: int) -> None:
        """See `Listener`."""
        done = len(run.rows)
        step = max(1, max_trials // MILESTONES)
        if self._live or (done // step == self._told // step and done != max_trials):
            return
        self._told = done
        self.stage(_summary(run, max_trials))

    @contextlib.contextmanager
    def searching(self, search: SearchInProgress) -> Iterator[None]:
        """Shows the dashboard, if stderr is a terminal that can; a last line stays of it."""
        console = _Terminal(file=sys.stderr, highlight=False)
        nothing_left = len(search.run.rows) >= search.max_trials
        if nothing_left:
            yield
            return
        if not _can_draw(console):
            with telling_of(search, self.stage):
                yield
            return
        frames = _Frames(Watch(search), console)
        # What others print (hypermodels, warnings) goes above it: `Live` redirects both streams.
        self._live = Live(
            console=console,
            get_renderable=frames.draw,
            refresh_per_second=REFRESHED,
            transient=True,
            vertical_overflow="crop",
        )
        try:
            with self._live:
                yield
        finally:
            self._live = None
            self.stage(_summary(search.run, search.max_trials))


def _can_draw(console: Console) -> bool:
    """Whether there is a terminal, one with a cursor to move and blocks to draw."""
    return sys.stderr.isatty() and console.is_interactive and not console.options.ascii_only


class _Frames:
    """Draws the dashboard again and again, in a terminal whose width may change meanwhile.

    Args:
        watch: What it shows.
        console: Where `Live` shows it.
    """

    def __init__(self, watch: Watch, console: Console) -> None:
        self._watch = watch
        self._console = console
        self._width = console.width
        self._cells: list[int] = []  # of each line that is on the screen

    def draw(self) -> Group:
        """The next one; nothing if it cannot be drawn, which must not cost anybody a search."""
        width = self._console.width
        try:
            lines = dashboard(self._watch.look(), width)
        except Exception as error:
            log.debug("no dashboard", exc_info=error)
            lines = []
        if width < self._width:
            self._console.file.write(unwrapped(self._cells, width))
        self._width, self._cells = width, [line.cell_len for line in lines]
        return Group(*lines)


def unwrapped(cells: Sequence[int], width: int) -> str:
    r"""Escape sequences that make lines one row each again, after a terminal has wrapped them.

    `Live` goes up by as many rows as it has drawn lines. In a terminal that was made narrower since
    and wraps what is there, they take more, and some would be left behind at every such change.

    Args:
        cells: Width of each line; the cursor is at the end of the last one.
        width: Columns of the terminal now.

    Returns:
        Goes up to the first row, clears from there, and goes down by a row for each further line;
        empty where no line was wrapped.

    Example:
        >>> unwrapped([30, 10], 20)
        '\x1b[2A\r\x1b[J\x1b[1B'
        >>> unwrapped([20, 10], 20)
        ''
    """
    further = sum(max(-(-count // width), 1) for count in cells) - 1
    if further < len(cells):
        return ""
    down = f"\x1b[{len(cells) - 1}B" if len(cells) > 1 else ""
    return f"\x1b[{further}A\r\x1b[J{down}"


def _summary(run: SearchRun, max_trials: int) -> str:
    """How far a search is, in one line."""
    failed = len(run.failures())
    text = f"{len(run.rows)}/{max_trials} trials"
    text += f", {failed} failed" if failed else ""
    ranking = run.ranking()
    if ranking:
        text += f", best {run.objective.name} {ranking[0].score:.4f} ({ranking[0].name})"
    return text
